"""Snapshots and ways back, on both databases: what is put back is what was there, what was written is told."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from server.core.changes import Decision, InsertMessage, Outgoing, PutAgent, PutChannel
from server.core.clock import now_ms
from server.core.events import ChannelMessage
from server.core.ids import new_id
from server.core.model import Agent, Channel, Message
from server.store.database import Database
from server.store.migrating import NoWayBack, migrate, schema
from server.store.snapshots import revert, since, snapshot
from server.store.tables import metadata
from server.store.tools import BackupError

ROOM = Channel(id=new_id(), name="room", is_private=False, created_at=1, created_by="anna")
ANNA = Agent(id="anna", kind="agent", display_name="Anna", avatar="🤖", created_at=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def said(url: str) -> Callable[[str], None]:
    """Somebody speaks while the hub runs for a moment."""
    migrate(url)
    log = Database(url)
    log.commit([Decision((PutAgent(ANNA), PutChannel(ROOM)))], 0)
    log.close()

    def say(words: str, sender: str = "anna") -> None:
        log = Database(url)
        message = Message(
            id=new_id(), channel_id=ROOM.id, content=words, sender_id=sender, timestamp=now_ms(), mentions=(), seq=0
        )
        event = Outgoing(ChannelMessage(channel_id=ROOM.id, message=message.part()), now_ms(), sender, ROOM.id)
        log.commit([Decision((InsertMessage(message, chosen_id=False),), (event,))], 0)
        log.close()

    return say


def everything(url: str) -> dict[str, list[Any]]:
    """Each row of each table that this version knows, and the tables that there are."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        if engine.dialect.name == "sqlite":
            sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
        found: dict[str, list[Any]] = {"tables": sorted(connection.execute(text(sql)).scalars())}
        for name in metadata.tables:
            found[name] = sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")).all()))
    engine.dispose()
    return found


def execute(url: str, sql: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()


def test_what_a_newer_version_did_is_undone(url: str, said: Callable[[str], None], tmp_path: Path) -> None:
    said("before")
    before = everything(url)
    snapshot(url, tmp_path / "snapshots" / "one")
    said("after")
    execute(url, "CREATE TABLE novelty (id INTEGER)")
    execute(url, "ALTER TABLE messages ADD COLUMN mood TEXT")
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    revert(url, tmp_path / "snapshots" / "one")
    assert everything(url) == before
    revert(url, tmp_path / "snapshots" / "one")
    assert everything(url) == before
    said("goes on")
    assert sorted(path.name for path in (tmp_path / "snapshots").iterdir()) == ["one"]


def test_tables_of_others_stay_as_they_are(postgres_url: str, tmp_path: Path) -> None:
    migrate(postgres_url)
    execute(postgres_url, "CREATE TABLE recipes (title TEXT)")
    snapshot(postgres_url, tmp_path / "one")
    execute(postgres_url, "INSERT INTO recipes VALUES ('soup')")
    revert(postgres_url, tmp_path / "one")
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT title FROM recipes")).scalar_one() == "soup"
    engine.dispose()


def test_a_file_comes_back_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    url = f"sqlite:///{file}"
    migrate(url)
    before = file.read_bytes()
    snapshot(url, tmp_path / "one")
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("UPDATE log_head SET seq = 77")
        # what is left when a hub is killed
        for part in ("-wal", "-shm"):
            (tmp_path / f"kept{part}").write_bytes((tmp_path / f"hub.db{part}").read_bytes())
    database.close()
    for part in ("-wal", "-shm"):
        (tmp_path / f"kept{part}").rename(tmp_path / f"hub.db{part}")
    revert(url, tmp_path / "one")
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hub.db", "one"]


def test_what_a_killed_hub_left_in_its_log_is_in_the_snapshot(tmp_path: Path) -> None:
    file, url = tmp_path / "hub.db", f"sqlite:///{tmp_path / 'hub.db'}"
    migrate(url)
    database = sqlite3.connect(file)
    database.execute("PRAGMA wal_autocheckpoint=0")
    with database:
        database.execute("UPDATE log_head SET seq = 77")
    killed = tmp_path / "killed"
    killed.mkdir()
    for part in ("", "-wal"):
        (killed / f"hub.db{part}").write_bytes((tmp_path / f"hub.db{part}").read_bytes())
    database.close()
    snapshot(f"sqlite:///{killed / 'hub.db'}", tmp_path / "one")
    with sqlite3.connect(tmp_path / "one" / "hub.db") as copy:
        assert copy.execute("SELECT seq FROM log_head").fetchone() == (77,)
    copy.close()


def test_there_is_a_whole_snapshot_or_none(url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError):
        # there is no hub's database yet
        snapshot(url, tmp_path / "one")
    assert not (tmp_path / "one").exists()
    assert not (tmp_path / ".one.new").exists()
    with pytest.raises(BackupError, match="is no snapshot"):
        revert(url, tmp_path / "one")


def test_what_was_written_since_is_counted(url: str, said: Callable[..., None], tmp_path: Path) -> None:
    said("before")
    snapshot(url, tmp_path / "one")
    assert since(url, tmp_path / "one").messages == 0
    said("after")
    said("again")
    said("the canary does not count", sender="hub-probe")
    counted = since(url, tmp_path / "one")
    assert (counted.messages, counted.events, counted.accounts) == (2, 0, 0)


def test_a_schema_goes_back_with_what_was_written(url: str, said: Callable[[str], None]) -> None:
    said("before")
    assert schema(url).present == schema(url).head
    assert schema(url).back[-1] == "0003"
    migrate(url, "0003")
    assert schema(url).present == "0003"
    migrate(url)
    assert "before" in str(everything(url)["messages"])
    assert schema(url).present == schema(url).head


def test_what_has_no_way_back_stays(url: str, said: Callable[[str], None]) -> None:
    said("before")
    assert "0001" not in schema(url).back
    with pytest.raises(NoWayBack, match="nothing was changed"):
        migrate(url, "0001")
    assert schema(url).present == schema(url).head


def test_the_schema_of_what_is_not_there(tmp_path: Path) -> None:
    assert schema(f"sqlite:///{tmp_path / 'hub.db'}").present is None
    assert list(tmp_path.iterdir()) == []
