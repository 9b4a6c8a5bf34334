"""A hub that is killed, stopped or cut short, at any moment: the oracle's verdict is empty."""

import asyncio
import shutil
import signal
import sqlite3
from pathlib import Path
from time import monotonic
from uuid import uuid4

import aiohttp
import psutil
import pytest

from tests.faults import Call, calls_in, tampered, traced
from tests.hub import HubProcess, envelope
from tests.oracle import company

WAL = "hub.db-wal>"


def private_redis(hub: HubProcess) -> psutil.Process:
    """The server that the hub started for itself."""
    children = psutil.Process(hub.pid).children(recursive=True)
    return next(child for child in children if "server" in child.name())


async def test_a_killed_hub_loses_nothing_and_repeats_nothing(own_hub: HubProcess) -> None:
    async with company(own_hub) as talkers:
        for _ in range(3):
            await talkers.progress(20)
            await own_hub.kill()
            await own_hub.start()
        await talkers.progress(20)


async def test_a_hub_on_postgresql_loses_nothing_when_it_is_killed(tmp_path: Path, postgres_url: str) -> None:
    async with HubProcess(tmp_path, HUB_DATABASE_URL=postgres_url) as hub, company(hub) as talkers:
        await talkers.progress(20)
        await hub.kill()
        await hub.start()
        await talkers.progress(20)


async def test_a_201_leaves_when_the_message_is_synced_and_a_power_cut_keeps_it(
    own_hub: HubProcess, tmp_path: Path
) -> None:
    await own_hub.stop()
    trace = tmp_path / "trace"
    own_hub.wrap = traced("pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync", trace)
    await own_hub.start()
    async with own_hub.client() as admin:
        channel_id = await admin.general()
        words = [f"word-{number}-{uuid4().hex}" for number in range(30)]
        for start in range(0, len(words), 6):
            await asyncio.gather(*(admin.say(channel_id, word) for word in words[start : start + 6]))
    await own_hub.kill()
    await _until_quiet(trace)
    calls = calls_in(trace)
    kept = {}
    for word in words:
        written = next(call for call in calls if call.name == "pwrite64" and WAL in call.words and word in call.words)
        answered = next(call for call in calls if "HTTP/1.1 201" in call.words and word in call.words)
        syncs = [c for c in calls if c.name in ("fsync", "fdatasync") and WAL in c.words and c.result == "0"]
        assert any(written.ended < sync.began and sync.ended < answered.began for sync in syncs), word
        kept[word] = _end_of_synced(calls, answered.began)
    for number, (word, end) in enumerate(kept.items()):
        # what was not synced when the answer left may be gone when the power fails in that moment
        assert word in _stored(own_hub.data_dir, end, tmp_path / f"cut-{number}")


async def _until_quiet(trace: Path) -> None:
    """The tracer writes on for a moment after its process has gone."""
    before = -1
    while before != (before := len(await asyncio.to_thread(trace.read_bytes))):
        await asyncio.sleep(0.3)


def _end_of_synced(calls: list[Call], moment: int) -> int:
    """How far the write-ahead log was synced to disk at this moment."""
    own = [call for call in calls if WAL in call.words]
    synced = max(c.began for c in own if c.name in ("fsync", "fdatasync") and c.result == "0" and c.ended < moment)
    ends = []
    for call in own:
        if call.name == "pwrite64" and call.ended < synced:
            count, offset = call.words.rsplit(", ", 2)[1:]
            ends.append(int(count) + int(offset))
    return max(ends)


def _stored(data_dir: Path, end: int, folder: Path) -> str:
    """All messages in a copy of the database whose write-ahead log ends there, with rubbish behind it."""
    folder.mkdir()
    shutil.copyfile(data_dir / "hub.db", folder / "hub.db")
    (folder / "hub.db-wal").write_bytes((data_dir / "hub.db-wal").read_bytes()[:end] + b"\x5a" * 3000)
    with sqlite3.connect(folder / "hub.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT content FROM messages").fetchall()
    database.close()
    return " ".join(content for (content,) in rows)


async def test_what_is_committed_when_the_hub_dies_unpublished_arrives_after_its_return(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, admin.stream() as frames:
        body = {"channelId": await admin.general(), "content": "between", "id": str(uuid4())}
        # the sync is done and takes for ever to return: the message is on disk, and nobody knows
        async with tampered(own_hub.pid, "fdatasync:delay_exit=60s"):
            asking = asyncio.create_task(admin.call("POST", "/api/messages", body))
            await _until_in_the_log(own_hub, body["content"])
            assert await frames.quiet(0.5), "nobody has heard of it"
            assert not asking.done(), "and it was not answered"
            psutil.Process(own_hub.pid).kill()
        await own_hub.kill()
        with pytest.raises(aiohttp.ClientError):
            await asking
    await own_hub.start()
    ready_s = monotonic()
    async with own_hub.client() as admin:
        async with admin.stream(cursor=frames.hello.id) as frames:
            heard = envelope((await frames.until("channel.message"))[-1])
        assert monotonic() - ready_s < 2 * 5
        assert heard["event"]["message"]["content"] == "between"
        again = await admin.call("POST", "/api/messages", body)
        assert (again.status, again.body["seq"]) == (200, heard["seq"])


async def _until_in_the_log(hub: HubProcess, word: str) -> None:
    async with asyncio.timeout(15):
        while word.encode() not in await asyncio.to_thread((hub.data_dir / "hub.db-wal").read_bytes):
            await asyncio.sleep(0.05)


async def test_sigterm_with_150_streams_is_a_clean_reconnect(own_hub: HubProcess) -> None:
    async with company(own_hub, agents=150) as talkers:
        await talkers.progress(20)
        began_s = monotonic()
        assert await own_hub.stop() == 0
        assert monotonic() - began_s <= 5 * 3
        assert [reader.byes for reader in talkers.readers] == [["shutdown"]] * 150
        await own_hub.start()
        await talkers.progress(20)


async def test_a_post_that_timed_out_and_is_sent_again_is_one_message(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, admin.stream() as frames:
        channel_id = await admin.general()
        body = {"channelId": channel_id, "content": "once", "id": str(uuid4())}
        stopped = psutil.Process(own_hub.pid)
        for _ in range(3):
            stopped.suspend()
            with pytest.raises(TimeoutError):
                await admin.call("POST", "/api/messages", body, timeout=aiohttp.ClientTimeout(total=0.3))
            stopped.resume()
        first = await admin.call("POST", "/api/messages", body)
        again = await admin.call("POST", "/api/messages", body)
        assert (again.status, again.body) == (200, first.body)
        await admin.say(channel_id, "twice")
        frames_heard = [await frames.next(), await frames.next()]
    heard = [envelope(frame)["event"]["message"]["content"] for frame in frames_heard]
    assert heard == ["once", "twice"]


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
