"""Presence, typing, limits, pages and attendance of a running hub, with what stands in its Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from math import ceil
from pathlib import Path
from time import monotonic

import msgspec
import pytest
import pytest_asyncio
import redis.asyncio as redis

from tests.hub import Client, Frames, HubProcess, Json, envelope

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "here:"
NO_LIMIT: Json = {"message": 0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory, redis_server_url: str) -> AsyncIterator[HubProcess]:
    settings = {"HUB_REDIS_URL": redis_server_url, "HUB_REDIS_PREFIX": PREFIX}
    async with HubProcess(tmp_path_factory.mktemp("here"), **settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def admin(hub: HubProcess) -> AsyncIterator[Client]:
    async with hub.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def keys(redis_server_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.Redis.from_url(redis_server_url, decode_responses=True, protocol=2) as client:
        yield client


@contextlib.asynccontextmanager
async def member(
    hub: HubProcess, admin: Client, channel_id: str, limits: object = NO_LIMIT
) -> AsyncIterator[tuple[str, Client]]:
    """A new agent in the channel."""
    agent_id, token = await admin.agent(limits=limits)
    await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {"role": "member"})
    async with hub.client(token) as client:
        yield agent_id, client


async def eventually(keys: redis.Redis, key: str, *, there: bool = True) -> None:
    async with asyncio.timeout(10):
        while bool(await keys.exists(PREFIX + key)) is not there:
            await asyncio.sleep(0.02)


async def lives_s(keys: redis.Redis, key: str) -> float:
    left_ms: int = await keys.pttl(PREFIX + key)
    return left_ms / 1000


async def live(frames: Frames, kind: str) -> Json:
    """The event of the next frame that is live only, which must be of this kind."""
    frame = await frames.next()
    while frame.id is not None:  # a member's joining may still be on its way
        frame = await frames.next()
    assert frame.event == kind
    wrapper = envelope(frame)
    assert wrapper.keys() == {"event", "timestamp", "channelId", "senderId"}
    event = wrapper["event"]
    assert isinstance(event, dict)
    return event


# ---- presence


async def test_a_presence_is_answered_told_once_kept_and_listed(
    hub: HubProcess, admin: Client, keys: redis.Redis
) -> None:
    channel_id = await admin.channel()
    async with member(hub, admin, channel_id) as (agent_id, agent), admin.stream(f"?channels={channel_id}") as frames:
        path = f"/api/channels/{channel_id}/presence"
        put = await agent.ok("PUT", path, {"status": "dnd", "customStatus": "Reviewing PRs"})
        assert put.keys() == {"agentId", "status", "customStatus", "avatar", "lastSeen"}
        assert (put["agentId"], put["status"], put["customStatus"]) == (agent_id, "dnd", "Reviewing PRs")
        event = await live(frames, "channel.presence")
        assert event == {"type": "channel.presence", "channelId": channel_id, "presence": put}
        key = f"presence:{channel_id}:{agent_id}"
        assert await keys.hgetall(PREFIX + key) == {name: str(value) for name, value in put.items()}
        assert await lives_s(keys, key) == pytest.approx(300, abs=1)
        listed = await admin.ok("GET", path)
        assert [presence["agentId"] for presence in listed["presence"]] == [agent_id]
        assert await frames.quiet()  # what comes back from Redis is not told again


async def test_outsiders_on_redis_hear_a_presence_in_the_wrapper(
    hub: HubProcess, admin: Client, keys: redis.Redis
) -> None:
    channel_id = await admin.channel()
    async with member(hub, admin, channel_id) as (agent_id, agent), keys.pubsub() as ears:
        await ears.subscribe(f"{PREFIX}pubsub:channel:{channel_id}")
        await ears.get_message(timeout=5)
        put = await agent.ok("PUT", f"/api/channels/{channel_id}/presence", {"status": "online"})
        wrapper: Json = {"event": {"type": ""}}
        while wrapper["event"]["type"] != "channel.presence":  # the agent's joining may come late
            wrapper = msgspec.json.decode((await ears.get_message(timeout=5))["data"])
        assert wrapper.keys() == {"event", "timestamp", "channelId", "senderId"}
        assert (wrapper["senderId"], wrapper["event"]["presence"]) == (agent_id, put)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "busy"}, "status"),
        ({}, "status"),
        ({"status": "online", "customStatus": "x" * 141}, "customStatus"),
        ({"status": "online", "customStatus": "a\nb"}, "customStatus"),
        ({"status": "online", "agentId": "maya"}, "agentId"),
    ],
)
async def test_a_wrong_presence_is_422(admin: Client, body: Json, field: str) -> None:
    answer = await admin.call("PUT", f"/api/channels/{await admin.general()}/presence", body)
    assert (answer.status, answer.body["field"]) == (422, field)


@pytest.mark.parametrize(("what", "body"), [("presence", {"status": "online"}), ("typing", {"started": True})])
async def test_only_members_of_an_open_channel_say_how_they_are(
    hub: HubProcess, admin: Client, what: str, body: Json
) -> None:
    public, private = await admin.channel(), await admin.channel(isPrivate=True)
    _, token = await admin.agent()
    async with hub.client(token) as stranger:
        outside = await stranger.call("PUT", f"/api/channels/{public}/{what}", body)
        hidden = await stranger.call("PUT", f"/api/channels/{private}/{what}", body)
        unread = await stranger.call("GET", f"/api/channels/{private}/{what}")
    await admin.ok("POST", f"/api/channels/{public}/archive")
    archived = await admin.call("PUT", f"/api/channels/{public}/{what}", body)
    assert [answer.status for answer in (outside, hidden, unread, archived)] == [403, 404, 404, 409]


async def test_who_leaves_takes_its_presence_along(hub: HubProcess, admin: Client, keys: redis.Redis) -> None:
    channel_id = await admin.channel()
    async with member(hub, admin, channel_id) as (agent_id, agent):
        await agent.ok("PUT", f"/api/channels/{channel_id}/presence", {"status": "online"})
        await agent.ok("DELETE", f"/api/channels/{channel_id}/members/{agent_id}")
    await eventually(keys, f"presence:{channel_id}:{agent_id}", there=False)
    assert (await admin.ok("GET", f"/api/channels/{channel_id}/presence"))["presence"] == []


# ---- what runs out


async def test_what_runs_out_is_told_in_its_time(hub: HubProcess, admin: Client, keys: redis.Redis) -> None:
    """Each takes ten seconds, so they share them."""
    async with asyncio.TaskGroup() as together:
        together.create_task(typing_stops(hub, admin, keys))
        together.create_task(who_comes_and_who_goes(hub, admin))


async def typing_stops(hub: HubProcess, admin: Client, keys: redis.Redis) -> None:
    channel_id = await admin.channel()
    path = f"/api/channels/{channel_id}/typing"
    async with member(hub, admin, channel_id) as (agent_id, agent), admin.stream(f"?channels={channel_id}") as frames:
        began_s = monotonic()
        assert await agent.ok("PUT", path, {"started": True}) == {"typing": [agent_id]}
        typing = {"type": "channel.typing", "channelId": channel_id, "agentId": agent_id}
        assert await live(frames, "channel.typing") == typing | {"started": True}
        assert await lives_s(keys, f"typing:{channel_id}") == pytest.approx(10, abs=1)
        assert await keys.zscore(f"{PREFIX}typing:{channel_id}", agent_id) is not None
        await lost_keys_come_back_and_nobody_is_told_offline(hub, admin, keys)
        assert await live(frames, "channel.typing") == typing | {"started": False}
        assert monotonic() - began_s == pytest.approx(10, abs=1)
        assert await agent.ok("GET", path) == {"typing": []}
        assert await agent.ok("PUT", path, {"started": True}) == {"typing": [agent_id]}
        assert await agent.ok("PUT", path, {"started": False}) == {"typing": []}
        metrics = (await admin.call("GET", "/metrics")).body.decode()
    assert 'hub_ttl_expiry_error_seconds_bucket{kind="typing",le="1.0"} 1.0' in metrics
    assert 'hub_signal_latency_seconds_count{kind="typing"} 3.0' in metrics
    assert 'hub_agents{state="connected"}' in metrics


async def lost_keys_come_back_and_nobody_is_told_offline(hub: HubProcess, admin: Client, keys: redis.Redis) -> None:
    """Within the ten seconds that typing has to wait anyway."""
    channel_id = await admin.channel()
    async with member(hub, admin, channel_id) as (agent_id, agent), admin.stream(f"?channels={channel_id}") as frames:
        await agent.ok("PUT", f"/api/channels/{channel_id}/presence", {"status": "online"})
        await live(frames, "channel.presence")
        await keys.flushall()
        await eventually(keys, f"presence:{channel_id}:{agent_id}")
        await eventually(keys, f"channel:{channel_id}:members")
        assert await keys.smembers(f"{PREFIX}channel:{channel_id}:members") == {"hubctl", agent_id}
        assert 290 < await lives_s(keys, f"presence:{channel_id}:{agent_id}") <= 300
        assert await frames.quiet()


async def who_comes_and_who_goes(hub: HubProcess, admin: Client) -> None:
    agent_id, token = await admin.agent()
    async with admin.stream() as frames:
        frames.passing = frozenset()
        async with hub.client(token) as agent, agent.stream() as own:
            assert own.hello.event == "hub.hello"
            own.passing = frozenset()
            assert await attending(own, agent_id) == "agent.joined"
        assert await attending(frames, agent_id) == "agent.joined"
        gone_s = monotonic()
        async with hub.client(token) as agent:
            async with agent.stream():
                await asyncio.sleep(0.5)
            assert await attending(frames, agent_id) == "agent.left"
        assert monotonic() - gone_s == pytest.approx(10.6, abs=1)


async def attending(frames: Frames, agent_id: str) -> str:
    """How the next attendance of this agent is told."""
    while True:
        frame = await frames.next()
        if frame.event in ("agent.joined", "agent.left"):
            wrapper = envelope(frame)
            assert wrapper.keys() == {"seq", "event", "timestamp", "senderId"}
            assert frame.id is not None
            if agent_id in wrapper["event"]["data"]["affectedAgents"]:
                return frame.event


async def test_a_planned_stop_is_announced_before_the_streams_end(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as hub:
        async with hub.client() as admin, admin.stream() as frames:
            await hub.stop()
            kinds = [frame.event for frame in await frames.until("hub.bye")]
        assert kinds == ["system.shutdown", "hub.bye"]
        await hub.start()
        async with hub.client() as admin, admin.stream("?since=0&types=system.shutdown") as frames:
            assert envelope(await frames.next())["event"]["data"]["severity"] == "info"


async def test_presence_and_typing_go_on_without_redis(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_REDIS_URL="redis://127.0.0.1:1/0") as hub, hub.client() as admin:
        channel_id = await admin.general()
        async with admin.stream() as frames:
            await admin.ok("PUT", f"/api/channels/{channel_id}/presence", {"status": "away"})
            await admin.ok("PUT", f"/api/channels/{channel_id}/typing", {"started": True})
            assert (await live(frames, "channel.presence"))["presence"]["status"] == "away"
            assert (await live(frames, "channel.typing"))["started"] is True
        assert len((await admin.ok("GET", f"/api/channels/{channel_id}/presence"))["presence"]) == 1
        assert (await admin.ok("GET", f"/api/channels/{channel_id}/typing"))["typing"] == ["hubctl"]


async def test_a_presence_outlives_the_hub_that_was_told_of_it(tmp_path: Path, redis_server_url: str) -> None:
    settings = {"HUB_REDIS_URL": redis_server_url, "HUB_REDIS_PREFIX": "outlives:"}
    async with HubProcess(tmp_path, **settings) as hub:
        async with hub.client() as admin:
            channel_id = await admin.general()
            put = await admin.ok("PUT", f"/api/channels/{channel_id}/presence", {"status": "dnd"})
        await hub.kill()
        await hub.start()
        async with hub.client() as admin:
            (found,) = (await admin.ok("GET", f"/api/channels/{channel_id}/presence"))["presence"]
        assert (found["agentId"], found["status"]) == (put["agentId"], "dnd")


async def test_a_reactions_way_to_the_readers_is_measured(hub: HubProcess, admin: Client) -> None:
    channel_id = await admin.channel()
    message = (await admin.say(channel_id, "words"))["message"]
    async with admin.stream(f"?channels={channel_id}") as frames:
        await admin.ok("PUT", f"/api/messages/{message['id']}/reactions/👍")
        await frames.until("channel.reaction.add")
        metrics = (await admin.call("GET", "/metrics")).body.decode()
    assert 'hub_signal_latency_seconds_count{kind="reaction"} 1.0' in metrics


# ---- limits


async def test_the_eleventh_message_of_a_minute_waits_as_long_as_it_is_told(
    hub: HubProcess, admin: Client, keys: redis.Redis
) -> None:
    channel_id = await admin.channel()
    async with member(hub, admin, channel_id, limits=None) as (agent_id, agent):
        first = (await agent.say(channel_id, "words"))["message"]
        for number in range(8):
            await agent.say(channel_id, f"words {number}")
        await agent.ok("PATCH", f"/api/messages/{first['id']}", {"content": "other words"})
        refused = await agent.call("POST", "/api/messages", {"channelId": channel_id, "content": "too much"})
        left_s = await lives_s(keys, f"ratelimit:message:{agent_id}")
        edited = await agent.call("PATCH", f"/api/messages/{first['id']}", {"content": "too much"})
        assert (refused.status, refused.body["code"]) == (edited.status, edited.body["code"]) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) == refused.body["retryAfter"]
        assert ceil(left_s) <= refused.body["retryAfter"] <= ceil(left_s) + 1 <= 61
        await keys.pexpire(f"{PREFIX}ratelimit:message:{agent_id}", 400)
        again = await agent.call("POST", "/api/messages", {"channelId": channel_id, "content": "still"})
        assert again.headers["Retry-After"] == "1"
        await asyncio.sleep(0.5)
        await agent.say(channel_id, "a new minute")
    page = await admin.ok("GET", f"/api/messages?channelId={channel_id}")
    assert len(page["messages"]) == 10


async def test_what_is_refused_for_another_reason_does_not_count(
    hub: HubProcess, admin: Client, keys: redis.Redis
) -> None:
    channel_id = await admin.channel()
    async with member(hub, admin, channel_id, limits={"message": 2}) as (agent_id, agent):
        for content in ("", " ", "x" * 70_000):
            assert (
                await agent.call("POST", "/api/messages", {"channelId": channel_id, "content": content})
            ).status >= 400
        assert not await keys.exists(f"{PREFIX}ratelimit:message:{agent_id}")


async def test_typing_and_the_command_line_have_no_limit(hub: HubProcess, admin: Client) -> None:
    channel_id = await admin.channel()
    async with member(hub, admin, channel_id, limits=None) as (_, agent):
        for _ in range(30):
            await agent.ok("PUT", f"/api/channels/{channel_id}/typing", {"started": True})
    for number in range(15):
        await admin.say(channel_id, f"words {number}")


async def test_limits_hold_without_redis(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_REDIS_URL="redis://127.0.0.1:1/0", HUB_LIMITS_MESSAGE="3") as hub:
        async with hub.client() as admin:
            channel_id = await admin.general()
            _, token = await admin.agent(limits=None)
        async with hub.client(token) as agent:
            body = {"channelId": channel_id, "content": "words"}
            answers = await asyncio.gather(*(agent.call("POST", "/api/messages", body) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [429] * 7
    assert all(58 <= answer.body["retryAfter"] <= 60 for answer in answers if answer.status == 429)


# ---- pages and channels


async def test_a_page_is_kept_dropped_by_the_next_message_and_never_believed_when_forged(
    admin: Client, keys: redis.Redis
) -> None:
    channel_id = await admin.channel()
    path, key = f"/api/messages?channelId={channel_id}", f"messages:{channel_id}:recent"
    for number in range(3):
        await admin.say(channel_id, f"words {number}")
    page = await admin.ok("GET", path)
    assert [message["content"] for message in page["messages"]] == ["words 0", "words 1", "words 2"]
    await eventually(keys, key)
    assert msgspec.json.decode(await keys.get(PREFIX + key) or "") == page["messages"]
    assert await lives_s(keys, key) == pytest.approx(300, abs=1)
    assert await admin.ok("GET", path) == page
    assert await admin.ok("GET", f"{path}&limit=1") == {"messages": page["messages"][-1:], "hasMore": True}
    await admin.say(channel_id, "one more")
    assert (await admin.ok("GET", path))["messages"][-1]["content"] == "one more"
    await keys.set(PREFIX + key, b'[{"id":"forged"}]')
    assert len((await admin.ok("GET", path))["messages"]) == 4
    await admin.ok("DELETE", f"/api/messages/{page['messages'][0]['id']}")
    assert (await admin.ok("GET", path))["messages"][0]["content"] == ""


async def test_every_answer_after_a_201_holds_the_message(hub: HubProcess, admin: Client) -> None:
    channel_id = await admin.channel()

    async def speaker(name: int) -> None:
        for number in range(15):
            posted = await admin.say(channel_id, f"{name} {number}")
            page = await admin.ok("GET", f"/api/messages?channelId={channel_id}&limit=50")
            assert posted["message"]["id"] in [message["id"] for message in page["messages"]]

    await asyncio.gather(*(speaker(name) for name in range(3)))


async def test_a_channel_and_its_members_stand_in_redis_as_they_are(
    hub: HubProcess, admin: Client, keys: redis.Redis
) -> None:
    channel_id = await admin.channel(topic="why")
    key = f"channel:{channel_id}"
    await eventually(keys, key)
    async with member(hub, admin, channel_id) as (agent_id, _):
        async with asyncio.timeout(5):
            while await keys.scard(f"{PREFIX}{key}:members") != 2:
                await asyncio.sleep(0.02)
    channel = msgspec.json.decode(await keys.get(PREFIX + key) or "")
    assert (channel["id"], channel["topic"], channel["memberCount"]) == (channel_id, "why", 2)
    assert await lives_s(keys, key) == pytest.approx(3600, abs=2)
    assert await keys.smembers(f"{PREFIX}{key}:members") == {"hubctl", agent_id}
    await keys.set(PREFIX + key, "poison")
    await asyncio.sleep(1.1)
    await admin.ok("GET", f"/api/channels/{channel_id}")
    async with asyncio.timeout(5):
        while await keys.get(PREFIX + key) == "poison":
            await asyncio.sleep(0.02)
    await admin.ok("DELETE", f"/api/channels/{channel_id}")
    await eventually(keys, key, there=False)
    await eventually(keys, f"{key}:members", there=False)
