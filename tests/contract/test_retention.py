"""What a channel no longer keeps goes, with all that hangs on it, and nothing else: on SQLite and PostgreSQL."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from server.core.changes import (
    AddReaction,
    AlterThread,
    BuryMessage,
    Decision,
    IndexMessages,
    InsertMessage,
    InsertThread,
    Outgoing,
    PutAgent,
    PutChannel,
    PutMember,
    RemoveMessages,
)
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.errors import NotFound
from server.core.events import ChannelMessage, ThreadMessage
from server.core.hub import Hub
from server.core.ids import new_id
from server.core.model import Agent, Channel, Member, Message, Thread
from server.core.ports import Span
from server.core.records import Search
from server.core.retention import DAY_MS, MESSAGES, Steps, old_messages
from server.core.stats import Stats
from server.store.database import Database
from server.store.migrating import migrate

ANNA = Agent(id="anna", kind="agent", display_name="Anna", avatar="🤖", created_at=1)
BERT = msgspec.structs.replace(ANNA, id="bert", kind="human")
NOW = 1_700_000_000_000
DAYS = 7

LEFT_BEHIND = (
    "SELECT count(*) FROM reactions WHERE message_seq NOT IN (SELECT seq FROM messages)",
    "SELECT count(*) FROM mentions WHERE message_seq NOT IN (SELECT seq FROM messages)",
    "SELECT count(*) FROM threads WHERE parent_message_id NOT IN (SELECT id FROM messages)",
    "SELECT count(*) FROM follows WHERE thread_id NOT IN (SELECT id FROM threads)",
    "SELECT count(*) FROM messages WHERE thread_id IS NOT NULL AND thread_id NOT IN (SELECT id FROM threads)",
)
"""What hangs on something that is gone."""


class World:
    """A database, and as much of a hub as decides what is removed from it."""

    def __init__(self, url: str) -> None:
        migrate(url)
        self.log = Database(url)
        self.url = url
        self.directory = Directory()
        self.do(PutAgent(ANNA), PutAgent(BERT))
        dispatch = Dispatch(self.directory, Stats(), 1000)
        self.hub = cast("Hub", SimpleNamespace(log=self.log, directory=self.directory, dispatch=dispatch))

    def do(self, *changes: Any) -> None:
        self.log.commit([Decision(changes)], 0)
        for change in changes:
            self.directory.apply(change)

    def channel(self, days: int | None = DAYS, from_ms: int | None = 0) -> Channel:
        made = Channel(
            id=new_id(),
            name=new_id(),
            is_private=False,
            created_at=1,
            created_by="anna",
            retention_days=days,
            retention_from=from_ms,
        )
        seats = [PutMember(made.id, Member(agent_id, 1, "owner")) for agent_id in ("anna", "bert")]
        self.do(PutChannel(made), *seats)
        return made

    def say(self, channel: Channel, days_ago: float, thread: Thread | None = None) -> Message:
        return self.said([saying(channel, days_ago, thread)])[0]

    def said(self, decisions: Sequence[Decision]) -> list[Message]:
        return [one.message for one in self.log.commit(decisions, 0).written if one.message is not None]

    def open_thread(self, parent: Message, days_ago: float) -> Thread:
        thread = Thread(
            id=new_id(),
            channel_id=parent.channel_id,
            parent_message_id=parent.id,
            created_by="bert",
            created_at=ago(days_ago),
            resolved=False,
            reply_count=0,
        )
        self.do(InsertThread(thread))
        return thread

    def steps(self, channel: Channel, at: int = NOW) -> Steps:
        return old_messages(self.hub, channel, at)

    async def remove(self, channel: Channel, at: int = NOW) -> int:
        """Do all of it; how many transactions it took."""
        count = 0
        async for step in self.steps(channel, at):
            self.do(*step().changes)
            count += 1
        return count

    async def kept(self, channel: Channel, thread: Thread | None = None) -> list[str]:
        found = await self.log.history(channel.id, thread.id if thread else None, Span(1000))
        return [message.id for message in found]

    def left_behind(self) -> list[int]:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            counts = [connection.execute(text(query)).scalar_one() for query in LEFT_BEHIND]
        engine.dispose()
        return counts


def ago(days: float) -> int:
    return NOW - int(days * DAY_MS)


def saying(channel: Channel, days_ago: float, thread: Thread | None = None) -> Decision:
    message = Message(
        id=new_id(),
        channel_id=channel.id,
        content="words",
        sender_id="anna",
        timestamp=ago(days_ago),
        mentions=("bert",),
        seq=0,
        thread_id=thread.id if thread else None,
    )
    event = (
        ChannelMessage(channel_id=channel.id, message=message.part())
        if thread is None
        else ThreadMessage(channel_id=channel.id, thread_id=thread.id, message=message.part())
    )
    return Decision((InsertMessage(message, True),), (Outgoing(event, message.timestamp, "anna", channel.id),))


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    is_file = request.param == "sqlite"
    made = World(f"sqlite:///{tmp_path / 'hub.db'}" if is_file else str(request.getfixturevalue("postgres_url")))
    yield made
    made.log.close()


class Root(NamedTuple):
    """A message and, by their age in days, its thread and the replies there."""

    days: float
    opened_days: float | None
    replies: tuple[float, ...]


def _younger(days: float) -> st.SearchStrategy[float]:
    return st.floats(0, days)


@st.composite
def roots(draw: st.DrawFn) -> Root:
    days = draw(st.one_of(st.floats(0, 3 * DAYS), st.just(float(DAYS))))
    if draw(st.booleans()):
        return Root(days, None, ())
    opened = draw(_younger(days))
    return Root(days, opened, tuple(sorted(draw(st.lists(_younger(opened), max_size=3)), reverse=True)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(roots(), max_size=12), st.integers(0, 40), st.data())
async def test_what_is_kept_is_exactly_what_is_young_enough_and_what_young_replies_hang_under(
    world: World, wanted: list[Root], indexed: int, data: st.DataObject
) -> None:
    channel, beside = world.channel(), world.channel(days=None, from_ms=None)
    untouched = world.say(beside, 1000)
    expected: list[str] = []
    alive: set[str] = set()
    for root in sorted(wanted, key=lambda root: -root.days):
        message = world.say(channel, root.days)
        world.do(AddReaction(message.seq, "👍", "bert"))
        thread = None if root.opened_days is None else world.open_thread(message, root.opened_days)
        replies = [(days, world.say(channel, days, thread)) for days in root.replies]
        for _, reply in replies:
            if data.draw(st.booleans()):
                world.do(BuryMessage(reply.id, NOW))
            else:
                alive.add(reply.id)
        young = [reply.id for days, reply in replies if ago(days) >= ago(DAYS)]
        stays = ago(root.days) >= ago(DAYS) or bool(young)
        stays = stays or (root.opened_days is not None and ago(root.opened_days) >= ago(DAYS))
        expected += [message.id] * stays + young
        alive.add(message.id)
    world.do(IndexMessages(indexed + 1))
    await world.remove(channel)
    found: list[str] = []
    for message in await world.log.history(channel.id, None, Span(1000)):
        found.append(message.id)
        if message.thread is not None:
            replies_here = await world.log.history(channel.id, message.thread.id, Span(1000))
            found += [reply.id for reply in replies_here]
            assert message.thread.reply_count == sum(not reply.deleted for reply in replies_here)
    assert found == expected
    assert {m.id for m in await world.log.records.search(Search("words", (channel.id,), 1000))} == {*expected} & alive
    assert await world.kept(beside) == [untouched.id]
    assert world.left_behind() == [0] * len(LEFT_BEHIND)
    unread = (await world.log.records.unread("bert", channel.id))[channel.id]
    assert unread.unread == len([m for m in await world.log.history(channel.id, None, Span(1000)) if not m.deleted])
    assert await world.remove(channel) <= 1, "what was passed over is not tried again and again"


async def test_many_go_some_at_a_time_and_a_wrong_clock_stops_nothing(world: World) -> None:
    channel = world.channel()
    old = world.said([saying(channel, 30) for _ in range(2 * MESSAGES)])
    ahead = world.said([saying(channel, -365) for _ in range(MESSAGES - 1)])
    world.said([saying(channel, 30) for _ in range(10)])
    young = world.said([saying(channel, 1) for _ in range(3)])
    assert await world.remove(channel) == 3
    assert await world.kept(channel) == [message.id for message in (*ahead, *young)]
    assert await world.log.message(old[0].id) is None


async def test_an_announced_retention_and_one_that_is_taken_back_remove_nothing(world: World) -> None:
    announced, taken_back = world.channel(from_ms=NOW + 1), world.channel()
    for channel in (announced, taken_back):
        world.say(channel, 30)
    assert await world.remove(announced) == 0
    assert await world.remove(announced, NOW + 1) == 1
    async for step in world.steps(taken_back):
        world.do(PutChannel(msgspec.structs.replace(taken_back, retention_days=None, retention_from=None)))
        world.do(*step().changes)
    assert len(await world.kept(taken_back)) == 1


async def test_a_reply_that_comes_first_keeps_the_thread_and_one_that_comes_late_is_refused(world: World) -> None:
    channel = world.channel()
    held, gone = world.say(channel, 30), world.say(channel, 30)
    threads = [world.open_thread(message, 30) for message in (held, gone)]
    (step,) = [one async for one in world.steps(channel)]
    first = world.say(channel, 0, threads[0])
    world.do(*step().changes)
    assert await world.kept(channel) == [held.id]
    assert await world.kept(channel, threads[0]) == [first.id]
    written = world.log.commit([saying(channel, 0, threads[1]), saying(channel, 0)], 0).written
    assert (written[0].message, written[0].entries) == (None, ())
    assert written[1].message is not None
    assert written[1].entries[0].seq == first.seq + 1, "who replies nowhere takes no number from the others"
    with pytest.raises(NotFound):
        world.do(AlterThread(threads[1].id, "title", None))
    assert world.left_behind() == [0] * len(LEFT_BEHIND)


async def test_events_numbers_and_ids_outlive_the_message(world: World) -> None:
    channel = world.channel()
    said = saying(channel, 30)
    (message,) = world.said([said])
    before = await world.log.entries(0, message.seq, 10)
    world.do(RemoveMessages((message.seq,), NOW))
    assert [entry.frame for entry in await world.log.entries(0, message.seq, 10)] == [entry.frame for entry in before]
    again = world.log.commit([said], 0).written[0]
    assert (again.known, again.entries[0].seq) == (False, message.seq + 1)
    told = msgspec.json.decode(again.entries[0].payload)
    assert told["channelSeq"] == msgspec.json.decode(before[-1].payload)["channelSeq"] + 1


async def test_the_choice_is_remembered_and_an_older_schema_keeps_everything(world: World) -> None:
    channel = world.channel(30, NOW)
    message = world.say(channel, 365)
    loaded = Directory()
    loaded.load((await world.log.contents()).changes)
    assert loaded.channels[channel.id] == channel
    world.log.close()
    migrate(world.url, "0008")
    migrate(world.url)
    world.log = Database(world.url)
    loaded.load((await world.log.contents()).changes)
    assert loaded.channels[channel.id].retention_days is None
    assert await world.log.message(message.id) is not None
