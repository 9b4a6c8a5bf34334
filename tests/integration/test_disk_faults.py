"""A disk that is full, slow, failing or damaged, and long readers of the database: nothing acknowledged is lost."""

import asyncio
import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import monotonic
from uuid import uuid4

import aiohttp
import pytest

from server.store.checkpointing import QUIET_COMMITS
from server.web.routes import ROUTES
from tests.faults import disk, tampered
from tests.hub import ROOT, Client, HubProcess
from tests.oracle import Company, cancelled, company, p99

SLACK = 5
"""What is asked of a machine that does something else besides; the soak asks for the figures themselves."""


NONSENSE = b"\x5a" * 4096
"""A page that is none."""


async def test_a_full_disk_refuses_keeps_what_it_has_and_recovers(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", megabytes=24) as small:
        async with HubProcess(small.folder) as hub, hub.client() as admin:
            async with company(hub, agents=20) as talkers:
                await talkers.progress(20)
                (small.folder / "filler").write_bytes(b"x" * (small.free() - 64_000))
                pid = hub.pid
                await until_refused(talkers, 507)
                ready = await admin.call("GET", "/readyz")
                assert ready.status == 503
                assert "the disk is full" in ready.body["parts"]["database"]
                refused = await admin.call("POST", "/api/messages", {"channelId": talkers.channel_id, "content": "x"})
                assert (refused.status, refused.body["code"]) == (507, "storage_full")
                page = await admin.ok("GET", f"/api/messages?channelId={talkers.channel_id}&limit=10")
                assert len(page["messages"]) == 10
                async with admin.stream("?since=0") as frames:
                    await frames.until("channel.message")
                (small.folder / "filler").unlink()
                freed_s = monotonic()
                await talkers.progress(20)
                assert monotonic() - freed_s <= 5 * SLACK
                assert hub.pid == pid
            (small.folder / "filler").write_bytes(b"x" * (small.free() - 64_000))
            while (await admin.call("GET", "/readyz")).status == 200:
                await asyncio.sleep(0.05)
            (small.folder / "filler").unlink()
            assert (await admin.call("GET", "/readyz")).status == 200, "nobody has posted, yet it finds the room"


async def until_refused(talkers: Company, status: int) -> None:
    async with asyncio.timeout(30):
        while status not in talkers.refusals():
            await asyncio.sleep(0.05)


async def test_a_failing_sync_is_503_and_what_was_not_confirmed_is_never_shown(own_hub: HubProcess) -> None:
    async with company(own_hub, agents=20) as talkers, own_hub.client() as admin:
        await talkers.progress(20)
        pid = own_hub.pid
        unconfirmed = {"channelId": talkers.channel_id, "content": "never confirmed", "id": str(uuid4())}
        async with tampered(own_hub.pid, "fdatasync:error=EIO"):
            await until_refused(talkers, 503)
            answer = await admin.call("POST", "/api/messages", unconfirmed)
            assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (503, "storage_failed", "1")
            assert (await admin.call("GET", "/readyz")).status == 503
        await talkers.progress(40)
        assert own_hub.pid == pid
        assert (await admin.call("GET", f"/api/messages/{unconfirmed['id']}")).status == 404
        assert unconfirmed["id"] not in talkers.readers[0].heard_s
        assert integrity(own_hub) == "ok"


async def test_a_hub_that_dies_after_a_failing_sync_does_not_show_the_message_either(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        body = {"channelId": await admin.general(), "content": "never confirmed", "id": str(uuid4())}
        async with tampered(own_hub.pid, "fdatasync:error=EIO"):
            assert (await admin.call("POST", "/api/messages", body)).status == 503
    await own_hub.kill()
    await own_hub.start()
    async with own_hub.client() as admin:
        assert (await admin.call("GET", f"/api/messages/{body['id']}")).status == 404
        assert (await admin.call("POST", "/api/messages", body)).status == 201
    assert integrity(own_hub) == "ok"


def integrity(hub: HubProcess) -> str:
    database = sqlite3.connect(f"file:{hub.data_dir / 'hub.db'}?mode=ro", uri=True)
    said = str(database.execute("PRAGMA integrity_check").fetchone()[0])
    database.close()
    return said


async def test_a_slow_card_makes_sending_slower_and_the_watchdog_hears_of_it_all_the_same(tmp_path: Path) -> None:
    with supervisor(tmp_path / "notify") as ear:
        async with HubProcess(tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="3000000") as hub:
            async with company(hub) as talkers:
                await talkers.progress(20)
                beats_s: list[float] = []
                listening = asyncio.create_task(beats(ear, beats_s))
                async with tampered(hub.pid, "fdatasync:delay_enter=500ms"):
                    since_s = monotonic()
                    await asyncio.sleep(10)
                    slow = talkers.posts_s(since_s)
                await cancelled([listening])
            assert min(slow) > 0.4, "the disk was slow indeed"
            assert p99(slow) <= 2 * SLACK
            pauses = [later - earlier for earlier, later in pairwise([since_s, *beats_s, monotonic()])]
            assert max(pauses) < 3 * SLACK


async def test_what_was_written_goes_into_the_database_when_nobody_writes(own_hub: HubProcess, tmp_path: Path) -> None:
    async with own_hub.client() as admin:
        channel_id = await admin.general()
        for number in range(2 * QUIET_COMMITS):
            await admin.say(channel_id, f"words {number}")
    async with asyncio.timeout(30):
        while await asyncio.to_thread(in_the_file, own_hub.data_dir / "hub.db", tmp_path / "alone.db") < QUIET_COMMITS:
            await asyncio.sleep(0.1)


def in_the_file(file: Path, copy: Path) -> int:
    """How many messages are in the database's file itself, without the log beside it."""
    copy.write_bytes(file.read_bytes())
    with contextlib.closing(sqlite3.connect(copy)) as alone:
        return int(alone.execute("SELECT count(*) FROM messages").fetchone()[0])


@contextlib.contextmanager
def supervisor(path: Path) -> Iterator[socket.socket]:
    """Where the hub says how it fares."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        ear.setblocking(False)
        yield ear


async def beats(ear: socket.socket, at_s: list[float]) -> None:
    """When the hub said that it is alive."""
    while True:
        if await asyncio.get_running_loop().sock_recv(ear, 100) == b"WATCHDOG=1":
            at_s.append(monotonic())


async def test_long_readers_and_backups_leave_the_log_of_writes_bounded(own_hub: HubProcess, tmp_path: Path) -> None:
    async with company(own_hub, agents=30, rate=300) as talkers:
        sizes: list[int] = []
        busy = [asyncio.create_task(export(own_hub, talkers.channel_id)) for _ in range(4)]
        busy += [
            asyncio.create_task(back_up(own_hub, tmp_path / "backups")),
            asyncio.create_task(sizes_of(own_hub, sizes)),
        ]
        since_s = monotonic()
        await asyncio.sleep(15)
        await cancelled(busy)
        assert max(sizes) <= 64 << 20
        assert p99(talkers.posts_s(since_s)) <= 1 * SLACK
    backups = sorted((tmp_path / "backups").glob("hub-*.db"))
    assert backups
    for file in backups:
        with contextlib.closing(sqlite3.connect(file)) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_reader_elsewhere_that_holds_the_log_of_writes_is_told_of_until_it_ends(own_hub: HubProcess) -> None:
    file = own_hub.data_dir / "hub.db"
    async with own_hub.client() as admin:
        room = await admin.channel()
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as elsewhere:
            elsewhere.execute("BEGIN")
            elsewhere.execute("SELECT count(*) FROM messages").fetchone()
            while (own_hub.data_dir / "hub.db-wal").stat().st_size <= 64 << 20:
                assert (await admin.ok("GET", "/readyz"))["parts"]["database"] == "ok"
                await asyncio.gather(*(admin.say(room, "x" * 65_000) for _ in range(50)))
            ready = await admin.ok("GET", "/readyz")
            assert ready["ready"]
            assert f"{file}-wal has grown to " in ready["parts"]["database"]
            assert f"end what reads {file}" in ready["parts"]["database"]
            assert (await admin.ok("GET", "/api/health"))["parts"]["database"] == ready["parts"]["database"]
            metrics = (await admin.call("GET", "/metrics")).body.decode()
            assert int(float(metrics.split("hub_wal_bytes ")[-1].split()[0])) > 64 << 20
        async with asyncio.timeout(30):
            while (await admin.ok("GET", "/readyz"))["parts"]["database"] != "ok":
                await admin.say(room, "and now it may go")


async def export(hub: HubProcess, channel_id: str) -> None:
    """Read the whole history, again and again."""
    async with hub.client() as admin:
        after = ""
        while True:
            page = await admin.ok("GET", f"/api/messages?channelId={channel_id}&limit=200{after}")
            last = page["messages"][-1]["id"] if page["messages"] else None
            after = f"&after={last}" if last and page["hasMore"] else ""


async def back_up(hub: HubProcess, folder: Path) -> None:
    while True:
        words = ("-m", "server", "backup", "--data-dir", str(hub.data_dir), "--to", str(folder))
        environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, env=environ, stdout=quiet)
        try:
            assert await process.wait() == 0
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise


async def sizes_of(hub: HubProcess, sizes: list[int]) -> None:
    while True:
        sizes.append((hub.data_dir / "hub.db-wal").stat().st_size)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("table", ["sqlite_schema", "agents", "messages"])
async def test_a_damaged_database_is_left_as_it_is_and_a_page_names_what_restores_it(
    own_hub: HubProcess, tmp_path: Path, table: str
) -> None:
    async with own_hub.client() as admin:
        channel_id = await admin.general()
        for number in range(50):
            await admin.say(channel_id, f"{number} " + "x" * 1000)
    await own_hub.stop()
    assert await asyncio.to_thread(server, own_hub, "backup", "--to", str(tmp_path / "backups")) == 0
    database = own_hub.data_dir / "hub.db"
    damaged = overwrite_a_page(database, table)
    await own_hub.start(ready=False)
    async with own_hub.client("") as visitor, own_hub.client() as admin:
        await until_damaged(admin, f"/api/messages?channelId={channel_id}&limit=200")
        page = await visitor.call("GET", "/", headers={"Accept": "text/html"})
        assert page.status == 503
        assert b"hubctl restore" in page.body
        refused = await admin.call("POST", "/api/messages", {"channelId": channel_id, "content": "x"})
        assert (refused.status, refused.body["code"]) == (503, "database_damaged")
        ready = await visitor.call("GET", "/readyz")
        assert (ready.status, ready.body["ready"]) == (503, False)
        assert (await visitor.call("GET", "/healthz")).status == 200
    assert "hubctl restore" in own_hub.log_text
    assert await own_hub.stop() == 0
    assert is_kept(damaged, database), "nothing put an empty one in its place"
    (backup,) = (tmp_path / "backups").iterdir()
    assert await asyncio.to_thread(server, own_hub, "restore", str(backup)) == 0
    await own_hub.start()
    async with own_hub.client() as admin:
        assert len((await admin.ok("GET", f"/api/messages?channelId={channel_id}&limit=200"))["messages"]) == 50
    (aside,) = own_hub.data_dir.glob("hub.db.before-restore-*")
    assert is_kept(damaged, aside)


def is_kept(damaged: bytes, file: Path) -> bool:
    """Whether it is still that database, apart from the little that a hub wrote before it found out."""
    content = file.read_bytes()
    places = range(0, len(damaged), len(NONSENSE))
    same = sum(content[place : place + len(NONSENSE)] == damaged[place : place + len(NONSENSE)] for place in places)
    return same > 0.75 * len(places)


def overwrite_a_page(file: Path, table: str) -> bytes:
    """Nonsense where a table begins; returns what the file holds then."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        size = database.execute("PRAGMA page_size").fetchone()[0]
        row = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    page = row[0] if row else 1
    content = bytearray(file.read_bytes())
    assert size == len(NONSENSE)
    content[(page - 1) * size : page * size] = NONSENSE
    file.write_bytes(content)
    return bytes(content)


async def until_damaged(admin: Client, path: str) -> None:
    """Ask until the hub has found out, whatever it says before."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await admin.call("GET", path)
                if b"hubctl restore" in (await admin.call("GET", "/", headers={"Accept": "text/html"})).body:
                    return
            await asyncio.sleep(0.1)


def server(hub: HubProcess, *arguments: str) -> int:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    command = (sys.executable, "-m", "server", *arguments, "--data-dir", str(hub.data_dir))
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=False).returncode


async def test_a_data_directory_that_is_taken_away_takes_no_messages_and_is_told(own_hub: HubProcess) -> None:
    away = own_hub.data_dir.with_name("away")
    async with own_hub.client() as admin:
        general = await admin.general()
        kept = await admin.say(general, "before")
        own_hub.data_dir.rename(away)
        ready = await admin.call("GET", "/readyz")
        assert (ready.status, ready.body["ready"]) == (503, False)
        assert f"{own_hub.data_dir}/hub.db is not there any more" in ready.body["parts"]["database"]
        assert ready.body["parts"]["disk"] == f"{own_hub.data_dir} is not there any more"
        refused = await admin.call("POST", "/api/messages", {"channelId": general, "content": "lost at the next start"})
        assert (refused.status, refused.body["code"]) == (503, "storage_failed")
        asked = [path for method, path, _, _ in ROUTES if method == "GET" and "{" not in path]
        answers = {path: (await admin.call("GET", path)).status for path in asked if path != "/api/events"}
        assert {path: status for path, status in answers.items() if status == 500} == {}
        assert answers["/api/health"] == answers["/metrics"] == 200
        (own_hub.data_dir).mkdir()
        (own_hub.data_dir / "hub.db").touch()
        assert (await admin.call("GET", "/readyz")).status == 503, "another file by that name is not the database"
        (own_hub.data_dir / "hub.db").unlink()
        own_hub.data_dir.rmdir()
        away.rename(own_hub.data_dir)
        assert (await admin.call("GET", "/readyz")).status == 200, "it is back, and so is the hub"
        said = await admin.say(general, "after")
        listed = await admin.ok("GET", f"/api/messages?channelId={general}")
        assert [one["id"] for one in listed["messages"]][-2:] == [kept["message"]["id"], said["message"]["id"]]
