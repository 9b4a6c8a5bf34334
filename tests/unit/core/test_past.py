"""What was missed is read and put together once for all who want the same, and never shown to who may not see it."""

import asyncio
from typing import cast

from server.core.changes import Entry
from server.core.past import PAGE, PAGES_KEPT, Past
from server.core.ports import Log, Sink
from server.core.stream import Interest, Stream

ROOM = "room"


def entry(seq: int, channel_id: str | None = ROOM, agent_id: str | None = None, kind: str = "channel.message") -> Entry:
    return Entry(seq, channel_id, agent_id, "anna", kind, b"%d\n" % seq)


class FakeLog:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    async def entries(self, after: int, until: int, limit: int) -> list[Entry]:
        self.asked.append((after, until))
        await asyncio.sleep(0)
        return [entry(seq) for seq in range(after + 1, until + 1)][:limit]


def stream(agent_id: str, *channels: str, interest: Interest | None = None) -> Stream:
    made = Stream(cast("Sink", None), agent_id, "token", interest or Interest(), chunked=True)
    made.channels = frozenset(channels)
    return made


async def test_many_who_come_at_once_are_one_read() -> None:
    log = FakeLog()
    past = Past(cast("Log", log))
    cursors = (PAGE, PAGE + 7, PAGE + 99)
    pages = await asyncio.gather(*(past.entries(after, 2 * PAGE) for after in cursors * 100))
    assert log.asked == [(PAGE, 2 * PAGE)]
    assert [page[0].seq for page in pages[:3]] == [after + 1 for after in cursors]
    assert {page[-1].seq for page in pages} == {2 * PAGE}


async def test_a_long_replay_keeps_few_pages() -> None:
    past = Past(cast("Log", FakeLog()))
    for number in range(20):
        await past.entries(number * PAGE, (number + 1) * PAGE)
    assert len(past._pages) == PAGES_KEPT


async def test_readers_of_the_same_share_the_bytes_and_others_do_not() -> None:
    past = Past(cast("Log", FakeLog()))
    entries = [entry(1), entry(2, "other"), entry(3)]
    first = past.shown(stream("anna", ROOM), entries)
    assert first.frames == b"1\n3\n"
    assert past.shown(stream("bert", ROOM), entries) is first
    assert past.shown(stream("carl", ROOM, "other"), entries).frames == b"1\n2\n3\n"
    assert past.shown(stream("dora"), entries).frames == b""
    assert past.shown(stream("emil", ROOM), entries[:2]).frames == b"1\n"
    counting = past.shown(stream("fred", ROOM, interest=Interest(bodies=frozenset())), entries)
    assert (counting.frames, counting.stale) == (b"", {ROOM: 3})


async def test_what_is_one_readers_own_is_shared_with_nobody() -> None:
    past = Past(cast("Log", FakeLog()))
    told = [entry(1), entry(2, None, "bert", "agent.direct_message")]
    assert past.shown(stream("bert", ROOM), told).frames == b"1\n2\n"
    assert past.shown(stream("carl", ROOM), told).frames == b"1\n"
    left = [entry(3), entry(4, ROOM, "bert", "channel.member.leave")]
    assert past.shown(stream("bert"), left).frames == b"4\n"
    assert past.shown(stream("carl"), left).frames == b""
