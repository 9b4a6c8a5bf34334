"""Whether the database is within reach, and letting go of a PostgreSQL that no longer answers.

A server that is frozen or cut off closes nothing: whoever waits for it would wait for ever. Shutting the sockets down
ends the waiting with an error, whichever thread it is in.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Engine, event

from server.core.errors import Unavailable

T = TypeVar("T")


class Reach:
    """The open connections of some engines, and what stands between the hub and its database; "" for nothing."""

    def __init__(self, *engines: Engine) -> None:
        self.lost = ""
        self._connections: WeakSet[Any] = WeakSet()
        self._losing: asyncio.Future[None] | None = None
        for engine in engines:
            if engine.dialect.name != "sqlite":
                event.listen(engine, "connect", self._opened)

    def _opened(self, connection: object, _record: object) -> None:
        self._connections.add(connection)

    def require(self) -> None:
        """Raise Unavailable while the database is out of reach: nobody waits for it then."""
        if self.lost:
            raise Unavailable("storage_failed", f"{self.lost}; nothing was stored, send it again")

    async def wait(self, asked: asyncio.Future[T]) -> T:
        """What a thread was asked for; Unavailable as soon as the database is lost, though the thread may still try."""
        if self._losing is None:
            self._losing = asyncio.get_running_loop().create_future()
        either: set[asyncio.Future[Any]] = {asked, self._losing}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            asked.add_done_callback(asyncio.Future.exception)  # nobody waits for it any more
            self.require()
        return await asked

    def lose(self, why: str) -> None:
        """Give every connection up; who waits on one hears so at once."""
        self.lost = why
        losing, self._losing = self._losing, None
        if losing is not None:
            losing.set_result(None)
        for connection in list(self._connections):
            cut(connection)

    def regain(self) -> None:
        """The database answers again."""
        self.lost = ""


def cut(connection: Any) -> None:
    """Shut the socket of a psycopg connection down; it stays for its owner to close."""
    with suppress(Exception):  # closed, or closing at this moment
        if not connection.closed:
            with socket.socket(fileno=socket.dup(connection.fileno())) as own:
                own.shutdown(socket.SHUT_RDWR)
