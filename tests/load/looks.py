"""Looks at a hub that has grown: how long pages, searches and a thousand reconnects take, by the client's clock."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import quote

from sqlalchemy import Connection, text

from hubctl.load.latencies import Latencies
from hubctl.load.wire import Address
from server.store.engine import reading
from tests.hub import Client, HubProcess
from tests.load.filling import EVEN, EVERYWHERE, ODD, RARE, SOMETIMES, Places

WARM = 3
"""Requests of each kind that do not count: the first ones fill caches."""

CONNECTING = 64
"""Connections that are being opened at the same time."""

CATCH_UP_S = 30.0
SETTLED_S = 2.0
NEVER = b"\n\n\n"
"""What no stream holds."""


@dataclass(frozen=True, slots=True)
class Look:
    """How long requests of one kind took, in ms."""

    kind: str
    p50_ms: float
    p99_ms: float


async def timed(kind: str, times: int, request: Callable[[], Awaitable[object]]) -> Look:
    """Make a request so many times, one after the other."""
    latencies = Latencies()
    for number in range(times + WARM):
        began_ns = time.perf_counter_ns()
        await request()
        if number >= WARM:
            latencies.add(time.perf_counter_ns() - began_ns)
    return Look(kind, latencies.quantile_ms(0.5) or 0.0, latencies.quantile_ms(0.99) or 0.0)


async def pages(client: Client, url: str, channel_id: str, times: int) -> list[Look]:
    """Pages of a channel: the newest, and some from anywhere, backwards and forwards."""
    ids = _anywhere(url, channel_id, times + WARM)
    place = f"/api/messages?channelId={channel_id}"

    async def deep(way: str, those: Iterator[str]) -> None:
        page = await client.ok("GET", f"{place}&{way}={next(those)}")
        assert len(page["messages"]) == 50

    return [
        await timed("newest page", times, lambda: client.ok("GET", place)),
        await timed("newest page of 200, which is in no cache", times, lambda: client.ok("GET", f"{place}&limit=200")),
        await timed("page deep in the past, before=", times, partial(deep, "before", iter(ids))),
        await timed("page deep in the past, after=", times, partial(deep, "after", iter(ids))),
    ]


def _anywhere(url: str, channel_id: str, count: int) -> list[str]:
    """Ids of messages of the channel that are neither among its first nor among its last."""
    ask = text(
        "SELECT id FROM messages WHERE channel_id = :at AND thread_id IS NULL AND seq >= :seq ORDER BY seq LIMIT 1"
    )
    chance = random.Random(count)
    with _asking(url) as database:
        head = database.execute(text("SELECT seq FROM log_head")).scalar_one()
        seqs = [chance.randrange(head // 10, head * 9 // 10) for _ in range(count)]
        return [str(database.execute(ask, {"at": channel_id, "seq": seq}).scalar_one()) for seq in seqs]


@contextmanager
def _asking(url: str) -> Iterator[Connection]:
    """The hub's database, to be read."""
    engine = reading(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def asked(places: Places, url: str) -> dict[str, str]:
    """Searches by what is hard about them."""
    (past,) = _anywhere(url, places.busy, 1)
    with _asking(url) as database:
        some = text("SELECT content FROM messages WHERE channel_id = :at LIMIT 1")
        first, second = str(database.execute(some, {"at": places.busy}).scalar_one()).split()[:2]
    words = {
        "a word of every message": EVERYWHERE,
        "the beginning of such a word": EVERYWHERE[:3],
        "a word of each thousandth message": SOMETIMES,
        "a word of each hundred-thousandth": RARE,
        "a word of none": "nevermore",
        "two ordinary words": f"{first} {second}",
        "three letters": first[:3],
        "two words of half of all, never together": f"{EVEN} {ODD}",
    }
    every = quote(EVERYWHERE)
    return {kind: f"q={quote(text)}" for kind, text in words.items()} | {
        "a word of every message, from the past": f"q={every}&before={past}",
        "a word of every message, in the busy channel": f"q={every}&channelId={places.busy}",
        "a word of every message, in the quiet channel": f"q={every}&channelId={places.quiet}",
        "a word of every message, by one of many": f"q={every}&senderId={places.senders[5]}",
        "a word of every message, by the quiet one": f"q={every}&senderId={places.quiet_sender}",
        "a word of every message, by nobody": f"q={every}&senderId=hubctl",
    }


async def searches(client: Client, who: str, queries: dict[str, str], times: int) -> list[Look]:
    """Each of the queries, as one caller; what that may not read is left out."""
    looks: list[Look] = []
    for kind, query in queries.items():
        place = f"/api/search?{query}"
        if (await client.call("GET", place)).status == 200:
            looks.append(await timed(f"{kind}; {who}", times, partial(client.ok, "GET", place)))
    return looks


@dataclass(frozen=True, slots=True)
class Comeback:
    """Streams that came back at once: when the last one had everything, and how many never had."""

    seconds: float
    missing: int


class _Returning(asyncio.Protocol):
    """A stream that looks for the id of the last event and for nothing else, so that looking costs little."""

    def __init__(self, request: bytes, last: bytes, done: Callable[[], None]) -> None:
        self._request, self._last, self._done = request, last, done
        self._end = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)  # uvloop's own is none by class

    def data_received(self, data: bytes) -> None:
        if self._last in self._end + data:
            self._done()
            self._last = NEVER
        self._end = data[-len(self._last) :]


async def comeback(process: HubProcess, tokens: Sequence[str], streams: int, missed: int) -> Comeback:
    """Open so many streams at once, each of which missed so many events, and wait until each has the last one."""
    async with process.client() as admin, admin.stream() as frames:
        epoch, head = (frames.hello.id or ":").split(":")
    left, all_back = streams, asyncio.Event()

    def back() -> None:
        nonlocal left
        left -= 1
        if not left:
            all_back.set()

    loop, cursor, last = asyncio.get_running_loop(), f"{epoch}:{int(head) - missed}", f"id: {epoch}:{head}\n".encode()
    address, turns = Address(process.url), asyncio.Semaphore(CONNECTING)

    async def come_back(token: str) -> asyncio.Transport:
        request = address.request(token, cursor)
        async with turns:
            opened = await loop.create_connection(lambda: _Returning(request, last, back), "127.0.0.1", process.port)
        return opened[0]

    began_s = time.monotonic()
    transports = await asyncio.gather(*(come_back(tokens[number % len(tokens)]) for number in range(streams)))
    with suppress(TimeoutError):
        async with asyncio.timeout(CATCH_UP_S):
            await all_back.wait()
    took_s = time.monotonic() - began_s
    for transport in transports:
        transport.abort()
    return Comeback(took_s, left)


async def export(client: Client, channel_id: str, pages_most: int) -> int:
    """Read a channel from its newest page on into the past, as an export does; how many messages."""
    count, before = 0, ""
    for _ in range(pages_most):
        page = await client.ok("GET", f"/api/messages?channelId={channel_id}&limit=200{before}")
        count += len(page["messages"])
        if not page["hasMore"]:
            break
        before = f"&before={page['messages'][0]['id']}"
    return count


def oldest(url: str) -> int:
    """The first event that the log still has."""
    with _asking(url) as database:
        return int(database.execute(text("SELECT oldest FROM log_head")).scalar_one())


async def until_pruned(url: str) -> None:
    """Wait until the log loses nothing more."""
    before = -1
    while (now := oldest(url)) != before:
        before = now
        await asyncio.sleep(SETTLED_S)
