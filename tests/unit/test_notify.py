"""What systemd is told while a start takes long."""

import asyncio
import socket
from pathlib import Path

from server.notify import patiently


async def test_a_long_start_asks_for_more_time_until_it_is_done(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        working: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(patiently(working, 0.05, {"NOTIFY_SOCKET": str(tmp_path / "notify")}))
        said = await asyncio.get_running_loop().sock_recv(manager, 100)
        assert said == b"EXTEND_TIMEOUT_USEC=150000"
        working.set_result("done")
        assert await waiting == "done"
