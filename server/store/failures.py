"""What a database's failure means for who asked: a full disk, damage, or out of reach for now."""

import sqlite3

from sqlalchemy.exc import DBAPIError

from server.core.errors import Damaged, HubError, StorageFull, Unavailable

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_TABLE = "no such table"
"""SQLite's word for it, which has no code of its own."""

_UNDEFINED_TABLE = "42P01"
_FULL_DISK = "53100"
"""PostgreSQL's words."""


def refusal_of(error: Exception) -> HubError:
    """The answer to whoever asked."""
    if is_damage(error):
        return Damaged()
    if _sqlite_code(error) == sqlite3.SQLITE_FULL or _state(error) == _FULL_DISK:
        return StorageFull("storage_full", "the disk is full; nothing was stored, free some space and send it again")
    return Unavailable("storage_failed", "the database did not take it; nothing was stored, send it again")


def is_damage(error: Exception) -> bool:
    """Whether the file is no whole database, or lacks a table, which no later try will find."""
    if _sqlite_code(error) in _DAMAGE or _state(error) == _UNDEFINED_TABLE:
        return True
    return _sqlite_code(error) == sqlite3.SQLITE_ERROR and str(_original(error)).startswith(_NO_TABLE)


def is_input_output(error: Exception) -> bool:
    """Whether the disk itself failed."""
    return _sqlite_code(error) == sqlite3.SQLITE_IOERR


def _sqlite_code(error: Exception) -> int:
    """SQLite's primary result code; 0 when it has none."""
    return (getattr(_original(error), "sqlite_errorcode", None) or 0) & 0xFF


def _state(error: Exception) -> str | None:
    """PostgreSQL's code; None when it has none."""
    state: str | None = getattr(_original(error), "sqlstate", None)
    return state


def _original(error: Exception) -> object:
    """What the driver raised."""
    return error.orig if isinstance(error, DBAPIError) else error


def unsure() -> Unavailable:
    """What is answered when a transaction was ended and the database did not say how."""
    words = "the database did not say whether it took it; send it again, with the same id if it has one"
    return Unavailable("storage_unsure", words)
