"""Whether the database is within reach, and letting go of a PostgreSQL that no longer answers.

A server that is frozen or cut off closes nothing: whoever waits for it would wait for ever. Shutting the sockets down
ends the waiting with an error, whichever thread it is in.
"""

import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event

from server.core.errors import Unavailable


class Reach:
    """The open connections of some engines, and what stands between the hub and its database; "" for nothing."""

    def __init__(self, *engines: Engine) -> None:
        self.lost = ""
        self._connections: WeakSet[Any] = WeakSet()
        for engine in engines:
            if engine.dialect.name != "sqlite":
                event.listen(engine, "connect", self._opened)

    def _opened(self, connection: object, _record: object) -> None:
        self._connections.add(connection)

    def require(self) -> None:
        """Raise Unavailable while the database is out of reach: nobody waits for it then."""
        if self.lost:
            raise Unavailable("storage_failed", f"{self.lost}; nothing was stored, send it again")

    def lose(self, why: str) -> None:
        """Give every connection up; who waits on one hears so at once."""
        self.lost = why
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
