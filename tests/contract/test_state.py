"""What the hub writes to Redis and reads there: names, types, fields and times as in the schema document."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import redis.asyncio as redis

from server.bus import limits
from server.bus.cache import RedisPages
from server.bus.keys import Keys, Lifetimes
from server.bus.limits import RedisCounters
from server.bus.link import Link
from server.bus.state import RedisState
from server.core.clock import now_ms
from server.core.events import PresencePart
from server.core.model import Channel
from server.core.ports import Count, Roster, Stay
from server.core.stats import Stats

ANNA = PresencePart(agent_id="anna", status="online", custom_status="Reviewing", avatar="🤖", last_seen=1708554000000)
ROOM = Channel(
    id="room", name="engineering", topic="Engineering", is_private=False, created_at=1708550000000, created_by="anna"
)
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.Redis.from_url(redis_url, decode_responses=True, protocol=2) as client:
        yield client


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[Link]:
    made = Link(redis_url, Stats())
    yield made
    await made.close()


@pytest.fixture
def state(link: Link) -> RedisState:
    return RedisState(link, Keys(""), Lifetimes())


@pytest.fixture
async def counters(link: Link) -> AsyncIterator[RedisCounters]:
    made = RedisCounters(link, Keys(""), Lifetimes())
    yield made
    await made.close()


def stay(presence: PresencePart = ANNA, lasts_s: float = 300, channel_id: str = "room") -> Stay:
    return Stay(channel_id, presence, now_ms() + int(lasts_s * 1000))


async def lives_s(client: redis.Redis, key: str) -> float:
    left_ms: int = await client.pttl(key)
    return left_ms / 1000


# ---- presence


async def test_a_presence_is_a_hash_with_the_schemas_fields_for_300_s(client: redis.Redis, state: RedisState) -> None:
    await state.keep_stays([stay()])
    key = "presence:room:anna"
    assert await client.type(key) == "hash"
    assert await client.hgetall(key) == {
        "agentId": "anna",
        "status": "online",
        "customStatus": "Reviewing",
        "avatar": "🤖",
        "lastSeen": "1708554000000",
    }
    assert await lives_s(client, key) == pytest.approx(300, abs=1)
    await state.keep_stays([stay(msgspec.structs.replace(ANNA, custom_status=None))])
    assert "customStatus" not in await client.hgetall(key)


async def test_presences_are_read_back_as_they_were_written(state: RedisState) -> None:
    await state.keep_stays([stay(), stay(channel_id="other")])
    (found,) = await state.stays([("room", "anna"), ("room", "bert")])
    assert (found.channel_id, found.presence) == ("room", ANNA)
    assert found.until_ms - now_ms() == pytest.approx(300_000, abs=1000)
    assert {stay.channel_id for stay in await state.all_stays()} == {"room", "other"}


POISONED: list[dict[str, str]] = [
    {"status": "hacked"},
    {"lastSeen": "yesterday"},
    {"agentId": "bert"},
    {"customStatus": "x" * 5000},
    {"avatar": "\udcff"},
]


@pytest.mark.parametrize("wrong", POISONED)
async def test_a_poisoned_presence_is_not_believed(
    client: redis.Redis, state: RedisState, wrong: dict[str, str]
) -> None:
    await state.keep_stays([stay()])
    raw = {name: value.encode("utf-8", "surrogateescape") for name, value in wrong.items()}
    await client.hset("presence:room:anna", mapping=raw)  # type: ignore[arg-type]  # its stubs want text or bytes alike
    assert await state.stays([("room", "anna")]) == []
    assert await state.all_stays() == []


async def test_a_presence_for_ever_or_of_another_type_is_not_believed(client: redis.Redis, state: RedisState) -> None:
    await state.keep_stays([stay(), stay(channel_id="other")])
    await client.persist("presence:room:anna")
    await client.set("presence:other:anna", "words")
    await client.set("presence:", "words")
    assert await state.all_stays() == []
    await state.keep_stays([stay(channel_id="other")])
    assert len(await state.all_stays()) == 1


async def test_what_is_lost_is_known(client: redis.Redis, state: RedisState) -> None:
    stays = [stay(msgspec.structs.replace(ANNA, agent_id=f"agent-{number}")) for number in range(450)]
    await state.keep_stays(stays)
    assert await state.lost_stays(stays) == []
    await client.delete("presence:room:agent-3", "presence:room:agent-449")
    assert [lost.presence.agent_id for lost in await state.lost_stays(stays)] == ["agent-3", "agent-449"]
    await state.drop_stays([("room", "agent-4")])
    assert not await client.exists("presence:room:agent-4")


# ---- typing


async def test_typing_is_a_sorted_set_whose_10_s_begin_anew(client: redis.Redis, state: RedisState) -> None:
    now = now_ms()
    await state.start_typing("room", "anna", now)
    await client.pexpire("typing:room", 2000)
    await state.start_typing("room", "bert", now + 1)
    assert await client.zrange("typing:room", 0, -1, withscores=True) == [("anna", now), ("bert", now + 1)]
    assert await lives_s(client, "typing:room") == pytest.approx(10, abs=1)
    assert await state.typing("room", now - 10_000, now) == ["anna"]
    await state.stop_typing("room", ["anna", "bert"])
    assert not await client.exists("typing:room")


async def test_a_typing_key_of_another_type_is_removed(client: redis.Redis, state: RedisState) -> None:
    await client.set("typing:room", "words")
    assert await state.typing("room", 0, now_ms()) == []
    await state.start_typing("room", "anna", now_ms())
    await state.start_typing("room", "anna", now_ms())
    assert await state.typing("room", 0, now_ms() + 1) == ["anna"]


# ---- channels


async def test_a_channel_is_json_for_an_hour_and_its_members_a_set_for_ever(
    client: redis.Redis, state: RedisState
) -> None:
    await client.sadd("channel:room:members", "intruder")
    await state.keep_rosters([Roster(ROOM, ("anna", "bert"))])
    assert msgspec.json.decode(await client.get("channel:room") or "") == {
        "id": "room",
        "name": "engineering",
        "topic": "Engineering",
        "isPrivate": False,
        "createdAt": 1708550000000,
        "memberCount": 2,
    }
    assert await lives_s(client, "channel:room") == pytest.approx(3600, abs=1)
    assert await client.smembers("channel:room:members") == {"anna", "bert"}
    assert await client.pttl("channel:room:members") == -1


async def test_a_lost_or_altered_channel_is_known(client: redis.Redis, state: RedisState) -> None:
    roster = Roster(ROOM, ("anna",))
    assert await state.wrong_channels([roster]) == await state.lost_members([roster]) == [roster]
    await state.keep_rosters([roster])
    assert await state.wrong_channels([roster]) == await state.lost_members([roster]) == []
    await client.set("channel:room", "{}")
    assert await state.wrong_channels([roster]) == [roster]
    await state.drop_channel("room")
    assert await client.keys() == []


# ---- pages


async def test_a_page_lives_300_s(client: redis.Redis, link: Link) -> None:
    pages = RedisPages(link, Keys(""), Lifetimes())
    await pages.keep_page("room", b'[{"id":"1"}]', b"7:seal")
    assert await pages.page("room") == (b'[{"id":"1"}]', b"7:seal")
    assert await client.get("messages:room:recent") == '[{"id":"1"}]'
    for key in ("messages:room:recent", "messages:room:recent:seal"):
        assert await lives_s(client, key) == pytest.approx(300, abs=1)


# ---- limits


async def test_a_counter_and_its_60_s_begin_together(client: redis.Redis, counters: RedisCounters) -> None:
    first = await counters.count("message", "anna")
    assert (first.times, await client.get("ratelimit:message:anna")) == (1, "1")
    assert await lives_s(client, "ratelimit:message:anna") == pytest.approx(60, abs=1)
    await client.pexpire("ratelimit:message:anna", 20_000)
    second = await counters.count("message", "anna")
    assert second.times == 2
    assert second.resets_ms == pytest.approx(20_000, abs=1000)


async def test_all_checks_of_one_turn_travel_together(link: Link, counters: RedisCounters) -> None:
    stats: Stats = link._stats
    asked = [counters.count("message", agent) for agent in ("anna", "bert", "anna", "anna")]
    assert [count.times for count in await asyncio.gather(*asked)] == [1, 1, 2, 3]
    assert sum(stats.redis_s["limit"].counts) == 1


async def test_a_thousand_at_once_are_counted_exactly_by_a_redis_that_answers_in_time(
    client: redis.Redis, counters: RedisCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATIENCE_S", 30)

    async def some(number: int) -> Count:
        await asyncio.sleep(number % 7 / 1000)
        return await counters.count("message", "anna")

    counts = await asyncio.gather(*(some(number) for number in range(1000)))
    assert sorted(count.times for count in counts) == list(range(1, 1001))
    assert await client.get("ratelimit:message:anna") == "1000"


async def test_nobody_waits_in_a_known_minute_that_is_not_half_used_up(
    client: redis.Redis, counters: RedisCounters
) -> None:
    assert not counters.count_ahead("message", "anna", 10), "nothing is known yet"
    await counters.count("message", "anna")
    assert [counters.count_ahead("message", "anna", 10) for _ in range(6)] == [True] * 4 + [False] * 2
    assert (await counters.count("message", "anna")).times == 6
    assert await client.get("ratelimit:message:anna") == "6"


async def test_who_does_not_wait_is_not_counted_less(client: redis.Redis, counters: RedisCounters) -> None:
    async def act() -> bool:
        await asyncio.sleep(0)
        return counters.count_ahead("message", "anna", 100) or (await counters.count("message", "anna")).times <= 100

    allowed = [await act() for _ in range(150)]
    assert (allowed.count(True), allowed[100:]) == (100, [False] * 50)
    assert await client.get("ratelimit:message:anna") == "150"


async def test_without_redis_memory_counts_ahead_too(link: Link, counters: RedisCounters) -> None:
    await counters.count("message", "anna")
    link.breaker.failed()
    assert [counters.count_ahead("message", "anna", 4) for _ in range(2)] == [True, False]
    assert (await counters.count("message", "anna")).times == 3


@pytest.mark.parametrize("value", ["words", "-1000", "9223372036854775807", "1.5"])
async def test_a_poisoned_counter_opens_no_door(client: redis.Redis, counters: RedisCounters, value: str) -> None:
    for _ in range(3):
        await counters.count("message", "anna")
    await client.set("ratelimit:message:anna", value, ex=50)
    assert (await counters.count("message", "anna")).times == 4
    assert await client.get("ratelimit:message:anna") is None
    await client.hset("ratelimit:message:anna", "a", "b")
    assert (await counters.count("message", "anna")).times == 5


@pytest.mark.parametrize("ttl_s", [None, 100_000])
async def test_a_counter_that_would_never_end_is_removed(
    client: redis.Redis, counters: RedisCounters, ttl_s: int | None
) -> None:
    await client.set("ratelimit:message:anna", 500, ex=ttl_s)
    assert (await counters.count("message", "anna")).times == 1
    assert (await counters.count("message", "anna")).resets_ms <= 60_000
    assert await lives_s(client, "ratelimit:message:anna") <= 60


async def test_counting_goes_on_in_memory_without_redis(link: Link, counters: RedisCounters) -> None:
    for _ in range(3):
        await counters.count("message", "anna")
    link.breaker.failed()
    count = await counters.count("message", "anna")
    assert count.times == 4
    assert count.resets_ms == pytest.approx(60_000, abs=2000)
    assert (await counters.count("message", "bert")).times == 1


async def test_nobody_waits_for_a_redis_that_does_not_answer(client: redis.Redis, counters: RedisCounters) -> None:
    await counters.count("message", "anna")
    await client.execute_command("CLIENT", "PAUSE", "300")
    async with asyncio.timeout(0.2):
        counts = await asyncio.gather(*(counters.count("message", "anna") for _ in range(5)))
        later = await counters.count("message", "anna")
    assert [count.times for count in (*counts, later)] == [2, 3, 4, 5, 6, 7]
    await asyncio.sleep(0.4)
    assert (await counters.count("message", "anna")).times >= 7


async def test_without_redis_nothing_is_found_and_nothing_raises() -> None:
    link = Link(NOWHERE, Stats())
    counters = RedisCounters(link, Keys(""), Lifetimes())
    assert [(await counters.count("message", "anna")).times for _ in range(3)] == [1, 2, 3]
    state, pages = RedisState(link, Keys(""), Lifetimes()), RedisPages(link, Keys(""), Lifetimes())
    roster = Roster(ROOM, ("anna",))
    await state.keep_stays([stay()])
    await state.start_typing("room", "anna", 1)
    await state.keep_rosters([roster])
    await state.drop_channel("room")
    await pages.keep_page("room", b"", b"")
    assert await state.stays([("room", "anna")]) == await state.all_stays() == []
    assert await state.lost_stays([stay()]) == []
    assert await state.wrong_channels([roster]) == []
    assert await state.typing("room", 0, 1) == []
    assert await pages.page("room") == (None, None)
    await link.close()


async def test_the_prefix_stands_before_every_key(client: redis.Redis, link: Link) -> None:
    keys = Keys("open[claw]*:")
    state = RedisState(link, keys, Lifetimes())
    await state.keep_stays([stay()])
    await state.keep_rosters([Roster(ROOM, ("anna",))])
    await state.start_typing("room", "anna", 1)
    await RedisPages(link, keys, Lifetimes()).keep_page("room", b"", b"")
    counters = RedisCounters(link, keys, Lifetimes())
    await counters.count("message", "anna")
    await counters.close()
    found = [str(name) for name in await client.keys()]
    assert len(found) == 7
    assert all(name.startswith("open[claw]*:") for name in found)
    assert len(await state.all_stays()) == 1
