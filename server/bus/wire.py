"""A connection to Redis that the client library opens and signs in on, and that is used without it from then on.

The library spends a task and several turns of the loop on each exchange and a coroutine on each reply. Here bytes go
straight to the socket, and what comes is parsed by hiredis and handed on in the turn in which it comes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import hiredis
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import InvalidResponse, ResponseError

from server.bus.link import Link

Command = tuple[bytes, ...]


class Opened(Protocol):
    """The part of redis-py's connection that is used."""

    _writer: asyncio.StreamWriter | None

    async def connect(self) -> None:
        """Open it, with name and password said."""

    async def disconnect(self, nowait: bool = False) -> None:
        """Close it."""


class _Asked:
    """Commands under way, with the answers that have come so far."""

    __slots__ = ("answers", "count", "done")

    def __init__(self, count: int) -> None:
        self.count = count
        self.answers: list[Any] = []
        self.done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()


class Wire(asyncio.Protocol):
    """One open connection. `lost` fails when it is over; `on_reply` gets what comes without having been asked for."""

    def __init__(self, opened: Opened, on_reply: Callable[[object], None]) -> None:
        self._opened = opened
        self._on_reply = on_reply
        self._asked: deque[_Asked] = deque()
        self._reader = hiredis.Reader(protocolError=InvalidResponse, replyError=ResponseError)
        if opened._writer is None:  # noqa: SLF001 - the library has no other way to hand its connection over
            raise Disconnected("Redis hung up")
        self._transport = opened._writer.transport  # noqa: SLF001
        self._transport.set_protocol(self)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, link: Link, on_reply: Callable[[object], None] = lambda _reply: None) -> "Wire":
        """Connect. Raises RedisError, OSError, TimeoutError."""
        opened: Opened = link.client.connection_pool.make_connection()
        try:
            await opened.connect()
            return cls(opened, on_reply)
        except BaseException:
            await opened.disconnect(nowait=True)
            raise

    def send(self, commands: Sequence[Command]) -> None:
        """Send commands whose replies are for `on_reply`."""
        if self._transport.is_closing():
            raise Disconnected("Redis hung up")
        self._transport.write(b"".join(map(packed, commands)))

    def exchange(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """Send commands; the future has an answer for each, an error among them as a value."""
        self.send(commands)
        self._asked.append(_Asked(len(commands)))
        return self._asked[-1].done

    async def close(self) -> None:
        """Hang up, without waiting for a server that takes nothing."""
        self._transport.abort()
        await self._opened.disconnect(nowait=True)

    # ---- what the connection tells

    def data_received(self, data: bytes) -> None:
        """Hand on every reply that is whole."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._take(reply)
        except InvalidResponse:
            self._transport.abort()

    def _take(self, reply: object) -> None:
        if not self._asked:
            self._on_reply(reply)
            return
        asked = self._asked[0]
        asked.answers.append(reply)
        if len(asked.answers) == asked.count:
            self._asked.popleft()
            if not asked.done.done():
                asked.done.set_result(asked.answers)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell everybody who waits."""
        waiting: list[asyncio.Future[Any]] = [self.lost, *(asked.done for asked in self._asked)]
        self._asked.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(Disconnected(str(error or "Redis hung up")))
                future.exception()  # who has gone meanwhile need not be told


def packed(command: Command) -> bytes:
    """The command in the protocol of Redis."""
    return b"*%d\r\n%b" % (len(command), b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in command))
