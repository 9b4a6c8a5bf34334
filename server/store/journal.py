"""The changes of the directory as rows: what a hub on a PostgreSQL writes for the others, and how they read it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Row, bindparam, delete, select

from server.core.changes import Decision, DirectoryChange
from server.store.prepared import Cursor, Prepared, Several
from server.store.tables import changes

KEPT = 10_000
"""Changes that stay; who is further behind takes the directory over as a whole."""

_decode = msgspec.msgpack.decode
_encode = msgspec.msgpack.encode
_KINDS = {kind.__name__: kind for kind in DirectoryChange.__subclasses__()}


class Journal:
    """Writes changes under their numbers. On SQLite, which takes one hub, there is nobody to write them for."""

    def __init__(self, dialect: Dialect) -> None:
        self._kept = dialect.name != "sqlite"
        self._add = Several.insert(changes, dialect, ("number", "kind", "body"))
        self._prune = Prepared(delete(changes).where(changes.c.number <= bindparam("oldest")), dialect)

    def of(self, decisions: Sequence[Decision]) -> list[DirectoryChange]:
        """The changes that the other hubs must follow, in order."""
        if not self._kept:
            return []
        return [change for decision in decisions for change in decision.changes if isinstance(change, DirectoryChange)]

    def add(self, cursor: Cursor, first: int, found: Sequence[DirectoryChange]) -> None:
        """Write them, the first one under this number, and let old ones go."""
        rows = [(number, type(change).__name__, _encode(change)) for number, change in enumerate(found, first)]
        self._add.change(cursor, rows)
        self._prune.change(cursor, {"oldest": first - KEPT})


def changes_after(connection: Connection, version: int) -> list[tuple[int, DirectoryChange]]:
    """What changed since this version, with its numbers."""
    query = select(changes).where(changes.c.number > version).order_by(changes.c.number)
    return [(row.number, _change_of(row)) for row in connection.execute(query)]


def _change_of(row: Row[Any]) -> DirectoryChange:
    change: DirectoryChange = _decode(bytes(row.body), type=_KINDS[row.kind])
    return change
