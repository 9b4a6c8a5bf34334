"""Connections: how SQLite and PostgreSQL are opened, for the one writer and for the readers."""

import re
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

READERS = 4
"""Threads, and connections, that read at the same time."""

LOCK_WAIT_S = 5

CONNECT_S = 2
"""How long a PostgreSQL may take to let the hub in; libpq knows no shorter time."""

HELD_S = 60.0
"""How long a reader or a tool of PostgreSQL's waits for a table that somebody else holds; it would wait for ever."""

COUNTER_WAIT_MS = 1000
"""How long a transaction waits for the counter, which somebody else holds."""

PAUSE_MS = 700
"""How long a hub may leave its transaction alone before PostgreSQL ends it: one that was cut off in the middle would
hold the counter, and with it all the other hubs, for as long as the kernel believes in its connection."""

WAL_PAGES = 7000
"""Pages in the write-ahead log, 28 MB, at which a hub that is never quiet checkpoints within a commit all the same; who
writes meanwhile waits for five syncs at worst, so it is seldom (see `store.checkpointing`)."""

WAL_BYTES = 32 << 20
"""What is left of the write-ahead log's file after a checkpoint; a long reader may make it grow for a while."""

ANALYSED_ROWS = "400"
"""Rows that PRAGMA optimize looks at; by itself it reads whole indexes while everybody waits: half a second of a
million messages."""

_SQLITE = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": f"{LOCK_WAIT_S * 1000}",
    "temp_store": "MEMORY",
}

_READER = {
    "default_transaction_read_only": "on",
    "lock_timeout": f"{HELD_S * 1000:.0f}",
    "random_page_cost": "1.1",
    "jit": "off",
}
"""On a solid disk, mostly in memory, a page is as near as the next one. As it is shipped PostgreSQL thinks of turning
disks, and walks through all that was ever said for a word that was said ten times. What it would compile for long
questions takes longer than ours do."""

CACHE_BYTES = 8 << 20
"""What each connection to an SQLite keeps of its pages, where there is enough memory."""


def writing(url: str, *, bounded: bool = False, cache_bytes: int = CACHE_BYTES) -> Engine:
    """An engine with a single connection, whose transactions take the write lock when they begin.

    `bounded` is for the hub's own short ones on a PostgreSQL, where they neither wait nor pause for long.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() != "sqlite":
        engine = _postgres_engine(parsed, 1)
        if bounded:
            times = {"lock_timeout": f"{COUNTER_WAIT_MS}", "idle_in_transaction_session_timeout": f"{PAUSE_MS}"}
            _session(engine, times)
        return engine
    engine = create_engine(parsed, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False})
    # auto_vacuum is heeded in a database without tables only, and must come first: freed pages can then be given back a
    # few at a time. It is no reader's, since saying it writes to the file.
    bounds = {
        "wal_autocheckpoint": f"{WAL_PAGES}",
        "journal_size_limit": str(WAL_BYTES),
        "analysis_limit": ANALYSED_ROWS,
    }
    bounds |= _cache(cache_bytes)
    _pragmas(engine, {"auto_vacuum": "INCREMENTAL", **_SQLITE, **bounds})
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reading(url: str, cache_bytes: int = CACHE_BYTES) -> Engine:
    """An engine for readers, which cannot write."""
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() != "sqlite":
        engine = _postgres_engine(parsed, READERS)
        _session(engine, _READER)
        return engine
    engine = create_engine(parsed, pool_size=READERS, max_overflow=0, connect_args={"check_same_thread": False})
    # only the writer checkpoints: two connections that do can lose commits in SQLite before 3.51.3
    _pragmas(engine, {**_SQLITE, **_cache(cache_bytes), "query_only": "ON", "wal_autocheckpoint": "0"})
    event.listen(engine, "begin", _begin_deferred)
    return engine


def postgres_driver(url: str) -> tuple[Any, dict[str, Any]] | None:
    """The module psycopg, which a hub on SQLite does not load, and what it connects with; None for a SQLite."""
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        return None
    dialect = parsed.get_dialect()
    return dialect.import_dbapi(), {**dialect().create_connect_args(parsed)[1], **_postgres(parsed)}


def _cache(size_bytes: int) -> dict[str, str]:
    return {"cache_size": f"-{size_bytes >> 10}"}


def _with_driver(url: URL) -> URL:
    if re.fullmatch(r"postgres(ql)?", url.drivername):
        return url.set(drivername="postgresql+psycopg")
    return url


def _postgres(url: URL) -> dict[str, Any]:
    return {"connect_timeout": CONNECT_S, "application_name": "openclaw-hub", **dict(url.query)}


def _postgres_engine(url: URL, size: int) -> Engine:
    return create_engine(url, pool_size=size, max_overflow=0, pool_pre_ping=True, connect_args=_postgres(url))


def _session(engine: Engine, settings: dict[str, str]) -> None:
    """Each connection begins with these settings, said in SQL: a pooler such as pgbouncer takes none at its start."""
    words = "; ".join(f"SET {name} = {value}" for name, value in settings.items())

    def on_connect(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(words)
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", on_connect)


def _pragmas(engine: Engine, pragmas: dict[str, str]) -> None:
    def on_connect(connection: SqliteConnection, _record: object) -> None:
        # the driver's own transactions begin late and read-only; ours begin where SQLAlchemy says
        connection.isolation_level = None
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name}={value}").close()

    event.listen(engine, "connect", on_connect)


def begin(connection: Connection) -> None:
    """Begin the writer's transaction by hand: SQLAlchemy's own way costs more than a lone message's rows."""
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]


def commit(connection: Connection) -> None:
    """End it; where statements went through SQLAlchemy meanwhile, it is told."""
    if connection.in_transaction():
        connection.commit()
    else:
        connection.connection.commit()


def rollback(connection: Connection) -> None:
    """Undo it."""
    connection.rollback()
    connection.connection.rollback()


def _begin_immediate(connection: Connection) -> None:
    if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
