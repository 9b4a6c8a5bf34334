"""Connections that keep the hub waiting: a later head that drips, and many of one address."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp

from tests.hub import HubProcess
from tests.wire import Wire, status_of, wire

PAUSED_S = 14.0
"""Longer than a head may take, shorter than a pause between two requests may."""

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def answered(line: Wire) -> int:
    """The status of an answer, whose body is read as well."""
    head = await line.hears_head()
    await line.hears_bytes(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
    return status_of(head)


async def spoken(line: Wire) -> None:
    """A whole request and its answer, after which the connection stays."""
    await line.sends(GET)
    assert await answered(line) == 200


async def test_a_later_head_that_drips_is_shown_out_and_a_pause_is_not(shared_hub: HubProcess) -> None:
    async with wire(shared_hub) as pausing, wire(shared_hub) as dripping:
        await spoken(pausing)
        await spoken(dripping)
        await asyncio.sleep(2)
        heard = asyncio.create_task(dripping.hears(60))
        began_s = asyncio.get_running_loop().time()
        await dripping.sends(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        while not heard.done():
            await dripping.sends(b" ")
            await asyncio.wait((heard,), timeout=0.5)
        assert await heard == b""
        lasted_s = asyncio.get_running_loop().time() - began_s
        assert lasted_s < 45, "a pause may be 75 s"
        await asyncio.sleep(max(0.0, PAUSED_S - lasted_s))
        await spoken(pausing)


async def test_bodies_and_what_came_at_once_are_no_dripping_heads(shared_hub: HubProcess) -> None:
    token = shared_hub.admin_token
    post = f"POST /api/latency HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    slow = f"{post}Content-Type: application/json\r\nContent-Length: 8\r\n\r\n".encode()
    async with wire(shared_hub) as line:
        await spoken(line)
        await line.sends(slow)
        for _ in range(8):
            await asyncio.sleep(0.4)
            await line.sends(b" ")
        assert await answered(line) == 400, "eight blanks are no JSON"
        await asyncio.sleep(PAUSED_S)
        await spoken(line)


async def test_of_one_address_only_so_many_connections_wait(tmp_path: Path) -> None:
    async with (
        HubProcess(tmp_path, HUB_SERVER_WAITING_PER_ADDRESS="20") as hub,
        hub.client() as admin,
        admin.stream() as frames,
        contextlib.AsyncExitStack() as places,
    ):
        lines = [await places.enter_async_context(wire(hub)) for _ in range(60)]
        for at, line in enumerate(lines):
            if at % 2:
                await spoken(line)
        async with asyncio.timeout(30):
            while sum(line.is_closed for line in lines) < 40:
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        assert sum(not line.is_closed for line in lines) in (19, 20), "the admin's own may wait as well"
        async with aiohttp.ClientSession(hub.url) as other, other.get("/healthz") as answer:
            assert answer.status == 200
        await admin.say(await admin.general(), "the stream is still open")
        assert (await frames.until("channel.message"))[-1].event == "channel.message"
        assert hub.log_text.count("too many connections of one address wait") == 1


async def test_a_listed_proxy_may_keep_more(tmp_path: Path) -> None:
    settings = {"HUB_SERVER_WAITING_PER_ADDRESS": "5", "HUB_SERVER_TRUSTED_PROXIES": "127.0.0.1"}
    async with HubProcess(tmp_path, **settings) as hub, contextlib.AsyncExitStack() as places:
        lines = [await places.enter_async_context(wire(hub)) for _ in range(20)]
        for line in lines:
            await spoken(line)
        await asyncio.sleep(3)
        for line in lines:
            await spoken(line)
