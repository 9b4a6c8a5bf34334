"""What the core relies on of a database, the same for SQLite and PostgreSQL."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, text

from server.core.changes import (
    BuryMessage,
    Committed,
    CountObjectives,
    Counts,
    Decision,
    DropAgent,
    DropMember,
    EditMessage,
    ForgetMessages,
    InsertMessage,
    Note,
    NoteUses,
    ObjectiveHour,
    Outgoing,
    PruneLog,
    PutAgent,
    PutChannel,
    PutCode,
    PutMember,
    PutSession,
    PutToken,
    SetPassword,
    SpendCode,
    TidyUp,
)
from server.core.errors import Conflict, Forbidden
from server.core.events import ChannelMessage, ChannelMessageDelete, GlobalPart, SystemAnnouncement
from server.core.ids import digest_of, new_id
from server.core.model import Agent, Channel, Code, Deed, Limits, Member, Message, Session, Token
from server.core.ports import Span
from server.core.records import Search
from server.store.database import Database
from server.store.migrating import SchemaTooNew, migrate

ANNA = Agent(id="anna", kind="agent", display_name="Anna", avatar="🤖", limits=Limits(message=3), created_at=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def log(url: str) -> Iterator[Database]:
    migrate(url)
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
async def room(log: Database) -> str:
    """A channel with Anna in it."""
    channel = Channel(id=new_id(), name="room", is_private=False, created_at=1, created_by="anna")
    changes = (PutAgent(ANNA), PutChannel(channel), PutMember(channel.id, Member("anna", 1, "owner")))
    log.commit([Decision(changes)], 0)
    await log.head()
    return channel.id


def saying(channel_id: str, words: str, message_id: str | None = None, sender: str = "anna") -> Decision:
    message = Message(
        id=message_id or new_id(),
        channel_id=channel_id,
        content=words,
        sender_id=sender,
        timestamp=5,
        mentions=("anna",),
        seq=0,
    )
    event = ChannelMessage(channel_id=channel_id, message=message.part())
    return Decision((InsertMessage(message, message_id is not None),), (Outgoing(event, 5, sender, channel_id),))


async def test_a_batch_is_numbered_without_gaps_in_its_order(log: Database, room: str) -> None:
    committed = log.commit([saying(room, word) for word in "abc"], 0)
    entries = [entry for written in committed.written for entry in written.entries]
    assert [entry.seq for entry in entries] == [1, 2, 3]
    wrappers = [msgspec.json.decode(entry.payload) for entry in entries]
    assert [wrapper["channelSeq"] for wrapper in wrappers] == [1, 2, 3]
    assert [wrapper["event"]["message"]["content"] for wrapper in wrappers] == ["a", "b", "c"]
    assert (await log.head()).seq == 3


async def test_a_batch_counts_on_in_each_of_its_channels(log: Database, room: str) -> None:
    others = [Channel(id=new_id(), name=name, is_private=False, created_at=1, created_by="anna") for name in "uvw"]
    log.commit([Decision(tuple(PutChannel(channel) for channel in others))], 0)
    places = [room, *(channel.id for channel in others)]
    log.commit([saying(places[1], "there already")], 0)
    committed = log.commit([saying(place, "x") for place in [*places, *reversed(places)]], 1)
    wrappers = [msgspec.json.decode(entry.payload) for written in committed.written for entry in written.entries]
    assert [wrapper["channelSeq"] for wrapper in wrappers] == [1, 2, 1, 1, 2, 2, 3, 2]


async def test_what_is_said_in_a_channel_that_is_not_there_is_not_stored(log: Database, room: str) -> None:
    with pytest.raises(KeyError):
        log.commit([saying(room, "lost with it"), saying(new_id(), "nowhere")], 0)
    assert (await log.head()).seq == 0


async def test_what_was_committed_is_read_back_as_it_was(log: Database, room: str) -> None:
    written = log.commit([saying(room, "words")], 0).written[0]
    assert await log.entries(0, 1, 10) == list(written.entries)
    assert written.message is not None
    assert await log.message(written.message.id) == written.message


async def test_a_known_id_stores_nothing_and_answers_with_what_is_there(log: Database, room: str) -> None:
    message_id = new_id()
    first = log.commit([saying(room, "first", message_id)], 0).written[0]
    again = log.commit([saying(room, "again", message_id), saying(room, "other")], 1).written
    assert (again[0].known, again[0].message, again[0].entries) == (True, first.message, ())
    assert again[1].entries[0].seq == 2


async def test_the_same_id_twice_in_one_batch_is_one_message(log: Database, room: str) -> None:
    message_id = new_id()
    first, second = log.commit([saying(room, "first", message_id), saying(room, "second", message_id)], 0).written
    assert (first.known, second.known) == (False, True)
    assert first.message == second.message
    assert (await log.head()).seq == 1


async def test_an_edit_keeps_the_place_and_marks_the_message(log: Database, room: str) -> None:
    message = log.commit([saying(room, "tpyo")], 0).written[0].message
    assert message is not None
    log.commit([Decision((EditMessage(message.id, "typo", (), 9),))], 1)
    edited = await log.message(message.id)
    assert edited is not None
    assert (edited.content, edited.edited_at, edited.seq) == ("typo", 9, message.seq)


async def test_a_buried_message_is_a_tombstone_and_is_not_buried_twice(log: Database, room: str) -> None:
    message = log.commit([saying(room, "regret")], 0).written[0].message
    assert message is not None
    event = ChannelMessageDelete(channel_id=room, message_id=message.id, deleted_at=9)
    burial = Decision((BuryMessage(message.id, 9),), (Outgoing(event, 9, "anna", room),))
    log.commit([burial], 1)
    buried = await log.message(message.id)
    assert buried is not None
    assert (buried.content, buried.deleted, buried.mentions) == ("", True, ())
    with pytest.raises(Conflict):
        log.commit([burial], 2)
    assert (await log.head()).seq == 2  # the refused one took no number


async def test_history_is_the_channels_own_by_keyset(log: Database, room: str) -> None:
    elsewhere = Channel(id=new_id(), name="elsewhere", is_private=False, created_at=1, created_by="anna")
    log.commit([Decision((PutChannel(elsewhere),))], 0)
    log.commit([saying(room if n % 2 else elsewhere.id, str(n)) for n in range(10)], 0)
    newest = await log.history(room, None, Span(2))
    assert [message.content for message in newest] == ["5", "7", "9"]
    older = await log.history(room, None, Span(2, before=newest[1].seq))
    assert [message.content for message in older] == ["1", "3", "5"]
    later = await log.history(room, None, Span(1, after=older[0].seq))
    assert [message.content for message in later] == ["3", "5"]


async def test_the_directory_is_what_was_put_and_not_dropped(log: Database, room: str) -> None:
    bert = msgspec.structs.replace(ANNA, id="bert", display_name="Bert", limits=None)
    token = Token(id=new_id(), agent_id="anna", scopes=("read", "write"), created_at=2, expires_at=3)
    log.commit([Decision((PutAgent(bert), PutMember(room, Member("bert", 2, "member"))))], 0)
    log.commit([Decision((PutToken(token, digest_of("secret")), DropMember(room, "bert"), DropAgent("bert", 9)))], 0)
    contents = (await log.contents()).changes
    assert PutAgent(ANNA) in contents
    assert PutToken(token, digest_of("secret")) in contents
    assert PutMember(room, Member("anna", 1, "owner")) in contents
    assert len(contents) == 4  # the channel is the fourth


async def test_a_decision_that_fails_leaves_no_trace(log: Database, room: str) -> None:
    nobody = PutMember(room, Member("nobody", 1, "member"))
    event = Outgoing(SystemAnnouncement(data=GlobalPart(message="x")), 1, "anna")
    with pytest.raises(Exception, match="nothing was stored"):
        log.commit([Decision((nobody,), (event,))], 0)
    assert (await log.head()).seq == 0
    assert log.commit([saying(room, "on")], 0).written[0].entries[0].seq == 1


async def test_passwords_and_one_time_codes_are_kept_until_used(log: Database, room: str) -> None:
    first = Code("first", 100)
    log.commit([Decision((SetPassword("anna", "hash"), PutCode(digest_of("code"), first, 1)))], 0)
    assert await log.password_hash("anna") == "hash"
    assert await log.code(digest_of("code"), 99) == first
    assert await log.code(digest_of("code"), 100) is None
    log.commit([Decision((SpendCode(digest_of("code")),))], 0)
    assert await log.code(digest_of("code"), 99) is None
    with pytest.raises(Forbidden):
        log.commit([Decision((SpendCode(digest_of("code")),))], 0)


async def test_a_new_code_voids_the_older_ones_of_its_person_and_those_that_are_over(log: Database, room: str) -> None:
    codes = {"old": Code("password", 100, "anna"), "over": Code("account", 5), "new": Code("password", 100, "anna")}
    for at, (secret, code) in enumerate(codes.items()):
        log.commit([Decision((PutCode(digest_of(secret), code, 4 + at),))], 0)
    assert [await log.code(digest_of(secret), 0) for secret in codes] == [None, None, codes["new"]]
    log.commit([Decision((SetPassword("anna", "hash"),))], 0)
    assert await log.code(digest_of("new"), 0) is None


async def test_last_uses_are_kept_with_tokens_and_sessions(log: Database, room: str) -> None:
    token = Token(id=new_id(), agent_id="anna", scopes=("read",), created_at=1)
    session = Session(id=new_id(), agent_id="anna", created_at=1, expires_at=9, device="a browser")
    put = (PutToken(token, digest_of("token")), PutSession(session, digest_of("session")))
    log.commit([Decision(put)], 0)
    log.commit([Decision((NoteUses({token.id: 5, session.id: 6, "gone": 7}),))], 0)
    contents = (await log.contents()).changes
    assert PutToken(msgspec.structs.replace(token, last_used_at=5), digest_of("token")) in contents
    assert PutSession(msgspec.structs.replace(session, last_used_at=6), digest_of("session")) in contents


async def test_what_is_counted_of_objectives_adds_up_by_hours(log: Database) -> None:
    for hour, bad in ((7, 1), (8, 0), (8, 2)):
        row = ObjectiveHour(hour, "painted", Counts(bad, 10))
        log.commit([Decision((CountObjectives((row, ObjectiveHour(hour, "post", Counts(0, 1))), 0),))], 0)
    found = await log.records.objective_hours(8)
    assert {(row.hour, row.objective): row.counts for row in found} == {(8, "painted"): (2, 20), (8, "post"): (0, 2)}
    log.commit([Decision((CountObjectives((ObjectiveHour(9, "post", Counts(0, 1)),), 8),))], 0)
    assert {row.hour for row in await log.records.objective_hours(0)} == {8, 9}


async def test_what_is_forgotten_is_nowhere_and_the_log_keeps_its_numbers(log: Database, room: str) -> None:
    log.commit([saying(room, "a secret"), saying(room, "another")], 0)
    log.commit([Decision((ForgetMessages(room),))], 2)
    assert await log.history(room, None, Span(10)) == []
    assert await log.records.search(Search("secret", (room,), 10)) == []
    assert [(entry.seq, entry.payload) for entry in await log.entries(0, 9, 10)] == [(1, b""), (2, b"")]


async def test_the_audit_log_is_read_backwards_in_pages(log: Database, room: str) -> None:
    deeds = [Deed(timestamp=at, agent_id="anna", action="agent.end", target="b", details={"n": "1"}) for at in range(3)]
    for deed in deeds:
        log.commit([Decision((Note(deed),))], 0)
    found = await log.records.deeds(None, 2)
    assert [deed.timestamp for deed in found] == [2, 1, 0]  # one more than asked for: there are more
    assert [deed.timestamp for deed in await log.records.deeds(found[1].id, 2)] == [0]
    assert found[0] == msgspec.structs.replace(deeds[2], id=found[0].id)


async def test_two_hubs_on_one_database_make_one_order(url: str, log: Database, room: str) -> None:
    if url.startswith("sqlite"):
        # a data directory takes one hub (see test_faults); here the second is this same writer, one batch behind
        log.commit([saying(room, "theirs")], 0)
        assert [entry.seq for entry in log.commit([saying(room, "ours")], 0).missed] == [1]
        return
    other = Database(url)

    def fifty(hub: Database) -> list[Committed]:
        return [hub.commit([saying(room, "x")], 0) for _ in range(50)]

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as threads:
        both = [loop.run_in_executor(threads, fifty, hub) for hub in (log, other)]
        results = [committed for done in await asyncio.gather(*both) for committed in done]
    other.close()
    seqs = sorted(entry.seq for committed in results for written in committed.written for entry in written.entries)
    assert seqs == list(range(1, 101))
    stored = await log.entries(0, 100, 1000)
    assert [msgspec.json.decode(entry.payload)["channelSeq"] for entry in stored] == list(range(1, 101))


async def test_the_head_knows_the_time_of_the_newest_event(log: Database, room: str) -> None:
    assert (await log.head()).newest_ms == 0, "nothing was told yet"
    (stored,) = log.commit([saying(room, "hello")], 0).written
    (entry,) = stored.entries
    assert (await log.head()).newest_ms == msgspec.json.decode(entry.payload)["timestamp"]


async def test_migrating_again_changes_nothing_and_keeps_the_epoch(url: str, log: Database) -> None:
    before = await log.head()
    migrate(url)
    assert await log.head() == before
    assert len(before.epoch) == 8


def test_a_newer_schema_is_left_alone(url: str) -> None:
    migrate(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SchemaTooNew, match="newer hub"):
        migrate(url)


async def test_a_commit_is_on_disk_before_it_returns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    migrate(url)
    database = Database(url)
    with database._writing.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    database.close()
    assert (mode, synchronous) == ("wal", 2)


async def test_old_events_leave_the_log_a_few_at_a_time_and_messages_stay(log: Database, room: str) -> None:
    sent = [log.commit([saying(room, word)], 0).written[0].message for word in "abcde"]
    log.commit([Decision((PruneLog(before_ms=6, most=2),))], 0)
    assert (await log.head()).oldest == 3
    log.commit([Decision((PruneLog(before_ms=5, most=2),))], 0)
    assert (await log.head()).oldest == 3, "the rest is not from before"
    log.commit([Decision((PruneLog(before_ms=6, most=100), TidyUp(10)))], 0)
    head = await log.head()
    assert (head.oldest, head.seq) == (6, 5)
    assert await log.entries(0, 5, 10) == []
    assert [message.content for message in await log.history(room, None, Span(10))] == list("abcde")
    assert sent
    assert log.commit([saying(room, "on")], 5).written[0].entries[0].seq == 6
