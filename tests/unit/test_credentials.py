"""What systemd gives the hub: URLs as credentials, and a socket to say how it fares."""

import asyncio
import contextlib
import socket
from pathlib import Path

from server.config import load
from server.notify import beat, notify


def test_a_credential_is_what_others_go_over(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text('data_dir = "/var/lib/hub"\n[redis]\nprefix = "x:"\n')
    (tmp_path / "redis.url").write_text("unix://hub:secret@/run/hub/redis.sock\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "HOME": "/nowhere"}
    settings = load(file=file, environ=environ)
    assert settings.redis.url == "unix://hub:secret@/run/hub/redis.sock"
    assert settings.redis.prefix == "x:"
    assert "secret" not in str(settings.described())
    assert load(file=file, environ={**environ, "HUB_REDIS_URL": "redis://mine"}).redis.url == "redis://mine"
    file.write_text('[redis]\nurl = "redis://file"\n')
    assert load(file=file, environ=environ).redis.url == "redis://file"


def test_no_credentials_no_difference(tmp_path: Path) -> None:
    assert load(environ={"CREDENTIALS_DIRECTORY": str(tmp_path), "HOME": "/nowhere"}).redis.url == ""


async def test_the_watchdog_hears_a_loop_that_turns(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(tmp_path / "notify"))
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000"}
        notify("READY=1", environ)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(beat(environ), 0.1)
        heard = [door.recv(100) for _ in range(4)]
    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]


async def test_without_systemd_nothing_is_said(tmp_path: Path) -> None:
    notify("READY=1", {})
    notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "gone")})
    await asyncio.wait_for(beat({}), 1)
