"""The database as the core knows it: one writer's transaction, and reads on a few threads."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from server.core.changes import (
    Change,
    Committed,
    Decision,
    DropChannel,
    Entry,
    PutAgent,
    PutChannel,
    PutMember,
    PutSession,
    PutToken,
    Written,
)
from server.core.errors import Damaged, HubError
from server.core.model import Code, Message
from server.core.ports import Contents, Head, News, Span
from server.store import engine, reading
from server.store.checkpointing import Checkpoints
from server.store.committing import Committing
from server.store.failures import is_input_output, refusal_of, unsure
from server.store.journal import changes_after
from server.store.place import Place
from server.store.reach import Reach
from server.store.records import StoredRecords
from server.store.rows import agent_of, channel_of, code_of, entry_of, seat_of, session_of, token_of
from server.store.tables import agents, channels, codes, events, log_head, members, sessions, tokens

T = TypeVar("T")


class Database:
    """Fulfils `core.ports.Log` on SQLite or PostgreSQL."""

    def __init__(self, url: str, hub_id: str = "", cache_bytes: int = engine.CACHE_BYTES) -> None:
        self._writing = engine.writing(url, bounded=True, cache_bytes=cache_bytes)
        self._reading = engine.reading(url, cache_bytes)
        self.reach = Reach(self._writing, self._reading)
        self._readers = ThreadPoolExecutor(engine.READERS, thread_name_prefix="reader")
        self.records = StoredRecords(self._read)
        self.on_damage: Callable[[], None] = lambda: None
        """Called on any thread when the database turns out not to be whole."""
        self._epoch = ""
        self._file = self._writing.url.database if self._writing.dialect.name == "sqlite" else None
        self._place = Place(self._file)
        self._connection: Connection | None = None
        self._checkpoints = Checkpoints()
        self._committing = Committing(self._writing.dialect, hub_id)
        driver = self._writing.dialect.loaded_dbapi
        self._conflicts: tuple[type[Exception], ...] = (IntegrityError, driver.IntegrityError)
        self._failures: tuple[type[Exception], ...] = (DBAPIError, driver.Error)

    def close(self) -> None:
        """End threads and connections; the writer must have ended."""
        if self._connection is not None:
            self._connection.close()
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()

    def tell_others(self, tells: bool) -> None:
        """Whether each commit wakes the other hubs on this database; it costs something only while there are some."""
        self._committing.tells = tells

    # ---- writing, on the writer's thread

    def commit(self, decisions: Sequence[Decision], expected_seq: int, version: int | None = None) -> Committed:
        """See `core.ports.Log.commit`."""
        if not any(decision.changes or decision.events for decision in decisions):
            return Committed((), tuple(Written(()) for _ in decisions))
        known = None if self._file else version  # SQLite takes one hub: nobody overtakes
        try:
            return self._transact(decisions, expected_seq, known)
        except self._conflicts:
            # another hub took the same message id first: now it is there to be seen
            return self._transact_or_refuse(decisions, expected_seq, known)
        except self._failures as error:
            raise self._refusal(error) from error

    def _transact_or_refuse(self, decisions: Sequence[Decision], expected_seq: int, version: int | None) -> Committed:
        try:
            return self._transact(decisions, expected_seq, version)
        except self._failures as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> HubError:
        refusal = refusal_of(error)
        if isinstance(refusal, Damaged):
            self.on_damage()
        return refusal

    def _transact(self, decisions: Sequence[Decision], expected_seq: int, version: int | None) -> Committed:
        self.reach.require()
        if self._connection is None:
            self._connection = self._writing.connect()
        self._place.require()
        is_ending = False
        try:
            engine.begin(self._connection)
            committed = self._committing.commit(self._connection, decisions, expected_seq, version)
            is_ending = True
            engine.commit(self._connection)
        except self._failures as error:
            # whatever became of it, the next transaction begins on a connection that is whole
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
            if is_input_output(error):
                self._bury()
            if is_ending and not self._file:
                raise unsure() from error
            raise
        except BaseException:
            engine.rollback(self._connection)
            raise
        self._checkpoints.count()
        return committed

    def rest(self) -> None:
        """See `core.ports.Log.rest`."""
        if self._file is None or self._connection is None:
            return
        connection = self._connection.connection.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        try:
            self._checkpoints.rest(connection)
        except self._failures as error:
            self._refusal(error)  # of nobody's: what was stored is stored

    def _bury(self) -> None:
        """Overwrite a transaction that was refused because it could not be synced.

        It lies in the write-ahead log as if it were committed, and a hub that dies now would find it there. What is
        written over it needs no sync of its own, which would fail as well.
        """
        with suppress(*self._failures), closing(self._writing.raw_connection()) as pooled:
            connection = pooled.driver_connection
            assert isinstance(connection, sqlite3.Connection)
            for statement in ("PRAGMA synchronous=OFF", "UPDATE log_head SET seq = seq", "PRAGMA synchronous=FULL"):
                connection.execute(statement).close()

    # ---- reading, awaited on the event loop

    async def _read(self, work: Callable[[Connection], T]) -> T:
        asked = asyncio.get_running_loop().run_in_executor(self._readers, partial(self._with_connection, work))
        return await (asked if self._file else self.reach.wait(asked))

    def _with_connection(self, work: Callable[[Connection], T]) -> T:
        self.reach.require()
        try:
            with self._reading.connect() as connection:
                return work(connection)
        except self._failures as error:
            raise self._refusal(error) from error

    async def head(self) -> Head:
        """See `core.ports.Log.head`."""
        row = await self._read(lambda c: c.execute(_HEAD).one())
        self._epoch = row.epoch
        return Head(row.epoch, row.seq, row.oldest, row.indexed, row.newest_ms or 0)

    async def contents(self) -> Contents:
        """See `core.ports.Log.contents`."""
        return await self._read(_contents)

    async def news(self, seq: int, version: int, limit: int) -> News:
        """See `core.ports.Log.news`."""
        return await self._read(lambda c: _news(c, self._epoch, seq, version, limit))

    async def entries(self, after: int, until: int, limit: int) -> list[Entry]:
        """See `core.ports.Log.entries`."""
        query = select(events).where(events.c.seq > after, events.c.seq <= until).order_by(events.c.seq).limit(limit)
        return await self._read(lambda c: [entry_of(row, self._epoch) for row in c.execute(query)])

    async def message(self, message_id: str) -> Message | None:
        """See `core.ports.Log.message`."""
        return await self._read(lambda c: reading.message(c, message_id))

    async def history(self, channel_id: str, thread_id: str | None, span: Span) -> list[Message]:
        """See `core.ports.Log.history`."""
        return await self._read(lambda c: reading.history(c, channel_id, thread_id, span))

    async def password_hash(self, agent_id: str) -> str | None:
        """See `core.ports.Log.password_hash`."""
        query = select(agents.c.password_hash).where(agents.c.id == agent_id)
        return await self._read(lambda c: c.execute(query).scalar_one_or_none())

    async def code(self, digest: bytes, now_ms: int) -> Code | None:
        """See `core.ports.Log.code`."""
        query = select(codes).where(codes.c.digest == digest, codes.c.expires_at > now_ms)
        row = await self._read(lambda c: c.execute(query).first())
        return None if row is None else code_of(row)

    async def probe(self) -> str | None:
        """See `core.ports.Log.probe`."""
        try:
            await self.head()
        except HubError as error:
            return error.detail
        return self._place.amiss()

    def wal_bytes(self) -> int:
        """See `core.ports.Log.wal_bytes`."""
        return self._place.wal_bytes()

    def burden(self) -> str:
        """See `core.ports.Log.burden`."""
        return self._place.burden()


_ENDED = channels.c.deleted_at.is_not(None)
_SEATS = select(members).join(channels, channels.c.id == members.c.channel_id)
SEATS = 1000
"""So many memberships are read at a time: one by one they take half as long again, all at once they take memory."""

_VERSION = select(log_head.c.version).scalar_subquery()
_NEWEST = select(events.c.timestamp).where(events.c.seq == log_head.c.seq).scalar_subquery()
_HEAD = select(log_head, _NEWEST.label("newest_ms"))


def _news(connection: Connection, epoch: str, seq: int, version: int, limit: int) -> News:
    if connection.dialect.name != "sqlite":  # a statement sees one state of everything, and begins and ends by itself
        connection.execution_options(isolation_level="AUTOCOMMIT")
    query = select(events, _VERSION.label("version")).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
    rows = connection.execute(query).all()
    entries = [entry_of(row, epoch) for row in rows]
    present = rows[0].version if rows else connection.execute(select(_VERSION)).scalar_one()
    # read after the entries: the directory may be ahead of them, and never behind
    found = changes_after(connection, version) if present != version else []
    if found and found[0][0] != version + 1:
        connection.rollback()
        contents = _contents(connection)
        return News(entries, contents.changes, contents.version, whole=True)
    return News(entries, [change for _, change in found], found[-1][0] if found else version)


def _seats(connection: Connection, condition: ColumnElement[bool]) -> Iterator[PutMember]:
    """The memberships of these channels."""
    for rows in connection.execute(_SEATS.where(condition)).partitions(SEATS):
        yield from map(seat_of, rows)


def _contents(connection: Connection) -> Contents:
    if connection.dialect.name != "sqlite":  # where a transaction sees one state of everything anyway
        connection.execution_options(isolation_level="REPEATABLE READ")
    version = connection.execute(select(log_head.c.version)).scalar_one()
    living = select(agents).where(agents.c.removed_at.is_(None))
    # the ended ones first, since a living channel may have the name of one
    rooms = list(connection.execute(select(channels)))
    changes: list[Change] = [
        *(PutAgent(agent_of(row)) for row in connection.execute(living)),
        *(PutChannel(channel_of(row)) for row in rooms if row.deleted_at is not None),
        *_seats(connection, _ENDED),
        *(DropChannel(row.id, row.deleted_at) for row in rooms if row.deleted_at is not None),
        *(PutChannel(channel_of(row)) for row in rooms if row.deleted_at is None),
        *_seats(connection, ~_ENDED),
        *(PutToken(token_of(row), bytes(row.digest)) for row in connection.execute(select(tokens))),
        *(PutSession(session_of(row), bytes(row.digest)) for row in connection.execute(select(sessions))),
    ]
    return Contents(changes, version)
