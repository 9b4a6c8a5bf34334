"""Backups of a hub that is in use: verified, restored under a new epoch, never a half one for a whole one."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from server.store.backing import BackupError, backup, restore
from tests.hub import ROOT, HubProcess


async def server(hub: HubProcess, *arguments: str) -> tuple[int, str, str]:
    command = (sys.executable, "-m", "server", *arguments, "--data-dir", str(hub.data_dir))
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
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
    made = [backup(url, tmp_path / "b", keep=2) for _ in range(4)]
    assert sorted((tmp_path / "b").iterdir()) == made[2:]


def test_nothing_to_back_up_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is no database"):
        backup(url, tmp_path / "b", keep=2)


def test_a_damaged_database_gives_no_backup(database: Path, url: str, tmp_path: Path) -> None:
    database.write_bytes(b"SQLite format 3\0" + b"x" * 8176)
    with pytest.raises(BackupError):
        backup(url, tmp_path / "b", keep=2)
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_is_no_backup_replaces_nothing(database: Path, url: str, tmp_path: Path, content: bytes | None) -> None:
    before = database.read_bytes()
    bad = tmp_path / "bad.db"
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(BackupError):
        restore(url, bad)
    assert database.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} <= {"hub.db", "bad.db"}


def test_a_database_in_use_is_no_backup(database: Path, url: str, tmp_path: Path) -> None:
    live = tmp_path / "live.db"
    live.write_bytes(database.read_bytes())
    (tmp_path / "live.db-wal").write_bytes(b"the rest of it")
    with pytest.raises(BackupError, match="in use"):
        restore(url, live)


def test_postgresql_has_tools_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="pg_dump"):
        backup("postgresql://hub@db/hub", tmp_path, keep=1)
