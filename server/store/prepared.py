"""Statements of the hot path: written with SQLAlchemy, compiled once, run on the driver's own cursor.

Executing through SQLAlchemy costs some 60 µs a statement, which is most of what a small transaction takes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Dialect
from sqlalchemy.sql import ClauseElement

Row = Mapping[str, Any]


class Cursor(Protocol):
    """The part of a DB-API cursor that is used."""

    def execute(self, sql: str, parameters: Any, /) -> object:
        """Run once."""

    def executemany(self, sql: str, parameters: Any, /) -> object:
        """Run for each."""

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """Every row."""


class Prepared:
    """A statement with named parameters, for one dialect. `columns` are those that an insert fills."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, columns: Sequence[str] | None = None) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self._sql = str(compiled)
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)

    def run(self, cursor: Cursor, row: Row) -> Sequence[tuple[Any, ...]]:
        """Run it and read every row; one left unread would make SQLite's COMMIT fail."""
        cursor.execute(self._sql, self._bound(row))
        return cursor.fetchall()

    def run_for_each(self, cursor: Cursor, rows: Sequence[Row]) -> None:
        """Run it once for each row, without results."""
        cursor.executemany(self._sql, [self._bound(row) for row in rows])

    def _bound(self, row: Row) -> Any:
        return row if self._order is None else [row[name] for name in self._order]
