"""What the core relies on of what hangs on messages, the same for SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, text

from server.core.changes import (
    AddReaction,
    AlterThread,
    BuryMessage,
    Change,
    Decision,
    DropChannel,
    DropMember,
    DropReaction,
    EditMessage,
    ForgetEnded,
    InsertMessage,
    InsertThread,
    MoveMarker,
    Outgoing,
    PutAgent,
    PutChannel,
    PutMember,
    SettleQuestion,
)
from server.core.directory import Directory
from server.core.errors import Conflict, Unchanged
from server.core.events import AgentCommand, AgentPart, ChannelMessage, ThreadMessage, ThreadUpdate
from server.core.ids import new_id
from server.core.model import Agent, Channel, Member, Message, Thread, Unread
from server.core.ports import Span
from server.core.records import Search
from server.store.database import Database
from server.store.migrating import migrate

ANNA = Agent(id="anna", kind="agent", display_name="Anna", avatar="🤖", created_at=1)
BERT = msgspec.structs.replace(ANNA, id="bert", kind="human")


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
def room(log: Database) -> str:
    """A channel with Anna and Bert in it."""
    channel = Channel(id=new_id(), name="room", is_private=False, created_at=1, created_by="anna")
    seats = [PutMember(channel.id, Member(agent_id, 1, "owner")) for agent_id in ("anna", "bert")]
    log.commit([Decision((PutAgent(ANNA), PutAgent(BERT), PutChannel(channel), *seats))], 0)
    return channel.id


def saying(room: str, words: str, thread_id: str | None = None, mentions: tuple[str, ...] = ()) -> Decision:
    message = Message(
        id=new_id(),
        channel_id=room,
        content=words,
        sender_id="anna",
        timestamp=5,
        mentions=mentions,
        seq=0,
        thread_id=thread_id,
    )
    event = (
        ChannelMessage(channel_id=room, message=message.part())
        if thread_id is None
        else ThreadMessage(channel_id=room, thread_id=thread_id, message=message.part())
    )
    return Decision((InsertMessage(message, False),), (Outgoing(event, 5, "anna", room),))


def said(log: Database, *decisions: Decision) -> list[Message]:
    written = log.commit(decisions, 0).written
    return [one.message for one in written if one.message is not None]


def made(log: Database, *changes: Change) -> None:
    log.commit([Decision(changes)], 0)


def thread_under(message: Message) -> Thread:
    return Thread(
        id=new_id(),
        channel_id=message.channel_id,
        parent_message_id=message.id,
        created_by="anna",
        created_at=7,
        resolved=False,
        reply_count=0,
    )


async def test_replies_count_in_the_transaction_that_stores_them(log: Database, room: str) -> None:
    (parent,) = said(log, saying(room, "parent"))
    thread = thread_under(parent)
    made(log, InsertThread(thread))
    replies = said(log, *(saying(room, f"reply {n}", thread.id) for n in range(3)), saying(room, "next"))
    made(log, BuryMessage(replies[0].id, 9))
    stored = await log.records.thread(thread.id)
    assert stored == msgspec.structs.replace(thread, reply_count=2, last_reply_at=5)
    assert await log.records.thread_under(parent.id) == stored
    assert [m.content for m in await log.history(room, None, Span(9))] == ["parent", "next"]
    assert [m.content for m in await log.history(room, thread.id, Span(9))] == ["", "reply 1", "reply 2"]
    with pytest.raises(Unchanged):
        made(log, InsertThread(thread_under(parent)))
    with pytest.raises(Conflict):
        made(log, InsertThread(thread_under(replies[0])))


async def test_the_event_of_a_change_carries_the_thread_as_it_is_then(log: Database, room: str) -> None:
    (parent,) = said(log, saying(room, "parent"))
    thread = thread_under(parent)
    made(log, InsertThread(thread))
    said(log, saying(room, "reply", thread.id))
    event = Outgoing(ThreadUpdate(channel_id=room, thread=thread.part()), 9, "anna", room)
    change = Decision((AlterThread(thread.id, None, True),), (event,))
    entry = log.commit([change], 0).written[0].entries[0]
    told = msgspec.json.decode(entry.payload)["event"]["thread"]
    assert (told["replyCount"], told["resolved"]) == (1, True)
    with pytest.raises(Unchanged):
        log.commit([change], 0)


async def test_a_reaction_is_a_row_of_its_agent(log: Database, room: str) -> None:
    (message,) = said(log, saying(room, "vote"))
    made(log, AddReaction(message.seq, "👍", "anna"), AddReaction(message.seq, "👍", "bert"))
    made(log, AddReaction(message.seq, "🎉", "bert"))
    for again in (AddReaction(message.seq, "👍", "anna"), DropReaction(message.seq, "🎉", "anna")):
        with pytest.raises(Unchanged):
            made(log, again)
    made(log, DropReaction(message.seq, "👍", "bert"))
    stored = await log.message(message.id)
    assert stored is not None
    assert stored.reactions == {"👍": 1, "🎉": 1}
    assert await log.records.reacted("bert", [message.seq]) == {message.seq: ("🎉",)}
    made(log, BuryMessage(message.id, 9))
    with pytest.raises(Conflict):
        made(log, AddReaction(message.seq, "👍", "anna"))
    buried = await log.message(message.id)
    assert buried is not None
    assert buried.reactions is None


async def test_markers_begin_at_the_join_and_never_move_back(log: Database, room: str) -> None:
    first, second = said(log, saying(room, "one", None, ("bert", "anna")), saying(room, "two", None, ("bert",)))
    assert await log.records.unread("bert") == {room: Unread(unread=2, mentions=2, read_seq=0)}
    assert await log.records.unread("anna", room) == {room: Unread(unread=0, mentions=0, read_seq=0)}
    made(log, EditMessage(second.id, "two", (), 9))
    assert (await log.records.unread("bert"))[room].mentions == 1
    made(log, MoveMarker(room, "bert", second.seq))
    made(log, MoveMarker(room, "bert", first.seq))
    assert await log.records.unread("bert") == {room: Unread(unread=0, mentions=0, read_seq=second.seq)}
    made(log, PutMember(room, Member("bert", 1, "moderator")))
    assert (await log.records.unread("bert"))[room].read_seq == second.seq
    made(log, DropMember(room, "bert"))
    assert await log.records.unread("bert") == {}
    (third,) = said(log, saying(room, "three"))
    made(log, PutMember(room, Member("bert", 1, "member")))
    assert await log.records.unread("bert") == {room: Unread(unread=0, mentions=0, read_seq=third.seq)}


async def test_agent_events_are_kept_for_both_and_questions_are_settled_once(log: Database, room: str) -> None:
    def telling(to: str, by: str, words: str, expires_at: int | None = None) -> Decision:
        event = AgentCommand(data=AgentPart(from_agent=by, content=words, expires_at=expires_at))
        return Decision((), (Outgoing(event, 5, by, agent_id=to),))

    pairs = (("anna", "bert"), ("bert", "anna"), ("anna", "carl"), ("anna", "anna"))
    seqs = [log.commit([telling(to, by, by, 50)], 0).written[0].entries[0].seq for to, by in pairs]
    kept = await log.records.told("anna", None, Span(9))
    assert [one.seq for one in kept] == seqs
    assert kept[0].event == AgentCommand(data=AgentPart(from_agent="bert", content="bert", expires_at=50))
    assert [one.seq for one in await log.records.told("anna", "bert", Span(9))] == seqs[:2]
    assert [one.seq for one in await log.records.told("anna", None, Span(1, before=seqs[3]))] == seqs[1:3]
    assert [one.seq for one in await log.records.told("anna", None, Span(1, after=seqs[0]))] == seqs[1:3]
    assert await log.records.overdue(49, 9) == []
    made(log, SettleQuestion(seqs[0], "allow", 6))
    with pytest.raises(Conflict):
        made(log, SettleQuestion(seqs[0], "expired", 60))
    assert [one.seq for one in await log.records.overdue(50, 2)] == seqs[1:3]
    settled = await log.records.question(seqs[0])
    assert settled is not None
    assert (settled.decision, settled.decided_at) == ("allow", 6)


async def test_words_are_found_where_they_are_now(log: Database, room: str) -> None:
    first, second, third = said(
        log, saying(room, "Größe matters"), saying(room, "v1.2.3 of foo-bar"), saying(room, "x")
    )

    async def found(words: str, *rooms: str, **more: object) -> list[str]:
        wanted = Search(words, rooms or (room,), 9)
        return [m.id for m in await log.records.search(msgspec.structs.replace(wanted, **more))]

    assert await found("größe") == await found("Große matt") == [first.id]
    assert await found("foo") == await found("bar 2") == await found("v1") == [second.id]
    assert await found("fo") == await found("!!") == await found("x", "another") == []
    assert await found("x", before=third.seq) == []
    assert await found("x", sender_id="bert") == []
    made(log, EditMessage(first.id, "Weight", (), 9))
    made(log, BuryMessage(second.id, 9))
    assert await found("größe") == await found("foo") == []
    assert await found("weig") == [first.id]


async def test_an_ended_channel_is_remembered_by_its_members_alone(log: Database, room: str) -> None:
    made(log, DropMember(room, "bert"))
    made(log, DropChannel(room, 9))
    again = Channel(id=new_id(), name="room", is_private=False, created_at=1, created_by="anna")
    made(log, PutChannel(again), PutMember(again.id, Member("bert", 1, "owner")))
    directory = Directory()
    directory.load((await log.contents()).changes)
    assert directory.lost_by("anna") == {room}
    assert directory.lost_by("bert") == frozenset()
    assert directory.channel_named("room") == again
    assert list(directory.members) == [again.id]


async def test_an_ended_channel_is_forgotten_with_the_log_that_told_its_end(log: Database, room: str) -> None:
    made(log, DropChannel(room, 9))
    for before_ms, remembered in ((9, {room}), (10, set())):
        loaded = Directory()
        loaded.load((await log.contents()).changes)
        forget = ForgetEnded(before_ms)
        made(log, forget)
        loaded.apply(forget)
        afterwards = Directory()
        afterwards.load((await log.contents()).changes)
        assert loaded.lost_by("anna") == afterwards.lost_by("anna") == remembered


async def test_what_was_there_before_is_taken_in(url: str) -> None:
    migrate(url, "0001")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO messages (seq, id, channel_id, sender_id, content, mentions, timestamp) "
                "VALUES (1, 'm', 'c', 'anna', 'old words', '', 1)"
            )
        )
    engine.dispose()
    migrate(url)
    database = Database(url)
    assert [found.id for found in await database.records.search(Search("old", ("c",), 9))] == ["m"]
    database.close()


async def test_who_had_a_part_in_a_thread_follows_it_and_has_read_it(url: str) -> None:
    migrate(url, "0007")
    engine = create_engine(url)
    agent = (
        "INSERT INTO agents (id, kind, display_name, avatar, admin, created_at) VALUES (:id, 'agent', '', '', :no, 1)"
    )
    said = (
        "INSERT INTO messages (seq, id, channel_id, thread_id, sender_id, content, mentions, timestamp) "
        "VALUES (:seq, :id, 'c', :thread, :who, 'words', '', 1)"
    )
    opened = (
        "INSERT INTO threads (id, channel_id, parent_message_id, created_by, created_at, resolved, reply_count) "
        "VALUES ('t', 'c', 'm1', 'bert', 1, :no, 1)"
    )
    with engine.begin() as connection:
        for who in ("anna", "bert", "carl", "dora"):
            connection.execute(text(agent), {"id": who, "no": False})
        for seq, thread, who in ((1, None, "anna"), (2, "t", "carl"), (3, "t", "external:x:y"), (4, None, "dora")):
            connection.execute(text(said), {"seq": seq, "id": f"m{seq}", "thread": thread, "who": who})
        connection.execute(text(opened), {"no": False})
        connection.execute(text("UPDATE log_head SET seq = 4"))
    engine.dispose()
    migrate(url)
    database = Database(url)
    followed = [await database.records.followed(who) for who in ("anna", "bert", "carl", "dora")]
    assert followed == [["t"], ["t"], ["t"], []]
    assert await database.records.replies("anna") == []
    database.close()
