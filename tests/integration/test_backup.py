"""Backups of a hub that is in use: verified, restored under a new epoch, never a half one for a whole one."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from server.store import dumping
from server.store.backing import backup, prune, restore
from server.store.migrating import SchemaTooNew, migrate, schema
from server.store.tools import BackupError
from tests.hub import ROOT, HubProcess
from tests.servers import Postgres


async def server(hub: HubProcess, *arguments: str, database: str = "") -> tuple[int, str, str]:
    command = (sys.executable, "-m", "server", *arguments, "--data-dir", str(hub.data_dir))
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    environ |= {"HUB_DATABASE_URL": database} if database else {}
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout.strip(), ended.stderr.strip()


async def test_a_backup_of_a_busy_hub_comes_back_under_a_new_epoch(own_hub: HubProcess, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    async with own_hub.client() as admin:
        await admin.ok("PATCH", "/api/agents/hubctl", {"limits": {"message": 0}})
        (general,) = (await admin.ok("GET", "/api/channels"))["channels"]

        async def post(words: str) -> None:
            await admin.ok("POST", "/api/messages", {"channelId": general["id"], "content": words})

        await post("before")
        async with admin.stream() as frames:
            cursor = frames.hello.id
        writing = asyncio.create_task(flood(post))
        code, printed, said = await server(own_hub, "backup", "--to", str(folder))
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        assert code == 0, said
        await post("after the backup")
        code, _, said = await server(own_hub, "restore", printed)
        assert (code, "already running" in said) == (1, True)
    file = Path(printed)
    assert [path.name for path in folder.iterdir()] == [file.name]
    assert mode_of(file) == 0o600
    epoch = epoch_of(own_hub.data_dir / "hub.db")
    await own_hub.stop()
    code, replaced, said = await server(own_hub, "restore", str(file))
    assert code == 0, said
    assert epoch_of(Path(replaced)) == epoch != epoch_of(own_hub.data_dir / "hub.db")
    await own_hub.start()
    async with own_hub.client() as admin:
        history = await admin.ok("GET", f"/api/messages?channelId={general['id']}&limit=200")
        words = [message["content"] for message in history["messages"]]
        assert "after the backup" not in words
        async with admin.stream(cursor=cursor) as frames:
            assert (await frames.until("hub.reset"))[-1].event == "hub.reset", "its reader starts afresh"
        found = await admin.ok("GET", "/api/search?q=before")
        assert found["messages"][0]["content"] == "before"


async def flood(post: Callable[[str], Awaitable[None]]) -> None:
    while True:
        await post("meanwhile")


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


def epoch_of(file: Path) -> str:
    with sqlite3.connect(file) as connection:
        epoch = str(connection.execute("SELECT epoch FROM log_head").fetchone()[0])
    connection.close()
    return epoch


async def test_a_backup_that_no_hub_can_run_on_is_told(own_hub: HubProcess, tmp_path: Path) -> None:
    await own_hub.stop()
    with sqlite3.connect(own_hub.data_dir / "hub.db") as live:
        # whole as a file, and of no use to a hub
        live.execute("DROP TABLE messages")
    live.close()
    code, printed, said = await server(own_hub, "backup", "--to", str(tmp_path / "backups"))
    assert (code, printed) == (1, "")
    assert "is whole, but a hub on a copy of it did not answer: it ended by itself. Its last word: " in said
    assert "damaged" in said
    (kept,) = (tmp_path / "backups").iterdir()
    assert str(kept) in said


async def test_a_restore_says_what_it_replaced(own_hub: HubProcess, tmp_path: Path) -> None:
    async with own_hub.client() as admin:
        general = await admin.general()
        await admin.say(general, "one")
        code, file, _ = await server(own_hub, "backup", "--to", str(tmp_path / "backups"))
        assert code == 0
        await admin.say(general, "two")
    await own_hub.stop()
    code, _, said = await server(own_hub, "restore", file)
    assert code == 0, said
    assert re.search(r"restored 1 messages, the last of .+; it replaced 2 messages, the last of ", said)


async def test_a_postgresql_is_dumped_and_restored_by_its_own_tools(postgres_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    async with HubProcess(tmp_path, HUB_DATABASE_URL=postgres_url) as hub:
        async with hub.client() as admin:
            general = await admin.general()
            await admin.say(general, "before")
            code, printed, said = await server(hub, "backup", "--to", str(folder), database=postgres_url)
            assert (code, said) == (0, f"hub: a hub on a copy of {printed} answered")
            await admin.say(general, "after the backup")
        assert [path.name for path in folder.iterdir()] == [Path(printed).name]
        assert mode_of(Path(printed)) == 0o600
        assert databases(postgres_url) == 1, "the one of the trial is gone"
        epoch = postgres_epoch(postgres_url)
        await hub.stop()
        code, replaced, said = await server(hub, "restore", printed, database=postgres_url)
        assert code == 0, said
        assert "restored 1 messages" in said
        assert "it replaced 2 messages" in said
        assert postgres_epoch(postgres_url) != epoch
        await hub.start()
        async with hub.client() as admin:
            history = await admin.ok("GET", f"/api/messages?channelId={general}")
            assert [message["content"] for message in history["messages"]] == ["before"]
        await hub.stop()
        code, _, said = await server(hub, "restore", replaced, database=postgres_url)
        assert code == 0, said
        assert "restored 2 messages" in said


async def test_nothing_is_put_back_under_another_hub(postgres_url: str, tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_DATABASE_URL=postgres_url) as hub:
        async with hub.client() as admin:
            general = await admin.general()
            await admin.say(general, "one")
        code, printed, said = await server(hub, "backup", "--to", str(tmp_path / "b"), database=postgres_url)
        assert code == 0, said
        another = HubProcess(tmp_path / "another")
        for command in (("restore", printed), ("snapshot", str(tmp_path / "one"))):
            code, _, said = await server(another, *command, database=postgres_url)
            assert (code, said) == (1, "hub: another hub has this database open; stop it first")
        async with hub.client() as admin:
            await admin.say(general, "two")


async def test_a_dump_that_is_damaged_or_newer_replaces_nothing(postgres_url: str, tmp_path: Path) -> None:
    migrate(postgres_url)
    whole = backup(postgres_url, tmp_path / "b")
    epoch = postgres_epoch(postgres_url)
    bad = tmp_path / "bad.dump"
    for content in (b"", b"a poem", whole.read_bytes()[:-200]):
        bad.write_bytes(content)
        with pytest.raises(BackupError):
            restore(postgres_url, bad, tmp_path)
    head = schema(postgres_url).head
    execute(postgres_url, "UPDATE alembic_version SET version_num = '9999'")
    newer = backup(postgres_url, tmp_path / "b")
    execute(postgres_url, f"UPDATE alembic_version SET version_num = '{head}'")
    with pytest.raises(SchemaTooNew):
        restore(postgres_url, newer, tmp_path)
    assert postgres_epoch(postgres_url) == epoch


async def test_a_user_who_may_make_no_database_gets_a_backup_and_a_word(
    postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    execute(postgres_url, "CREATE ROLE humble LOGIN; GRANT ALL ON SCHEMA public TO humble")
    humble = postgres_url.replace("//hub@", "//humble@")
    try:
        migrate(humble)
        code, printed, said = await server(HubProcess(tmp_path), "backup", "--to", str(tmp_path / "b"), database=humble)
        assert code == 0, said
        assert str(tmp_path / "b") in printed
        assert "is whole, but no hub was tried on a copy of it" in said
        assert "CREATEDB" in said
    finally:
        execute(postgres_url, "DROP OWNED BY humble; DROP ROLE humble")


def test_a_table_that_somebody_holds_is_waited_for_and_then_named(
    postgres: Postgres, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumping, "HELD_S", 0.5)
    migrate(postgres_url)
    with postgres.connect(make_url(postgres_url).database or "") as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupError, match=r"LOCK TABLE .*messages"):
            backup(postgres_url, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []
    assert backup(postgres_url, tmp_path / "b").exists()


def test_a_restore_does_not_wait_for_ever_for_somebody_who_reads(
    postgres: Postgres, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(postgres_url)
    file, epoch = backup(postgres_url, tmp_path / "b"), postgres_epoch(postgres_url)
    monkeypatch.setattr(dumping, "HELD_S", 0.5)
    with postgres.connect(make_url(postgres_url).database or "") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages")
        with pytest.raises(BackupError, match="lock timeout"):
            restore(postgres_url, file, tmp_path)
    assert postgres_epoch(postgres_url) == epoch


def execute(url: str, sql: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()


def asked(url: str, sql: str) -> Any:
    engine = create_engine(url)
    with engine.connect() as connection:
        answer = connection.execute(text(sql)).scalar_one()
    engine.dispose()
    return answer


def databases(url: str) -> int:
    return int(asked(url, "SELECT count(*) FROM pg_database WHERE datname LIKE 'test%' OR datname LIKE 'openclaw%'"))


def postgres_epoch(url: str) -> str:
    return str(asked(url, "SELECT epoch FROM log_head"))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/hub.db"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Something with a head, as far as backups look."""
    file = tmp_path / "hub.db"
    connection = sqlite3.connect(file)
    connection.executescript("CREATE TABLE log_head (epoch); INSERT INTO log_head VALUES ('e1');")
    connection.close()
    return file


def test_only_the_newest_are_kept(database: Path, url: str, tmp_path: Path) -> None:
    made = [backup(url, tmp_path / "b") for _ in range(4)]
    prune(tmp_path / "b", keep=2)
    assert sorted((tmp_path / "b").iterdir()) == made[2:]


def test_nothing_to_back_up_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is no database"):
        backup(url, tmp_path / "b")


def test_a_damaged_database_gives_no_backup(database: Path, url: str, tmp_path: Path) -> None:
    database.write_bytes(b"SQLite format 3\0" + b"x" * 8176)
    with pytest.raises(BackupError):
        backup(url, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_is_no_backup_replaces_nothing(database: Path, url: str, tmp_path: Path, content: bytes | None) -> None:
    before = database.read_bytes()
    bad = tmp_path / "bad.db"
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(BackupError):
        restore(url, bad, tmp_path)
    assert database.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} <= {"hub.db", "bad.db"}


def test_a_database_in_use_is_no_backup(database: Path, url: str, tmp_path: Path) -> None:
    live = tmp_path / "live.db"
    live.write_bytes(database.read_bytes())
    (tmp_path / "live.db-wal").write_bytes(b"the rest of it")
    with pytest.raises(BackupError, match="in use"):
        restore(url, live, tmp_path)
