"""The one way out: order, entitlement in the log's order, batches, and no gap between replay and live."""

import asyncio
import time
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.changes import Change, DropMember, Entry, PutChannel, PutMember
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.model import Channel, Member
from server.core.ports import Head
from server.core.stats import Stats
from server.core.stream import Interest, Stream, audience

UNSENT = 1000


class Wire:
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.unsent = 0
        self.aborted = False

    @property
    def received(self) -> list[bytes]:
        return [line for write in self.writes for line in write.split(b"\n") if line]

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class World:
    """A dispatcher with a directory, and a log that grows by what happens."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.stats = Stats()
        self.dispatch = Dispatch(self.directory, self.stats, UNSENT)
        self.dispatch.start(Head("epoch", 0, 1))
        self._seq = count(1)

    def channel(self, name: str, *, is_private: bool = False) -> None:
        self.directory.apply(
            PutChannel(Channel(id=name, name=name, is_private=is_private, created_at=0, created_by="x"))
        )

    def happens(self, kind: str, channel: str | None, agent: str | None = None, *changes: Change) -> Entry:
        """Something is committed: directory and ring know it, readers do not yet."""
        seq = next(self._seq)
        for change in changes:
            self.directory.apply(change)
        frame = f"{seq} {kind} {channel or '-'} {agent or '-'}\n".encode()
        entry = Entry(seq, channel, agent, "sender", kind, frame)
        self.dispatch.learn([entry])
        return entry

    def says(self, channel: str) -> Entry:
        return self.happens("channel.message", channel)

    def joins(self, channel: str, agent: str) -> Entry:
        return self.happens("channel.member.join", channel, agent, PutMember(channel, Member(agent, 0, "member")))

    def leaves(self, channel: str, agent: str) -> Entry:
        return self.happens("channel.member.leave", channel, agent, DropMember(channel, agent))

    def opens(self, agent: str, interest: Interest | None = None, *, chunked: bool = False) -> tuple[Stream, Wire]:
        wire = Wire()
        wanted = interest or Interest()
        stream = Stream(wire, agent, f"token of {agent}", wanted, chunked=chunked)
        self.dispatch.join(stream, audience(self.directory, agent, wanted))
        return stream, wire


@pytest.fixture
async def world() -> World:
    world = World()
    world.channel("room")
    return world


def seqs(wire: Wire) -> list[int]:
    return [int(line.split()[0]) for line in wire.received]


async def test_readers_of_the_same_get_the_very_same_bytes(world: World) -> None:
    world.joins("room", "anna")
    world.joins("room", "bert")
    world.dispatch.advance()
    (_, anna), (_, bert) = world.opens("anna"), world.opens("bert")
    world.says("room")
    world.says("room")
    world.dispatch.advance()
    assert len(anna.writes) == 1
    assert anna.writes[0] is bert.writes[0]


async def test_several_rings_in_one_turn_are_one_write(world: World) -> None:
    world.joins("room", "anna")
    world.dispatch.advance()
    _, wire = world.opens("anna")
    for _ in range(5):
        world.dispatch.ring(world.says("room").seq)
    await asyncio.sleep(0.01)
    assert (len(wire.writes), seqs(wire)) == (1, [2, 3, 4, 5, 6])


class SlowWire(Wire):
    """A connection that takes its time to be written to."""

    def write(self, data: bytes) -> None:
        time.sleep(0.005)
        super().write(data)


async def after_a_long_write(world: World) -> Wire:
    """A reader who has just been written to, which took long."""
    world.joins("room", "anna")
    world.dispatch.advance()
    wire = SlowWire()
    world.dispatch.join(Stream(wire, "anna", "token", Interest(), chunked=False), frozenset({"room"}))
    world.dispatch.ring(world.says("room").seq)
    for _ in range(3):
        await asyncio.sleep(0)
    assert seqs(wire) == [2]
    return wire


async def test_after_a_long_write_what_is_being_stored_leaves_with_what_is_stored(world: World) -> None:
    wire = await after_a_long_write(world)
    world.dispatch.is_more_coming = lambda: True
    world.dispatch.ring(world.says("room").seq)
    assert world.dispatch.is_holding
    await asyncio.sleep(0)
    world.dispatch.is_more_coming = lambda: False
    world.dispatch.ring(world.says("room").seq)
    await asyncio.sleep(0.01)
    assert (len(wire.writes), seqs(wire), world.dispatch.is_holding) == (2, [2, 3, 4], False)


async def test_nobody_is_held_when_nothing_is_being_stored(world: World) -> None:
    wire = await after_a_long_write(world)
    world.dispatch.ring(world.says("room").seq)
    for _ in range(2):
        await asyncio.sleep(0)
    assert seqs(wire) == [2, 3]


async def test_what_is_stored_is_not_held_for_ever(world: World) -> None:
    wire = await after_a_long_write(world)
    world.dispatch.is_more_coming = lambda: True
    world.dispatch.ring(world.says("room").seq)
    async with asyncio.timeout(5):
        while world.dispatch.is_holding:
            await asyncio.sleep(0.001)
    assert seqs(wire) == [2, 3]


async def test_a_repeated_or_old_ring_tells_nobody_anything_twice(world: World) -> None:
    world.joins("room", "anna")
    _, wire = world.opens("anna")
    world.says("room")
    for seq in (2, 1, 2, 2):
        world.dispatch.ring(seq)
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert seqs(wire) == [1, 2]


async def test_a_ring_for_what_nobody_committed_is_told_and_goes_nowhere(world: World) -> None:
    ahead: list[int] = []
    world.dispatch.on_ahead = lambda: ahead.append(1)
    _, wire = world.opens("anna")
    world.dispatch.ring(1_000_000)
    await asyncio.sleep(0.01)
    assert (ahead, wire.writes, world.dispatch.position) == ([1], [], 0)


async def test_rights_change_in_the_logs_order_though_the_directory_is_ahead(world: World) -> None:
    _, wire = world.opens("anna")
    world.says("room")
    world.joins("room", "anna")
    world.says("room")
    world.leaves("room", "anna")
    world.says("room")
    world.dispatch.advance()
    assert seqs(wire) == [2, 3, 4]


async def test_an_agents_own_events_keep_their_place_among_the_others(world: World) -> None:
    world.joins("room", "anna")
    world.dispatch.advance()
    _, wire = world.opens("anna")
    _, other = world.opens("bert")
    world.says("room")
    world.happens("agent.direct_message", None, "anna")
    world.says("room")
    world.happens("system.announcement", None)
    world.dispatch.advance()
    assert seqs(wire) == [2, 3, 4, 5]
    assert seqs(other) == [5]


async def test_a_slow_reader_is_cut_and_the_others_go_on(world: World) -> None:
    world.joins("room", "anna")
    world.joins("room", "bert")
    world.dispatch.advance()
    (slow, anna), (_, bert) = world.opens("anna"), world.opens("bert")
    anna.unsent = UNSENT + 1
    world.says("room")
    world.dispatch.advance()
    assert (anna.aborted, anna.writes, slow.ended.result()) == (True, [], "slow")
    assert seqs(bert) == [3]
    assert world.stats.cuts["slow"] == 1


async def test_chunked_readers_get_whole_chunks(world: World) -> None:
    world.joins("room", "anna")
    world.dispatch.advance()
    _, wire = world.opens("anna", chunked=True)
    entry = world.says("room")
    world.dispatch.advance()
    assert wire.writes == [b"%x\r\n%b\r\n" % (len(entry.frame), entry.frame)]


async def test_ending_a_credential_ends_its_streams_alone(world: World) -> None:
    (anna, _), (bert, _) = world.opens("anna"), world.opens("bert")
    world.dispatch.end(["token of anna"], "credential_revoked")
    assert (anna.ended.result(), bert.ended.done()) == ("credential_revoked", False)
    assert world.dispatch.streams() == [bert]


async def test_nothing_is_kept_of_streams_that_left(world: World) -> None:
    world.joins("room", "anna")
    stream, _ = world.opens("anna")
    world.dispatch.leave(stream)
    world.dispatch.leave(stream)
    readers = world.dispatch._readers
    assert (readers._groups, readers._by_channel, readers._by_agent) == ({}, {}, {})


ACTS = st.lists(
    st.tuples(st.sampled_from(["say", "join", "leave", "open", "ring"]), st.sampled_from(["anna", "bert"])), max_size=40
)


@settings(max_examples=200, deadline=None)
@given(ACTS)
def test_whatever_happens_each_reader_gets_what_a_member_would(acts: list[tuple[str, str]]) -> None:
    asyncio.run(_story(acts))


async def _story(acts: list[tuple[str, str]]) -> None:
    """Follow the acts with the simplest model there is: a list of who is a member after each event."""
    world = World()
    world.channel("room")
    history: list[tuple[Entry, frozenset[str]]] = []
    open_wires: list[tuple[str, Wire, int]] = []
    members: frozenset[str] = frozenset()
    for act, who in acts:
        if act == "say":
            history.append((world.says("room"), members))
        elif act == "join" and who not in members:
            members |= {who}
            history.append((world.joins("room", who), members))
        elif act == "leave" and who in members:
            history.append((world.leaves("room", who), members))
            members -= {who}
        elif act == "open":
            world.dispatch.advance()
            open_wires.append((who, world.opens(who)[1], world.dispatch.position))
        elif act == "ring":
            world.dispatch.advance()
    world.dispatch.advance()
    for who, wire, since in open_wires:
        assert seqs(wire) == [entry.seq for entry, present in history if entry.seq > since and who in present]
