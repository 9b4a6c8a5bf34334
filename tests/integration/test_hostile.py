"""A hostile client at work: after its removal, by a poisoned Redis, from the network, with floods and slow bodies."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import redis

from tests.faults import link
from tests.hub import Client, Frames, HubProcess, envelope

POSTERS = 4
LOAD_S = 3.0

UNLIMITED = {"message": 0, "reaction": 0, "invite": 0}


async def test_a_member_that_is_removed_under_load_hears_nothing_later(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        channel_id = await admin.channel(isPrivate=True)
        agent_id, token = await admin.agent()
        await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {})
        async with shared_hub.client(token) as removed, removed.stream() as frames:
            posting = [asyncio.create_task(post_on(admin, channel_id)) for _ in range(POSTERS)]
            await asyncio.sleep(LOAD_S / 2)
            await admin.ok("DELETE", f"/api/channels/{channel_id}/members/{agent_id}")
            await asyncio.sleep(LOAD_S / 2)
            for one in posting:
                one.cancel()
            await asyncio.gather(*posting, return_exceptions=True)
            marker = await admin.say(await admin.general(), "the end")
            heard = await until_said(frames, marker["message"]["id"])
            about = [one["event"] for one in heard if one.get("channelId") == channel_id]
            assert len(about) > 10, "it did hear what was said before"
            assert about[-1]["type"] == "channel.member.leave"
            assert about[-1]["agentId"] == agent_id
            last = (await admin.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"][-1]
            for path in (
                f"/api/messages?channelId={channel_id}",
                f"/api/messages/{last['id']}",
                f"/api/messages/{last['id']}/latency",
                f"/api/search?q=secret&channelId={channel_id}",
                f"/api/channels/{channel_id}",
                f"/api/channels/{channel_id}/members",
                f"/api/channels/{channel_id}/presence",
            ):
                assert (await removed.call("GET", path)).status == 404, path
            assert (await removed.ok("GET", "/api/search?q=secret"))["messages"] == []
            assert (await removed.ok("GET", f"/api/messages/html?ids={last['id']}"))["html"] == {}
            assert channel_id not in (await removed.ok("GET", "/api/unread"))["channels"]
        before = next(one["seq"] for one in heard if one.get("channelId") == channel_id and "seq" in one)
        epoch = (frames.hello.id or "").partition(":")[0]
        async with shared_hub.client(token) as back, back.stream(cursor=f"{epoch}:{before - 1}") as frames:
            again = await until_said(frames, marker["message"]["id"])
        assert [one for one in again if one.get("channelId") == channel_id][-1]["event"] == about[-1]


async def post_on(client: Client, channel_id: str) -> None:
    while True:
        await client.say(channel_id, "secret words")


async def until_said(frames: Frames, message_id: str) -> list[dict[str, Any]]:
    """What is heard up to and with this message."""
    heard = [envelope(await frames.next())]
    while f'"{message_id}"' not in json.dumps(heard[-1]):
        heard.append(envelope(await frames.next()))
    return heard


async def test_a_poisoned_redis_opens_nothing(tmp_path: Path, redis_url: str) -> None:
    async with HubProcess(tmp_path, HUB_REDIS_URL=redis_url) as hub, hub.client() as admin:
        channel_id = await admin.channel(isPrivate=True)
        said = await admin.say(channel_id, "for members only")
        await admin.ok("GET", f"/api/messages?channelId={channel_id}")
        agent_id, token = await admin.agent()
        async with hub.client(token) as stranger, stranger.stream() as frames:
            await asyncio.to_thread(poison, redis_url, channel_id, agent_id)
            await admin.say(channel_id, "still for members only")
            assert (await stranger.call("GET", f"/api/messages?channelId={channel_id}")).status == 404
            assert (await stranger.call("GET", f"/api/messages/{said['message']['id']}")).status == 404
            posted = await stranger.call("POST", "/api/messages", {"channelId": channel_id, "content": "let me in"})
            assert posted.status == 404
            marker = await admin.say(await admin.general(), "the end")
            heard = await until_said(frames, marker["message"]["id"])
        assert [one for one in heard if one.get("channelId") == channel_id] == []
        history = (await admin.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"]
        assert [one["content"] for one in history] == ["for members only", "still for members only"]


def poison(url: str, channel_id: str, agent_id: str) -> None:
    """What somebody would write who got hold of Redis: a member, an open channel, words, something to unpickle."""
    with redis.Redis.from_url(url, decode_responses=False) as client:
        client.sadd(f"channel:{channel_id}:members", agent_id)
        forged = {"id": channel_id, "name": "open", "isPrivate": False, "createdAt": 1, "createdBy": agent_id}
        client.set(f"channel:{channel_id}", json.dumps(forged))
        for key in client.scan_iter():
            if client.type(key) == b"string" and b"messages" in key:
                client.set(key, b"cos\nsystem\n(S'touch /tmp/pickled'\ntR.")
            if client.type(key) == b"hash" and b"messages" in key:
                client.hset(key, mapping=dict.fromkeys(client.hkeys(key), json.dumps([forged])))


async def test_metrics_are_not_for_the_network(tmp_path: Path) -> None:
    with link(41) as other:
        settings = {"HUB_SERVER_HOST": "0.0.0.0"}
        async with HubProcess(tmp_path, **settings) as hub, hub.client() as admin:
            for way, status in (("healthz", "200"), ("metrics", "401"), ("api/me", "401")):
                assert await asked(other.on_the_other_host(*curl(f"http://{other.address}:{hub.port}/{way}"))) == status
            token = f"Authorization: Bearer {hub.admin_token}"
            reached = other.on_the_other_host(*curl(f"http://{other.address}:{hub.port}/metrics", "-H", token))
            assert await asked(reached) == "200"
            forged = ("-H", "X-Forwarded-For: 127.0.0.1", "-H", "Host: localhost")
            spoofed = other.on_the_other_host(*curl(f"http://{other.address}:{hub.port}/metrics", *forged))
            assert await asked(spoofed) == "401"
            assert (await admin.call("GET", "/metrics")).status == 200


def curl(url: str, *more: str) -> tuple[str, ...]:
    return ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "15", *more, url)


async def asked(command: tuple[str, ...]) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


async def test_a_flood_of_streams_is_turned_away_and_the_hub_goes_on(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_STREAMS_TOTAL="30") as hub, hub.client() as admin:
        _, flooding = await admin.agent()
        tokens = [(await admin.agent())[1] for _ in range(5)]
        async with contextlib.AsyncExitStack() as places:
            answers = [
                await places.enter_async_context(streaming(hub, token)) for token in (*[flooding] * 60, *tokens * 6)
            ]
            codes = [answer.status for answer in answers]
            assert (codes[:60].count(200), codes[:60].count(429)) == (8, 52)
            assert codes.count(200) == 30, "in all"
            waits_s = {int(answer.headers["Retry-After"]) for answer in answers if answer.status == 429}
            assert len(waits_s) > 3, "they do not all come back together"
            assert await admin.say(await admin.general(), "the hub goes on")
        async with asyncio.timeout(30):
            while True:
                async with streaming(hub, flooding) as answer:
                    if answer.status == 200:
                        break
                await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def streaming(hub: HubProcess, token: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to a request for a stream, open until the block ends."""
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(hub.url, headers=headers, connector=connector) as session,
        session.get("/api/events") as answer,
    ):
        yield answer


async def test_slow_bodies_by_the_hundred_hold_nobody_up(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as hub, hub.client() as admin, contextlib.AsyncExitStack() as places:
        head = "POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += "Content-Length: 200\r\n\r\n"
        for _ in range(200):
            _, writer = await asyncio.open_connection("127.0.0.1", hub.port)
            places.callback(writer.close)
            writer.write(head.encode() + b'{"id":')
        for number in range(20):
            await admin.say(await admin.general(), f"word {number}")
        async with hub.client("") as nobody:
            assert (await nobody.call("POST", "/api/login", {"id": "x", "password": "y"})).status == 401


async def test_a_session_of_another_cannot_be_fixed_or_guessed(shared_hub: HubProcess) -> None:
    async with shared_hub.client("") as nobody:
        for name in ("hub_session", "__Host-hub_session"):
            for value in ("a" * 27, "../../", "\u00e9", "0" * 4000, '"', "hub_session"):
                header = {"Cookie": f"{name}={value}"}
                answer = await nobody.call("GET", "/api/me", headers=header)
                assert answer.status in (400, 401), (name, value)
                page = await nobody.call("GET", "/", headers=header)
                assert page.status in (200, 400)
                assert msgspec.json.encode(value)[1:-1] not in page.body, "what is sent is not shown again"
