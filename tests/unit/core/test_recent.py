"""The page of newest messages: whatever fills, writes, losses and forgeries come between, none is stale or forged.

Reads run as coroutines that stop at every step outside, so that anything can happen in between.
"""

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.changes import Entry
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.model import Message
from server.core.peers import Peers
from server.core.ports import Head, Log, Span
from server.core.recent import PAGE, Recent
from server.core.stats import Stats

ROOM = "room"
OTHER = "other"


@coroutine
def pause() -> Generator[None, None, None]:
    yield


class SteppedLog:
    """A database whose history of a channel is as long as what was committed to it and not removed since."""

    def __init__(self) -> None:
        self.committed = {ROOM: 2, OTHER: 3}  # said before the hub started
        self.removed = {ROOM: 0, OTHER: 0}
        self.reads = 0

    async def history(self, channel_id: str, thread_id: str | None, span: Span) -> list[Message]:
        await pause()
        self.reads += 1
        numbers = range(self.removed[channel_id] + 1, self.committed[channel_id] + 1)
        found = [message(channel_id, number) for number in numbers]
        await pause()
        return found[-span.limit - 1 :]


class SteppedPages:
    """A Redis that is a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, bytes]] = {}
        self.ever: list[tuple[bytes, bytes]] = []

    async def page(self, channel_id: str) -> tuple[bytes | None, bytes | None]:
        await pause()
        return self.kept.get(channel_id, (None, None))

    async def keep_page(self, channel_id: str, messages: bytes, seal: bytes) -> None:
        await pause()
        self.kept[channel_id] = (messages, seal)
        self.ever.append((messages, seal))


def message(channel_id: str, number: int) -> Message:
    return Message(
        id=str(number),
        channel_id=channel_id,
        content=f"{channel_id} {number}",
        sender_id="anna",
        timestamp=number,
        mentions=(),
        seq=number,
    )


def result_of(reading: Coroutine[Any, Any, list[Message]]) -> list[Message]:
    while True:
        try:
            reading.send(None)
        except StopIteration as end:
            return cast("list[Message]", end.value)


class World:
    """A hub as far as pages go: what is committed is learned some time later, and acknowledged only then."""

    def __init__(self) -> None:
        self.log = SteppedLog()
        self.pages = SteppedPages()
        self.dispatch = Dispatch(Directory(), Stats(), 1000)
        self.dispatch.start(Head("epoch", 5, 1))
        self.recent = Recent(cast("Log", self.log), self.pages, self.dispatch, Peers())
        self.unlearned: list[str] = []
        self.acknowledged = dict(self.log.committed)
        self.reads: list[tuple[str, range, Coroutine[Any, Any, list[Message]]]] = []

    def commit(self, channel_id: str) -> None:
        self.log.committed[channel_id] += 1
        self.unlearned.append(channel_id)

    def learn(self, _: None = None) -> None:
        for channel_id in self.unlearned:
            seq = self.dispatch.head + 1
            self.dispatch.learn([Entry(seq, channel_id, None, "anna", "channel.message", b"")])
            self.acknowledged[channel_id] += 1
        self.unlearned.clear()

    def read(self, channel_id: str, limit: int = PAGE) -> None:
        there = range(self.log.removed[channel_id] + 1, self.acknowledged[channel_id] + 1)
        self.reads.append((channel_id, there, self.recent.newest(channel_id, limit)))

    def remove(self, channel_id: str) -> None:
        """The oldest message is no longer kept; the newest that was acknowledged stays."""
        if self.log.removed[channel_id] + 1 < self.acknowledged[channel_id]:
            self.log.removed[channel_id] += 1
            self.dispatch.restamp(channel_id)

    def step(self, which: int) -> None:
        if not self.reads:
            return
        channel_id, there, reading = self.reads[which % len(self.reads)]
        try:
            reading.send(None)
        except StopIteration as end:
            self.reads.remove((channel_id, there, reading))
            self.judge(channel_id, there, end.value)

    def judge(self, channel_id: str, there: range, found: list[Message]) -> None:
        """All that was there when the read began and still is, and nothing else than was committed, in its order."""
        numbers = [int(one.id) for one in found]
        oldest, newest = numbers[0], numbers[-1]
        assert there[-1] <= newest <= self.log.committed[channel_id]
        assert there[0] <= oldest
        if len(found) <= PAGE:
            assert oldest <= self.log.removed[channel_id] + 1
        assert found == [message(channel_id, number) for number in range(oldest, newest + 1)]
        assert len(found) <= PAGE + 1

    def write(self, channel_id: str) -> None:
        self.commit(channel_id)
        self.learn()

    def drop(self, channel_id: str) -> None:
        self.pages.kept.pop(channel_id, None)

    def restart(self, _: None) -> None:
        self.pages.kept.clear()

    def poison(self, channel_id: str) -> None:
        """Another page under the seal that is there, made to look new."""
        _, seal = self.pages.kept.get(channel_id, (b"[]", b"0:00"))
        self.pages.kept[channel_id] = (b"[]", b"%d:%b" % (self.dispatch.stamp(channel_id), seal.partition(b":")[2]))

    def replay(self, what: tuple[str, int]) -> None:
        """A page that was true once, perhaps of another channel."""
        if self.pages.ever:
            channel_id, which = what
            self.pages.kept[channel_id] = self.pages.ever[which % len(self.pages.ever)]

    def finish(self) -> None:
        while self.reads:
            self.step(0)

    def look(self, channel_id: str) -> None:
        """A read that nothing comes between."""
        self.finish()
        self.read(channel_id)
        self.finish()


CHANNELS = st.sampled_from([ROOM, OTHER])
ACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["commit", "read", "write", "look", "remove"]), CHANNELS),
        st.tuples(st.just("step"), st.integers(0, 3)),
        st.tuples(st.just("step"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["drop", "poison"]), CHANNELS),
        st.tuples(st.just("replay"), st.tuples(CHANNELS, st.integers(0, 20))),
        st.tuples(st.sampled_from(["learn", "restart"]), st.none()),
    ),
    min_size=10,
    max_size=60,
)


@settings(max_examples=500, deadline=None)
@given(ACTS)
def test_no_page_is_ever_stale_or_forged(acts: list[tuple[str, Any]]) -> None:
    world = World()
    for act, what in acts:
        getattr(world, act)(what)
    world.learn()
    world.look(ROOM)
    world.look(OTHER)


def test_a_page_is_read_once_from_the_database_and_then_from_redis() -> None:
    world = World()
    for _ in range(5):
        world.look(ROOM)
    assert world.log.reads == 1
    world.write(ROOM)
    world.look(ROOM)
    assert world.log.reads == 2


def test_a_smaller_page_is_cut_from_the_same_and_still_tells_that_there_is_more() -> None:
    world = World()
    for _ in range(PAGE + 7):
        world.commit(ROOM)
    world.learn()
    world.read(ROOM)
    world.finish()
    found = result_of(world.recent.newest(ROOM, 3))
    assert [message.id for message in found] == [str(number) for number in range(PAGE + 6, PAGE + 10)]
    assert world.log.reads == 1
