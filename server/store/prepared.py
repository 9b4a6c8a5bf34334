"""Statements of the hot path: written with SQLAlchemy, compiled once, run on the driver's own cursor.

Executing through SQLAlchemy costs some 60 µs a statement, which is most of what a small transaction takes.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import Dialect, Table
from sqlalchemy.sql import ClauseElement

Row = Mapping[str, Any]
Values = tuple[Any, ...]

TOGETHER = (64, 32, 16, 8, 4, 2, 1)
"""How many rows one statement is for: any number of rows takes a few of these, and all of them stay prepared."""


class Cursor(Protocol):
    """The part of a DB-API cursor that is used."""

    def execute(self, sql: str, parameters: Any, /) -> object:
        """Run once."""

    def fetchall(self) -> Sequence[Values]:
        """Every row."""


class Prepared:
    """A statement with named parameters, for one dialect."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)

    def run(self, cursor: Cursor, row: Row) -> Sequence[Values]:
        """Run it and read every row; one left unread would make SQLite's COMMIT fail."""
        self.change(cursor, row)
        return cursor.fetchall()

    def change(self, cursor: Cursor, row: Row) -> None:
        """Run what has no rows."""
        cursor.execute(self._sql, row if self._order is None else [row[name] for name in self._order])


class Several:
    """A statement for several rows at once: each hands Python's lock over on SQLite, and asks a server on PostgreSQL.

    `row` is what stands for one row, between `before` and `after`.
    """

    def __init__(self, before: str, row: str, after: str = "") -> None:
        self._statements = tuple((count, f"{before}{', '.join([row] * count)}{after}") for count in TOGETHER)

    @classmethod
    def insert(cls, table: Table, dialect: Dialect, columns: Sequence[str]) -> "Several":
        """New rows of a table, with values for these columns, in this order."""
        placeholders = ", ".join([placeholder(dialect)] * len(columns))
        names = dialect.identifier_preparer
        quoted = ", ".join(names.quote(name) for name in columns)
        head = f"INSERT INTO {names.format_table(table)} ({quoted})"
        return cls(f"{head} VALUES ", f"({placeholders})")

    def run(self, cursor: Cursor, rows: Sequence[Values]) -> list[Values]:
        """Run it and read what comes of all the rows, in any order."""
        return [found for _ in self._parts(cursor, rows) for found in cursor.fetchall()]

    def change(self, cursor: Cursor, rows: Sequence[Values]) -> None:
        """Run what has no rows."""
        for _ in self._parts(cursor, rows):
            pass

    def _parts(self, cursor: Cursor, rows: Sequence[Values]) -> Iterator[None]:
        done = 0
        for count, sql in self._statements:
            while len(rows) - done >= count:
                cursor.execute(sql, tuple(chain.from_iterable(rows[done : done + count])))
                done += count
                yield


def placeholder(dialect: Dialect) -> str:
    """What stands for a value in a statement."""
    return "?" if dialect.name == "sqlite" else "%s"
