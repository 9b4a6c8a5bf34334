"""When the write-ahead log of a SQLite is taken into the database, and what becomes of it when that fails."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from server.core.changes import Decision, InsertMessage, Outgoing, PutAgent, PutChannel, PutMember
from server.core.events import ChannelMessage
from server.core.ids import new_id
from server.core.model import Agent, Channel, Limits, Member, Message
from server.store.checkpointing import QUIET_COMMITS
from server.store.database import Database
from server.store.migrating import migrate
from tests.faults import disk

ANNA = Agent(id="anna", kind="agent", display_name="Anna", avatar="🤖", limits=Limits(message=3), created_at=1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk(tmp_path / "disk", megabytes=48) as small:
        yield small.folder


class Store:
    """A database with a room, and how many of its messages are in the file that has no log beside it."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'hub.db'}"
        migrate(url)
        self.file = folder / "hub.db"
        self.log = Database(url)
        self.room = new_id()
        channel = Channel(id=self.room, name="room", is_private=False, created_at=1, created_by="anna")
        changes = (PutAgent(ANNA), PutChannel(channel), PutMember(channel.id, Member("anna", 1, "owner")))
        self.log.commit([Decision(changes)], 0)

    def say(self, words: str, times: int = 1) -> None:
        for _ in range(times):
            message = Message(
                id=new_id(), channel_id=self.room, content=words, sender_id="anna", timestamp=5, mentions=(), seq=0
            )
            event = ChannelMessage(channel_id=self.room, message=message.part())
            self.log.commit([Decision((InsertMessage(message, False),), (Outgoing(event, 5, "anna", self.room),))], 0)

    def in_the_file(self, scratch: Path) -> int:
        (scratch / "alone.db").write_bytes(self.file.read_bytes())
        with closing(sqlite3.connect(scratch / "alone.db")) as alone:
            return int(alone.execute("SELECT count(*) FROM messages").fetchone()[0])


def test_the_log_of_writes_is_taken_into_the_database_when_nobody_writes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "scratch").mkdir()
    store.say("words " * 20, 2 * QUIET_COMMITS)
    at_first = store.in_the_file(tmp_path / "scratch")
    store.log.rest()
    assert (at_first, store.in_the_file(tmp_path / "scratch")) == (0, 2 * QUIET_COMMITS)
    store.say("more")
    store.log.rest()
    assert store.in_the_file(tmp_path / "scratch") == 2 * QUIET_COMMITS, "one message is not worth it"
    store.log.close()


def test_a_checkpoint_for_which_there_is_no_room_loses_nothing_and_is_told_once(
    small_disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    store = Store(small_disk)
    (tmp_path / "scratch").mkdir()
    store.say("words " * 800, QUIET_COMMITS)
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as out:
        while out.write(bytes(4096)) == 4096:
            pass
    store.log.rest()
    assert len([line for line in caplog.messages if "cannot be taken" in line]) == 1
    filler.unlink()
    store.say("words", QUIET_COMMITS)
    store.log.rest()
    assert any("into the database again" in line for line in caplog.messages)
    assert store.in_the_file(tmp_path / "scratch") == 2 * QUIET_COMMITS
    store.log.close()
