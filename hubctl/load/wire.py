"""Many streams read cheaply: bytes to events, decoded once however many readers get the same bytes.

A stream is asked for with HTTP/1.0, which a hub answers without chunks, so that what arrives is the event stream
itself. Readers of the same channels get the same bytes; a decoder shared by them decodes each piece once.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import cast
from urllib.parse import urlsplit

import msgspec

from hubctl.errors import Failure, Unreachable

HEAD_END = b"\r\n\r\n"
BLOCK_END = b"\n\n"
HEAD_BYTES = 64 << 10
REMEMBERED = 64
OPEN_TIMEOUT_S = 15.0


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """The message or presence within an event."""

    id: str = ""
    content: str = ""
    agent_id: str = ""
    status: str = ""
    custom_status: str | None = None


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """As much of an event as load needs to know."""

    type: str
    message: Part | None = None
    presence: Part | None = None
    agent_id: str = ""
    started: bool = False


class Heard(msgspec.Struct, frozen=True, rename="camel"):
    """An envelope of the stream."""

    event: Event
    seq: int = 0
    channel_seq: int = 0
    channel_id: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """What some bytes of a stream say: events in order, the last id, and whether a reset or a goodbye was among it."""

    events: tuple[Heard, ...] = ()
    cursor: str = ""
    hello: bool = False
    reset: bool = False


@dataclass
class Decoder:
    """Decodes whole blocks, each distinct piece of bytes once."""

    _known: dict[bytes, Piece] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._heard = msgspec.json.Decoder(Heard)

    def decode(self, blocks: bytes) -> Piece:
        """What `blocks` say; they end with a blank line. Raises Failure when no hub would say so."""
        piece = self._known.get(blocks)
        if piece is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            piece = self._known[blocks] = self._decode(blocks)
        return piece

    def _decode(self, blocks: bytes) -> Piece:
        events: list[Heard] = []
        cursor, names = "", set()
        for block in blocks.split(BLOCK_END):
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
            cursor = fields.get(b"id", b"").decode() or cursor
            name = fields.get(b"event", b"").decode()
            names.add(name)
            if b"data" in fields and not name.startswith("hub."):
                try:
                    events.append(self._heard.decode(fields[b"data"]))
                except msgspec.DecodeError as error:
                    raise Failure(f"the stream carries what no hub would send: {error}") from None
        return Piece(tuple(events), cursor, "hub.hello" in names, "hub.reset" in names)


Listener = Callable[[Piece, int], None]
"""Takes a piece and when it came (perf_counter_ns)."""


class Connection(asyncio.Protocol):
    """One open stream. `opened` resolves with the first piece, `closed` when it is over."""

    def __init__(self, request: bytes, decoder: Decoder, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._request = request
        self._decoder = decoder
        self._listener = listener
        self._transport: asyncio.Transport
        self._head = True
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by class
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Give on what is whole, keep the rest."""
        came_ns = perf_counter_ns()
        data = self._rest + data if self._rest else data
        if self._head:
            self._begin(data)
            return
        end = data.rfind(BLOCK_END)
        if end < 0:
            self._rest = data
            return
        end += len(BLOCK_END)
        self._rest = data[end:]
        self._tell(data[:end], came_ns)

    def _begin(self, data: bytes) -> None:
        head, end, body = data.partition(HEAD_END)
        if not end and len(data) < HEAD_BYTES:
            self._rest = data
            return
        if b" 200 " not in head[:16] + b" ":
            self._refuse(Failure(f"the hub refused a stream: {head[:60].decode(errors='replace').splitlines()[0]}"))
            return
        self._head, self._rest = False, b""
        if body:
            self.data_received(body)

    def _tell(self, blocks: bytes, came_ns: int) -> None:
        try:
            piece = self._decoder.decode(blocks)
        except Failure as error:
            self._refuse(error)
            return
        self._listener(piece, came_ns)
        if not self.opened.done():
            self.opened.set_result(None)

    def _refuse(self, error: Failure) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
        self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell whoever waits."""
        if not self.opened.done():
            self.opened.set_exception(Unreachable("the hub closed a stream before it began"))
        if not self.closed.done():
            self.closed.set_result(None)

    def abort(self) -> None:
        """Break the connection off, as a lost network would."""
        self._transport.abort()


@dataclass(frozen=True, slots=True)
class Address:
    """Where streams are opened; `query` narrows them."""

    url: str
    query: str = ""

    def request(self, token: str, cursor: str) -> bytes:
        """The request for one stream, resumed behind `cursor` unless that is empty."""
        parts = urlsplit(self.url)
        lines = [
            f"GET {parts.path}/api/events{self.query} HTTP/1.0",
            f"Host: {parts.netloc}",
            f"Authorization: Bearer {token}",
            "Accept: text/event-stream",
        ]
        if cursor:
            lines.append(f"Last-Event-ID: {cursor}")
        return "\r\n".join([*lines, "", ""]).encode()


async def connect(address: Address, token: str, cursor: str, decoder: Decoder, listener: Listener) -> Connection:
    """Open a stream; it has said hello when this returns. Raises Unreachable, or Failure when it is refused."""
    parts = urlsplit(address.url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    request = address.request(token, cursor)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            _, connection = await loop.create_connection(
                lambda: Connection(request, decoder, listener), parts.hostname or "", port, ssl=secure
            )
            try:
                await connection.opened
            except BaseException:
                connection.abort()
                raise
    except TimeoutError:
        raise Unreachable(f"{address.url} did not open a stream in time") from None
    except OSError as error:
        raise Unreachable(f"no stream from {address.url}: {error.strerror or error}") from None
    return connection
