"""Presence, typing and attendance on a clock of the test's own: what is told, when, and how often."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest

from server.core.attendance import Attendance
from server.core.changes import Decision, DropMember, PutAgent, PutChannel, PutMember
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.events import AgentJoined, AgentLeft, PresencePart, Status
from server.core.letters import Letters
from server.core.model import Agent, Channel, Member
from server.core.peers import Peers
from server.core.ports import Head, State, Stay
from server.core.presence import Presences
from server.core.signals import Echoes, Signals
from server.core.stats import Stats
from server.core.stream import Interest, Stream, audience
from server.core.typists import Typists
from server.core.writer import Decide, Writer
from tests.unit.core.test_dispatch import Wire

START_MS = 1_000_000_000
TTL_S = 300.0

Place = tuple[str, str]


class DictState:
    """A Redis that is a dict, or is away."""

    def __init__(self) -> None:
        self.kept: dict[Place, Stay] = {}

    async def keep_stays(self, stays: Sequence[Stay]) -> None:
        self.kept.update({(stay.channel_id, stay.presence.agent_id): stay for stay in stays})

    async def stays(self, places: Sequence[Place]) -> list[Stay]:
        return [self.kept[place] for place in places if place in self.kept]

    async def lost_stays(self, stays: Sequence[Stay]) -> list[Stay]:
        return [stay for stay in stays if (stay.channel_id, stay.presence.agent_id) not in self.kept]

    async def drop_stays(self, places: Sequence[Place]) -> None:
        for place in places:
            self.kept.pop(place, None)

    async def start_typing(self, channel_id: str, agent_id: str, at_ms: int) -> None: ...

    async def stop_typing(self, channel_id: str, agent_ids: Sequence[str]) -> None: ...

    async def typing(self, channel_id: str, since_ms: int, until_ms: int) -> list[str]:
        return []


class DeafBell:
    async def publish(self, entries: Sequence[object]) -> bool:
        return False

    async def tell(self, messages: Sequence[tuple[str, bytes]], letter: bytes = b"") -> bool:
        return False


class World:
    """A room with Anna in it, and a reader."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.directory, self.stats, self.state = Directory(), Stats(), DictState()
        self.directory.apply(PutChannel(Channel(id="room", name="r", is_private=False, created_at=0, created_by="x")))
        for name in ("anna", "bert"):
            agent = Agent(id=name, kind="agent", display_name=name, avatar="🤖", created_at=0)
            self.directory.apply(PutAgent(agent))
            self.directory.apply(PutMember("room", Member(name, 0, "member")))
        self.dispatch = Dispatch(self.directory, self.stats, 1 << 20)
        self.dispatch.start(Head("epoch", 0, 1))
        self.wire = Wire()
        reader = Stream(self.wire, "bert", "token", Interest(), chunked=False)
        self.dispatch.join(reader, audience(self.directory, "bert", Interest()))
        signals = Signals(self.dispatch, DeafBell(), Echoes(), Letters(Peers()))
        state = cast("State", self.state)
        self.presences = Presences(self.directory, signals, state, self.stats, ttl_s=TTL_S, clock=self.clock)
        self.typists = Typists(self.directory, signals, state, self.stats, ttl_s=10, clock=self.clock)

    def clock(self) -> int:
        return self.now_ms

    def passes(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    async def puts(self, status: Status, custom_status: str | None = None, agent_id: str = "anna") -> None:
        part = PresencePart(
            agent_id=agent_id, status=status, custom_status=custom_status, avatar="🤖", last_seen=self.now_ms
        )
        await self.presences.put("room", part, 0.0)

    async def told(self) -> list[str]:
        """What the reader was told since the last time, in words."""
        await asyncio.sleep(0.02)
        frames = [line.partition(b"data: ")[2] for line in self.wire.received if line.startswith(b"data: ")]
        self.wire.writes.clear()
        return [in_words(msgspec.json.decode(frame)["event"]) for frame in frames]


def in_words(event: dict[str, Any]) -> str:
    if event["type"] == "channel.typing":
        return f"{event['agentId']} {'types' if event['started'] else 'stopped'}"
    presence = event["presence"]
    return f"{presence['agentId']} {presence['status']}"


@pytest.fixture
async def world() -> World:
    return World()


async def test_a_presence_that_runs_out_is_told_as_offline_once(world: World) -> None:
    await world.puts("online")
    world.passes(299.9)
    await world.presences.sweep()
    assert await world.told() == ["anna online"]
    world.passes(0.2)
    await world.presences.sweep()
    await world.presences.sweep()
    assert await world.told() == ["anna offline"]
    assert await world.presences.of("room") == []
    assert world.state.kept == {}
    histogram = world.stats.expiry_error_s["presence"]
    assert sum(histogram.counts) == 1
    assert histogram.sum_s == pytest.approx(0.1)


async def test_signs_of_life_renew_it_from_when_they_came(world: World) -> None:
    await world.puts("online")
    world.passes(200)
    world.presences.seen("anna")
    world.passes(0.9)
    await world.presences.renew()
    renewed = world.state.kept["room", "anna"]
    assert renewed.until_ms == START_MS + 500_000
    assert renewed.presence.last_seen == START_MS + 200_000
    world.passes(298)
    await world.presences.sweep()
    assert await world.told() == ["anna online"]
    world.passes(1.2)
    await world.presences.sweep()
    assert await world.told() == ["anna offline"]


async def test_a_sign_of_life_at_the_last_moment_counts(world: World) -> None:
    await world.puts("online")
    world.passes(299.99)
    world.presences.seen("anna")
    world.passes(0.1)
    await world.presences.sweep()
    assert await world.told() == ["anna online"]


async def test_an_agent_that_says_offline_stays_so_and_ends_in_silence(world: World) -> None:
    await world.puts("offline")
    assert await world.told() == ["anna offline"]
    world.presences.seen("anna")
    await world.presences.renew()
    world.passes(301)
    await world.presences.sweep()
    assert await world.told() == []
    assert world.presences.all() == []


async def test_changes_are_told_once_a_second_the_last_one_winning(world: World) -> None:
    for status in ("online", "away", "dnd", "online", "away"):
        await world.puts(status)
    assert await world.told() == ["anna online"]
    world.passes(1)
    await asyncio.sleep(1.05)
    assert await world.told() == ["anna away"]


async def test_a_change_and_back_within_a_second_is_told_once(world: World) -> None:
    for status in ("online", "away", "online"):
        await world.puts(status)
    world.passes(1)
    await asyncio.sleep(1.05)
    assert await world.told() == ["anna online"]


async def test_a_client_that_comes_back_says_nothing_new_for_ten_seconds(world: World) -> None:
    await world.puts("online", "here")
    world.passes(9.9)
    await world.puts("online", "here")
    assert await world.told() == ["anna online"]
    await world.puts("online", "elsewhere")
    assert await world.told() == ["anna online"]
    world.passes(10)
    await world.puts("online", "elsewhere")
    assert await world.told() == ["anna online"]


async def test_what_redis_lost_is_written_again_and_told_to_nobody(world: World) -> None:
    await world.puts("online")
    await world.puts("away", agent_id="bert")
    await world.told()
    before = dict(world.state.kept)
    world.state.kept.clear()
    world.passes(100)
    await world.presences.refill()
    assert world.state.kept == before
    assert await world.told() == []


async def test_a_presence_of_an_earlier_life_is_taken_up_and_runs_out_in_its_time(world: World) -> None:
    part = PresencePart(agent_id="anna", status="away", avatar="🤖", last_seen=START_MS - 100_000)
    stranger = msgspec.structs.replace(part, agent_id="stranger")
    world.presences.adopt(Stay("room", each, START_MS + 200_000) for each in (part, stranger))
    await world.puts("online", agent_id="bert")
    assert {presence.agent_id for presence in await world.presences.of("room")} == {"anna", "bert"}
    world.passes(1)
    await world.puts("away")
    assert await world.told() == ["bert online"]
    world.presences.forget("room", "bert")
    world.passes(400)
    await world.presences.sweep()
    assert await world.told() == ["anna offline"]


async def test_what_another_hub_has_renewed_does_not_end_here(world: World) -> None:
    await world.puts("online")
    newer = PresencePart(agent_id="anna", status="dnd", avatar="🤖", last_seen=START_MS + 200_000)
    world.state.kept["room", "anna"] = Stay("room", newer, START_MS + 500_000)
    world.passes(301)
    await world.presences.sweep()
    assert await world.told() == ["anna online"]
    assert [presence.status for presence in await world.presences.of("room")] == ["dnd"]
    world.passes(200)
    await world.presences.sweep()
    assert await world.told() == ["anna offline"]


async def test_nothing_is_told_of_who_is_no_member_any_more(world: World) -> None:
    await world.puts("online")
    await world.typists.start("room", "anna", None, 0.0)
    await world.told()
    world.directory.apply(DropMember("room", "anna"))
    assert await world.presences.of("room") == []
    world.passes(301)
    await world.presences.sweep()
    await world.typists.sweep()
    assert await world.told() == []


async def test_typing_runs_out_ten_seconds_after_its_last_start(world: World) -> None:
    await world.typists.start("room", "anna", None, 0.0)
    world.passes(6)
    await world.typists.start("room", "anna", None, 0.0)
    world.passes(9.9)
    await world.typists.sweep()
    assert await world.typists.of("room") == ["anna"]
    world.passes(0.2)
    assert await world.typists.of("room") == []
    await world.typists.sweep()
    await world.typists.sweep()
    assert await world.told() == ["anna types", "anna types", "anna stopped"]
    assert world.stats.expiry_error_s["typing"].sum_s == pytest.approx(0.1)


async def test_who_stops_typing_does_not_run_out(world: World) -> None:
    await world.typists.start("room", "anna", None, 0.0)
    await world.typists.stop("room", "anna", None, 0.0)
    world.passes(11)
    await world.typists.sweep()
    assert await world.told() == ["anna types", "anna stopped"]


def test_own_words_are_known_again_as_often_as_they_were_said() -> None:
    echoes = Echoes()
    for word in (b"one", b"two", b"two"):
        echoes.expect(word)
    heard = [echoes.heard(word) for word in (b"two", b"one", b"two", b"two", b"one", b"three")]
    assert heard == [True, True, True, False, False, False]


class ListWriter:
    """A writer that keeps the words of what it is given."""

    def __init__(self) -> None:
        self.said: list[tuple[str, tuple[str, ...]]] = []

    async def submit(self, decide: Decide) -> None:
        decision: Decision = decide()
        for outgoing in decision.events:
            event = outgoing.event
            assert isinstance(event, AgentJoined | AgentLeft)
            kind = "joined" if isinstance(event, AgentJoined) else "left"
            self.said.append((kind, event.data.affected_agents or ()))


class Hall:
    """Attendance on a clock of the test's own."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.writer = ListWriter()
        self.attendance = Attendance(cast("Writer", self.writer), clock=lambda: self.now_s)

    async def passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.attendance.sweep()
        await asyncio.sleep(0.01)


@pytest.fixture
async def hall() -> Hall:
    return Hall()


async def test_who_comes_together_is_told_of_together(hall: Hall) -> None:
    names = tuple(f"agent-{number}" for number in range(250))
    for name in names:
        hall.attendance.came(name)
    await asyncio.sleep(0.15)
    assert hall.writer.said == [("joined", names[:100]), ("joined", names[100:200]), ("joined", names[200:])]


async def test_a_reconnect_within_ten_seconds_is_told_to_nobody(hall: Hall) -> None:
    hall.attendance.came("anna")
    await hall.passes(1)
    hall.attendance.went("anna")
    await hall.passes(9.9)
    hall.attendance.came("anna")
    await hall.passes(20)
    assert hall.writer.said == [("joined", ("anna",))]
    hall.attendance.went("anna")
    await hall.passes(10)
    assert hall.writer.said == [("joined", ("anna",)), ("left", ("anna",))]


async def test_who_comes_back_just_after_it_was_given_up_is_told_of_a_second_later(hall: Hall) -> None:
    hall.attendance.came("anna")
    await hall.passes(1)
    hall.attendance.went("anna")
    await hall.passes(10)
    hall.attendance.came("anna")
    await hall.passes(0.5)
    assert len(hall.writer.said) == 2
    await hall.passes(0.6)
    assert [kind for kind, _ in hall.writer.said] == ["joined", "left", "joined"]


async def test_a_short_visit_is_told_whole(hall: Hall) -> None:
    hall.attendance.came("anna")
    hall.attendance.went("anna")
    await hall.passes(0.2)
    await hall.passes(10)
    assert hall.writer.said == [("joined", ("anna",)), ("left", ("anna",))]
