"""GET /api/events: one SSE stream per caller, resumed where it broke off."""

import asyncio
import random
import socket

import msgspec
from aiohttp import web

from server.core.admission import Admission
from server.core.clock import now_ms
from server.core.errors import Malformed, NotFound
from server.core.hub import Hub
from server.core.model import Caller
from server.core.replay import Start, catch_up, cursor_of, start_of
from server.core.rules import uuid
from server.core.stream import Interest, Stream
from server.web.expiry import Expiry
from server.web.keys import ADMISSION, HUB
from server.web.problem import NO_STORE
from server.web.reading import Body, Query, answer, body, query

SEND_BUFFER_BYTES = 128 << 10
"""The kernel's share of what a reader has not read; by itself it would grow to 4 MB before a write waits."""

UNACKNOWLEDGED_MS = 10_000
"""How long the kernel waits for a peer that no longer answers, or takes no more, before it gives the connection up."""

STALL_S = 15.0
"""How long a reader may take no byte of a replay."""

_SECRETS_IN_URL = frozenset({"token", "access_token", "authorization", "auth", "bearer", "key", "apikey", "api_key"})

_HEADERS = {
    **NO_STORE,
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",
}


class Wanted(Query, frozen=True):
    """GET /api/events."""

    channels: str | None = None
    types: str | None = None
    since: str | None = None
    bodies: str | None = None
    meant: bool = False


class Reshaping(Body, frozen=True):
    """PATCH /api/streams/{id}: the channels whose words the stream gets; null is all of them."""

    bodies: tuple[str, ...] | None


class Shape(msgspec.Struct, frozen=True):
    """An open stream, and the channels whose words it gets from behind `seq` on; null is all of them."""

    id: str
    bodies: tuple[str, ...] | None
    seq: int


class Hello(msgspec.Struct, frozen=True, rename="camel"):
    """The first frame: where the log stands, and what to do when the stream breaks."""

    epoch: str
    seq: int
    stream_id: str
    agent_id: str
    server_time: int
    retry_ms: int


class Reset(msgspec.Struct, frozen=True):
    """The log cannot take the client's cursor up; what it holds must be fetched anew."""

    epoch: str
    oldest: int
    seq: int
    reason: str


class Bye(msgspec.Struct, frozen=True):
    """A deliberate end; `retry` says whether it is worth coming back with the same credential."""

    code: str
    retry: bool


async def events(request: web.Request) -> web.StreamResponse:
    """Hello, what was missed, then everything as it happens, until one side ends it."""
    if not _SECRETS_IN_URL.isdisjoint(name.lower() for name in request.query):
        raise Malformed("token_in_url", "a token does not belong in a URL; send it as Authorization: Bearer")
    hub, admission, caller = request.app[HUB], request.app[ADMISSION], request["caller"]
    wanted = query(request, Wanted)
    interest = _interest(wanted)
    since = request.headers.get("Last-Event-ID") or wanted.since
    start = start_of(hub, cursor_of(since) if since is not None else None)
    stream = _stream(request, caller, interest)
    admission.enter(stream, request["peer"].address, session=request["by_session"])
    expiry = Expiry(hub, stream)
    try:
        return await _serve(request, hub, stream, start)
    finally:
        expiry.cancel()
        hub.dispatch.leave(stream)
        admission.leave(stream)


def _interest(wanted: Wanted) -> Interest:
    types = None
    if wanted.types is not None:
        types = frozenset(word for word in wanted.types.split(",") if word)
    return Interest(_ids("channels", wanted.channels), types, _ids("bodies", wanted.bodies), wanted.meant)


def _ids(field: str, listed: str | None) -> frozenset[str] | None:
    return None if listed is None else frozenset(uuid(field, word) for word in listed.split(",") if word)


async def reshape(request: web.Request) -> web.Response:
    """The open stream as it is from now on."""
    wanted = await body(request, Reshaping)
    stream = _own(request)
    bodies = None if wanted.bodies is None else frozenset(uuid("bodies", word) for word in wanted.bodies)
    dispatch = request.app[HUB].dispatch
    dispatch.reshape(stream, bodies)
    return answer(Shape(stream.id, None if bodies is None else tuple(sorted(bodies)), dispatch.position))


def _own(request: web.Request) -> Stream:
    """The caller's open stream that the URL names."""
    caller: Caller = request["caller"]
    for stream in request.app[ADMISSION].streams:
        if stream.id == request.match_info["id"] and stream.agent_id == caller.agent.id:
            return stream
    raise NotFound("stream_not_found", "there is no such open stream of yours")


def _stream(request: web.Request, caller: Caller, interest: Interest) -> Stream:
    transport = request.transport
    if transport is None:
        raise asyncio.CancelledError  # gone before it began
    chunked = request.version >= (1, 1)
    return Stream(transport, caller.agent.id, caller.credential, interest, chunked=chunked)


async def _serve(request: web.Request, hub: Hub, stream: Stream, start: Start) -> web.StreamResponse:
    response = web.StreamResponse(headers=_HEADERS)
    if stream.chunked:
        response.enable_chunked_encoding()
    await response.prepare(request)
    _bound(request)

    async def send(frames: bytes) -> None:
        async with asyncio.timeout(STALL_S):
            await response.write(frames)

    try:
        await send(_opening(hub, stream, start))
        hub.stats.resumes[start.reset or ("resumed" if start.resumed else "fresh")] += 1
        await catch_up(hub, stream, start.seq, send)
    except TimeoutError:
        hub.stats.cuts["stalled"] += 1
        stream.sink.abort()
        return response
    reason = await stream.ended
    if not stream.sink.is_closing():
        await send(_bye(reason))
        await response.write_eof()
    return response


def _bound(request: web.Request) -> None:
    """Let neither a slow nor a vanished reader hold more than its share of the kernel."""
    connection = request.get_extra_info("socket")
    if connection is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT") and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def _opening(hub: Hub, stream: Stream, start: Start) -> bytes:
    retry_ms = random.randint(1000, 5000)  # noqa: S311 - spreads reconnects, hides nothing
    epoch, position = hub.dispatch.epoch, hub.dispatch.position
    hello = Hello(epoch, position, stream.id, stream.agent_id, now_ms(), retry_ms)
    frames = b"retry: %d\n" % retry_ms + _frame("hub.hello", hello, f"{epoch}:{start.seq}")
    if start.reset is not None:
        reset = Reset(epoch, hub.dispatch.oldest, position, start.reset)
        frames += _frame("hub.reset", reset, f"{epoch}:{start.seq}")
    return frames


def _bye(reason: str) -> bytes:
    return _frame("hub.bye", Bye(reason, retry=not reason.startswith("credential_")))


def _frame(kind: str, value: object, cursor: str | None = None) -> bytes:
    head = f"id: {cursor}\n" if cursor is not None else ""
    return f"{head}event: {kind}\ndata: ".encode() + msgspec.json.encode(value) + b"\n\n"


async def end_all(admission: Admission, reason: str) -> None:
    """Ask every stream to end, and wait a moment until they have."""
    for stream in list(admission.streams):
        stream.end(reason)
    for _ in range(100):
        if not admission.streams:
            return
        await asyncio.sleep(0.02)
