"""What a message costs the hub's process: processor time of each thread, beside a bare aiohttp handler of JSON.

`make cost`, or `python -m tests.load.cost`. Both are asked in turns, in one process and without sockets, so that the
ratio holds on a busy machine too; of many short turns the tenth that were disturbed least count. Redis and the disk
are real, but what they take themselves is not in these figures: `make bench` is about that.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import uvloop
from aiohttp import web

from server import app as hub_app
from server import log
from server.config import load
from server.datadir import DataDir
from server.web.keys import HUB
from tests.load import bare

BUSIEST = 2
"""Threads that are told of one by one: the event loop's and the writer's."""


class Cost(NamedTuple):
    """Processor time of one request, in µs: in all, and by the threads that took most."""

    total: float
    threads: tuple[float, ...]


class Socket(asyncio.Transport):
    """The other end of a connection: hands each answer to `answered`."""

    def __init__(self, answered: Callable[[bytes], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._answered = answered

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._answered(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self._answered(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        pass

    abort = pause_reading = resume_reading = close


async def ask(server: Callable[[], asyncio.Protocol], request: bytes, clients: int, times: int) -> None:
    """Make a request `times` over, `clients` of them at a time, each on its own connection."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    asked = answered = 0

    def connect() -> asyncio.Protocol:
        protocol = server()

        def once_more() -> None:
            nonlocal asked
            asked += 1
            protocol.data_received(request)

        def on_answer(data: bytes) -> None:
            nonlocal answered
            if not data.startswith(b"HTTP/1.1 201 "):
                finished.set_exception(AssertionError(data))
            answered += 1
            if asked < times:
                loop.call_soon(once_more)
            elif answered == asked:
                finished.set_result(None)

        protocol.connection_made(Socket(on_answer))
        once_more()
        return protocol

    protocols = [connect() for _ in range(clients)]
    await finished
    for protocol in protocols:
        protocol.connection_lost(None)


def spent_ns() -> dict[str, int]:
    """Processor time of each thread of this process so far (`/proc/self/task/*/schedstat`)."""
    return {
        task.name: int((task / "schedstat").read_text("ascii").split()[0]) for task in Path("/proc/self/task").iterdir()
    }


async def cost(server: Callable[[], asyncio.Protocol], request: bytes, clients: int, times: int) -> Cost:
    """What one request took."""
    before = spent_ns()
    await ask(server, request, clients, times)
    took = [(now - before.get(thread, 0)) / times / 1000 for thread, now in spent_ns().items()]
    return Cost(sum(took), tuple(sorted(took, reverse=True)[:BUSIEST]))


def undisturbed(costs: list[Cost]) -> Cost:
    """The tenth that was disturbed least."""
    return sorted(costs)[len(costs) // 10]


async def measure(folder: Path, clients: int, rounds: int, times: int) -> None:
    """Print the figures."""
    settings = load(flags={"data_dir": folder}, environ={})
    sys.setswitchinterval(hub_app.SWITCH_S)
    with DataDir(settings.data_dir) as data:
        async with AsyncExitStack() as stack:
            app = await hub_app.compose(settings, data, stack, asyncio.Event())
            ours, plain = (web.AppRunner(each, access_log=None) for each in (app, bare.application()))
            for runner in (ours, plain):
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
            request = _post(
                (folder / "admin.token").read_text("ascii").strip(), next(iter(app[HUB].directory.channels))
            )
            gc.freeze()
            gc.set_threshold(*hub_app.COLLECT)
            costs: dict[web.AppRunner, list[Cost]] = {ours: [], plain: []}
            for _ in range(rounds):
                for runner, found in costs.items():
                    assert runner.server is not None
                    found.append(await cost(runner.server, request, clients, times))
    hub, floor = undisturbed(costs[ours]), undisturbed(costs[plain])
    print(f"{clients} clients at a time, {rounds} x {times} requests each; µs of processor time a request")
    print(f"a bare handler    {floor.total:6.1f}")
    threads = ", ".join(f"{took:.1f}" for took in hub.threads)
    print(f"a stored message  {hub.total:6.1f}  (event loop and writer: {threads})")
    print(f"ratio             {hub.total / floor.total:6.2f}")


def _post(token: str, channel_id: str) -> bytes:
    body = msgspec.json.encode({"channelId": channel_id, "content": "hello world, this is a message"})
    head = (
        "POST /api/messages HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(prog="tests.load.cost", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--times", type=int, default=320, help="requests in a round")
    arguments = parser.parse_args()
    log.configure()
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="hub-cost-") as folder:
        uvloop.run(measure(Path(folder), arguments.clients, arguments.rounds, arguments.times))


if __name__ == "__main__":
    main()
