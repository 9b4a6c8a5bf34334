"""A machine whose clock jumps, or whose memory is little: order intact, timers fine, nobody lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import aiohttp
import pytest

from tests.faults import WallClock, little_memory
from tests.hub import Client, Frames, HubProcess, envelope
from tests.oracle import company
from tests.servers import own_redis
from tests.wire import status_of, wire

PASSWORD = "a short sentence is easiest"
TYPING_S = 10.0


@pytest.mark.parametrize("jump", ["+1d", "-1d"])
async def test_a_clock_that_jumps_a_day_changes_no_order_and_no_timer(tmp_path: Path, jump: str) -> None:
    clock = WallClock(tmp_path / "clock")
    async with (
        hub_with(clock, tmp_path) as hub,
        company(hub, agents=20) as talkers,
        hub.client() as admin,
        visitor(hub) as maya,
        agent_of(hub, admin) as agent,
    ):
        place = f"/api/channels/{talkers.channel_id}"
        async with admin.stream("?types=channel.presence,channel.typing") as frames:
            await agent.ok("PUT", f"{place}/presence", {"status": "dnd"})
            assert await heard(frames) == "dnd"
            began_s = monotonic()
            await agent.ok("PUT", f"{place}/typing", {"started": True})
            assert await heard(frames) == "types"
            before_ms = (await admin.ok("GET", "/api/time"))["time"]
            clock.set(jump)
            async with asyncio.timeout(10):
                while abs((await admin.ok("GET", "/api/time"))["time"] - before_ms) < 80_000_000:
                    await asyncio.sleep(0.05)
            assert await heard(frames) == "stops"
            assert TYPING_S - 2 <= monotonic() - began_s <= TYPING_S * 3
            with pytest.raises(TimeoutError):  # nobody is told offline
                await asyncio.wait_for(heard(frames), 1)
        shown = (await admin.ok("GET", f"{place}/presence"))["presence"]
        assert [one["status"] for one in shown] == ["dnd"]
        assert (await maya.ok("GET", "/api/me"))["id"] == "maya"
        await talkers.progress(40)
        clock.set("+0")
        await asyncio.sleep(2)
        await talkers.progress(20)
        shown = (await admin.ok("GET", f"{place}/presence"))["presence"]
        assert [one["status"] for one in shown] == ["dnd"]


async def test_a_machine_that_boots_in_1970_keeps_order_and_sessions(tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock")
    async with hub_with(clock, tmp_path) as hub, company(hub, agents=20) as talkers, visitor(hub) as maya:
        await talkers.progress(20)
        await hub.kill()
        clock.set("@1970-01-01 00:00:20")
        await hub.start()
        async with hub.client() as admin:
            assert (await admin.ok("GET", "/api/time"))["time"] < 86_400_000
        assert (await maya.ok("GET", "/api/me"))["id"] == "maya"
        await talkers.progress(40)
        clock.set("+0")
        await asyncio.sleep(2)
        await talkers.progress(20)
        assert (await maya.ok("GET", "/api/me"))["id"] == "maya"


async def test_a_clock_that_is_a_month_ahead_removes_no_message(tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock")
    async with hub_with(clock, tmp_path) as hub, hub.client() as admin:
        kept_for_a_week = await admin.ok("POST", "/api/channels", {"name": "week", "retentionDays": 7})
        said = (await admin.say(kept_for_a_week["id"], "of today"))["message"]
        await hub.kill()
        clock.set("+30d")
        await hub.start()
        await asyncio.sleep(2)  # it looks at once
        assert (await admin.ok("GET", f"/api/messages/{said['id']}"))["content"] == "of today"


@contextlib.asynccontextmanager
async def hub_with(clock: WallClock, folder: Path) -> AsyncIterator[HubProcess]:
    """A hub that looks at this clock; Redis is on another machine, so to speak."""
    with own_redis() as server:
        async with HubProcess(folder, HUB_REDIS_URL=server.url, **clock.environ) as running:
            yield running
            await running.kill()  # libfaketime does not always let a process end by itself


@contextlib.asynccontextmanager
async def visitor(hub: HubProcess) -> AsyncIterator[Client]:
    """The first person, signed in, in a browser whose own clock is right."""
    async with aiohttp.ClientSession(hub.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        maya = Client(session)
        arrival = {"code": await hub.welcomed(), "id": "maya", "displayName": "Maya", "password": PASSWORD}
        await maya.ok("POST", "/api/welcome", arrival)
        yield maya


@contextlib.asynccontextmanager
async def agent_of(hub: HubProcess, admin: Client) -> AsyncIterator[Client]:
    _, token = await admin.agent()
    async with hub.client(token) as agent:
        yield agent


async def heard(frames: Frames) -> str:
    """What the next presence or typing says, in a word."""
    while (frame := await frames.next(40)).data is None:
        pass  # a beat
    event = envelope(frame)["event"]
    if event["type"] == "channel.typing":
        return "types" if event["started"] else "stops"
    return str(event["presence"]["status"])


async def test_floods_in_little_memory_are_refused_and_everybody_else_goes_on(tmp_path: Path) -> None:
    with own_redis() as server, little_memory(128) as group:
        hub = HubProcess(tmp_path, HUB_REDIS_URL=server.url)
        hub.wrap = group.wrap
        async with hub, company(hub, agents=50) as talkers, hub.client() as admin:
            pid, aside = hub.pid, await admin.channel()
            await talkers.progress(20)
            largest = {"channelId": aside, "content": "x" * 60_000}
            for _ in range(5):
                answers = await asyncio.gather(*(admin.call("POST", "/api/messages", largest) for _ in range(40)))
                assert {answer.status for answer in answers} <= {201, 503}
            too_large = await admin.call("POST", "/api/messages", {**largest, "content": "x" * 500_000})
            assert too_large.status == 413
            assert 503 in await slow_bodies(hub, 100)
            logins = [admin.call("POST", "/api/login", {"id": f"eve{n}", "password": "guessed"}) for n in range(40)]
            assert {answer.status for answer in await asyncio.gather(*logins)} <= {401, 403, 429}
            await talkers.progress(40)
            assert (group.kills(), hub.pid) == (0, pid)


async def slow_bodies(hub: HubProcess, count: int) -> set[int]:
    """What so many senders of large bodies are answered that stop in the middle."""
    head = (
        f"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {hub.admin_token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 250000\r\n\r\n"
    )
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire(hub)) for _ in range(count)]
        await asyncio.gather(*(one.sends(head.encode() + b"x" * 100_000) for one in wires))
        answers = await asyncio.gather(*(one.hears(60) for one in wires))
        return {status_of(answer) for answer in answers if answer}
