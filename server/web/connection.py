"""A connection that offers what arrives whole to a short way first; what that does not take, aiohttp gets as it came.

Of a request aiohttp makes a parsed message, a request, a task and some twenty calls, which is more than the hub itself
does for a post.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from aiohttp import web

PLAIN_BYTES = 16 << 10
"""A request that is longer is not looked at here."""

_PLAIN = frozenset(
    b"accept accept-encoding accept-language connection user-agent "
    b"authorization content-length content-type host".split()
)
"""Headers that change nothing about how a request is to be read, or that are looked at."""

_ODD = re.compile(rb"[^\x20-\x7e]")
_DIGITS = re.compile(rb"[0-9]{1,5}")


class Plain(NamedTuple):
    """A whole request: its first line but for the version, its headers by their names in lower case, and its body."""

    line: bytes
    fields: dict[bytes, bytes]
    body: bytes


class Pending(Protocol):
    """A request that was taken: what it waits for, and its answer after that."""

    done: asyncio.Future[Any]

    def answer(self, *, stays: bool) -> bytes:
        """The response, for a connection that `stays` open or does not."""
        ...


def plain(data: bytes) -> Plain | None:
    """The request that `data` is, no less and no more, if it is one that nobody could read in two ways."""
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank or len(data) > PLAIN_BYTES:
        return None
    line, *rest = head.split(b"\r\n")
    fields: dict[bytes, bytes] = {}
    for field in rest:
        name, colon, value = field.partition(b":")
        name = name.lower()
        if not colon or name not in _PLAIN or name in fields or _ODD.search(value):
            return None
        fields[name] = value.strip()
    request, _, version = line.rpartition(b" ")
    length = fields.get(b"content-length", b"0")
    if version != b"HTTP/1.1" or _ODD.search(request) or not _DIGITS.fullmatch(length) or int(length) != len(body):
        return None
    if fields.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    return Plain(request, fields, body)


class Connection(web.RequestHandler):
    """One client's connection. `take` begins to do what a plain request asks for, or does nothing and returns None."""

    __slots__ = ("_aligned", "_held", "_pending", "_take")

    def __init__(self, take: "Take", *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._take = take
        self._pending: Pending | None = None
        self._held = b""
        self._aligned = True
        """Whether aiohttp's parser saw nothing but plain requests, so that what comes next is the beginning of one."""

    @property
    def waits(self) -> bool:
        """Whether no whole request of it is here: before the first, between two, within a head or a body."""
        request = self._current_request
        return self._pending is None and (request is None or not request.content.is_eof())

    @property
    def in_body(self) -> bool:
        """Whether a head is here whose request is not answered yet."""
        return self._current_request is not None

    def data_received(self, data: bytes) -> None:
        """See asyncio. Requests are answered in the order in which they came, so what comes meanwhile is held."""
        if self._pending is not None:
            self._hold(data)
            return
        request = plain(data) if self._aligned and data else None
        if request is None:
            self._aligned = self._aligned and not data  # with nothing aiohttp has its parser go on
        elif self._is_idle():
            self._pending = self._take(self, request)
            if self._pending is not None:
                self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
                self._pending.done.add_done_callback(self._answer)
                return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """See asyncio. What was taken is given up, as aiohttp does with a request whose client has gone."""
        if self._pending is not None:
            self._pending.done.cancel()
        super().connection_lost(exc)

    def close(self) -> None:
        """Close after what is under way."""
        if self._pending is None:
            super().close()
        self._close = True

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Answer what is under way, and close."""
        if self._pending is not None:
            await asyncio.wait([self._pending.done], timeout=timeout)
        await super().shutdown(timeout)

    def _is_idle(self) -> bool:
        """Whether aiohttp waits for a request, has nothing more to answer, and the answers before are being read."""
        waiting = self._waiter is not None and not self._waiter.done()
        return waiting and not (self.writing_paused or self._close or self._force_close)

    def _hold(self, data: bytes) -> None:
        if not self._held:
            self._pause_transport_reading()
        self._held += data

    def _answer(self, done: asyncio.Future[Any]) -> None:
        pending, self._pending = self._pending, None
        if pending is None or done.cancelled():
            return
        answer = pending.answer(stays=not self._close)
        if self.transport is None:
            return
        self.transport.write(answer)
        held, self._held = self._held, b""
        if self._close:
            self.force_close()
        elif held:
            self._resume_transport_reading()
            self.data_received(held)


Take = Callable[[Connection, Plain], Pending | None]


class Runner(web.AppRunner):
    """Runs an application on such connections."""

    __slots__ = ("_take",)

    def __init__(self, app: web.Application, take: Take, **options: Any) -> None:
        super().__init__(app, **options)
        self._take = take

    @property
    def connections(self) -> list[Connection]:
        """Those that are open."""
        return list(self.server.connections) if self.server is not None else []  # type: ignore[arg-type]

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Reception(self._take, made)


class _Reception(web.Server):
    """Makes the connections."""

    def __init__(self, take: Take, like: web.Server) -> None:
        super().__init__(
            like.request_handler,
            request_factory=like.request_factory,
            handler_cancellation=like.handler_cancellation,
            **like._kwargs,  # noqa: SLF001 - there is no other way to have it make connections of our own
        )
        self._take = take

    def __call__(self) -> Connection:
        return Connection(self._take, self, loop=self._loop, **self._kwargs)
