"""Faults, injected for real, and what must hold through each of them: the oracle's verdict is empty."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import redis

from tests.hub import HubProcess
from tests.oracle import Reader, Writer, settle
from tests.servers import redis_server


@contextlib.asynccontextmanager
async def company(hub: HubProcess, pause_s: float = 0.02) -> AsyncIterator[tuple[list[Writer], list[Reader]]]:
    """Three agents that write and three that read, all the while."""
    async with hub.client() as admin:
        channel_id = await admin.general()
        tokens = [(await admin.agent())[1] for _ in range(3)]
    readers = [Reader(hub, token) for token in tokens]
    writers = [Writer(hub, token, channel_id) for token in tokens]
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    for reader in readers:
        await reader.joined.wait()
    writing = [asyncio.create_task(writer.run(pause_s)) for writer in writers]
    try:
        yield writers, readers
        await cancelled(writing)
        assert await settle(writers, readers) == []
        assert all(reader.resets == 0 for reader in readers)
    finally:
        await cancelled(tasks + writing)


async def cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def acknowledged(writers: list[Writer]) -> int:
    return sum(len(writer.acknowledged) for writer in writers)


async def progress(writers: list[Writer], more: int, within_s: float) -> None:
    """Wait until so many more were acknowledged."""
    goal = acknowledged(writers) + more
    async with asyncio.timeout(within_s):
        while acknowledged(writers) < goal:
            await asyncio.sleep(0.01)


def private_redis(hub: HubProcess) -> psutil.Process:
    """The server that the hub started for itself."""
    assert hub.process is not None
    children = psutil.Process(hub.process.pid).children(recursive=True)
    return next(child for child in children if "server" in child.name())


async def test_a_killed_hub_loses_nothing_and_repeats_nothing(own_hub: HubProcess) -> None:
    async with company(own_hub) as (writers, _):
        for _ in range(3):
            await progress(writers, 20, 10)
            await own_hub.kill()
            await own_hub.start()
        await progress(writers, 20, 10)


async def test_messages_go_on_while_the_private_redis_dies_and_it_comes_back(own_hub: HubProcess) -> None:
    async with company(own_hub) as (writers, _):
        await progress(writers, 20, 10)
        private_redis(own_hub).kill()
        await progress(writers, 100, 10)
        async with own_hub.client() as admin, asyncio.timeout(10):
            while (await admin.ok("GET", "/readyz"))["parts"]["redis"] != "ok":
                await asyncio.sleep(0.05)
        await progress(writers, 20, 10)


async def test_messages_go_on_while_redis_is_frozen(own_hub: HubProcess) -> None:
    async with company(own_hub) as (writers, readers):
        await progress(writers, 20, 10)
        frozen = private_redis(own_hub)
        frozen.send_signal(signal.SIGSTOP)
        try:
            await progress(writers, 100, 10)
            assert await settle(writers, readers, 1) == []
            async with own_hub.client() as admin, asyncio.timeout(10):
                while (await admin.ok("GET", "/readyz"))["parts"]["redis"] == "ok":
                    await asyncio.sleep(0.05)
        finally:
            frozen.send_signal(signal.SIGCONT)
        await progress(writers, 20, 10)


async def test_a_killed_subscription_is_noticed_by_nobody(tmp_path: Path) -> None:
    with redis_server() as url:
        async with HubProcess(tmp_path, HUB_REDIS_URL=url) as hub, company(hub) as (writers, _):
            with redis.Redis.from_url(url) as outsider:
                for _ in range(3):
                    await progress(writers, 20, 10)
                    outsider.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await progress(writers, 20, 10)


async def test_a_hub_without_redis_starts_and_serves(tmp_path: Path) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    async with HubProcess(tmp_path, HUB_REDIS_URL=nowhere) as hub, company(hub) as (writers, _):
        await progress(writers, 50, 10)


async def test_sigterm_says_goodbye_and_ends(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, admin.stream() as frames:
        assert await own_hub.stop() == 0
        assert (await frames.until("hub.bye"))[-1].data == '{"code":"shutdown","retry":true}'


async def test_ctrl_c_leaves_no_process_behind(own_hub: HubProcess) -> None:
    server = private_redis(own_hub)
    assert await own_hub.stop(signal.SIGINT) == 0
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    assert not (own_hub.data_dir / "redis.sock").exists()


async def test_a_second_hub_on_the_same_data_says_so_and_leaves(own_hub: HubProcess) -> None:
    second = HubProcess(own_hub.data_dir.parent)
    await second.start(ready=False)
    assert second.process is not None
    assert await second.process.wait() == 1
    assert "already running" in second.log_text


async def test_a_hub_on_postgresql_loses_nothing_when_it_is_killed(tmp_path: Path, postgres_url: str) -> None:
    async with HubProcess(tmp_path, HUB_DATABASE_URL=postgres_url) as hub, company(hub) as (writers, _):
        await progress(writers, 20, 10)
        await hub.kill()
        await hub.start()
        await progress(writers, 20, 10)
