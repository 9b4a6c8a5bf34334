"""Snapshots: the database exactly as it lies while no hub has it open, taken before another version opens it.

A revert puts it back byte for byte, under the same epoch: it is for a version that nobody but its tester has spoken to.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.exc import DBAPIError

from server.core.clock import now_ms
from server.core.model import PROBE
from server.store import dumping, engine
from server.store.backing import PARTS, file_of, is_postgres, sync
from server.store.tables import audit, events, log_head, sessions, tokens
from server.store.tools import BackupError

MANIFEST = "manifest.json"
SPOKEN = ("channel.message", "thread.message", "agent.direct_message")


class Manifest(msgspec.Struct, frozen=True):
    """Where the log stood, when (ms), and for PostgreSQL which tables were not the hub's."""

    at: int
    seq: int
    audit: int
    others: list[str]


class Since(msgspec.Struct, frozen=True):
    """What was written after a snapshot by anybody but the hub itself: messages, other events, and what leaves no event
    (accounts, tokens, sign-ins). `at` is when the snapshot was taken, ms.
    """

    at: int
    messages: int
    events: int
    accounts: int


def snapshot(url: str, folder: Path) -> None:
    """Copy the database into `folder`, which is there afterwards as a whole or not at all. Raises BackupError.

    Nobody may have the database open.
    """
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    try:
        manifest = _manifest(url)
        if is_postgres(url):
            dumping.refuse_in_use(url)
            dumping.dump(url, fresh / "hub.dump")
        else:
            _copy(file_of(url), fresh / "hub.db")
        (fresh / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        for file in fresh.iterdir():
            sync(file)
        fresh.rename(folder)
        sync(folder)
    except (OSError, sqlite3.Error, DBAPIError) as error:
        raise BackupError(f"no snapshot was taken, and nothing was changed: {error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def revert(url: str, folder: Path) -> None:
    """Put the snapshot back as it was taken; as often as one likes, as long as no hub has run on it since.

    Raises BackupError.
    """
    manifest = _read(folder)
    try:
        if is_postgres(url):
            dumping.refuse_in_use(url)
            came = frozenset(dumping.others(url)) - frozenset(manifest.others)
            dumping.load(url, folder / "hub.dump", into=folder.parent, came=came)
        else:
            _put_back(folder / "hub.db", file_of(url))
    except OSError as error:
        raise BackupError(f"the snapshot {folder} could not be put back: {error}") from None


def since(url: str, folder: Path) -> Since:
    """What people and agents wrote after the snapshot; the database is only read. Raises BackupError."""
    manifest = _read(folder)
    reading = engine.reading(url)
    try:
        with reading.connect() as connection:
            spoken = events.c.type.in_(SPOKEN)
            by_itself = events.c.type.in_(("agent.joined", "agent.left")) | events.c.type.startswith("system.")
            fresh = (events.c.seq > manifest.seq) & (events.c.sender_id != PROBE)
            return Since(
                manifest.at,
                _count(connection, fresh & spoken),
                _count(connection, fresh & ~spoken & ~by_itself),
                _count(connection, audit.c.id > manifest.audit)
                + _count(connection, sessions.c.created_at > manifest.at)
                + _count(connection, tokens.c.created_at > manifest.at),
            )
    except DBAPIError as error:
        raise BackupError(f"the database cannot be read: {error.orig}") from None
    finally:
        reading.dispose()


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(condition)).scalar_one())


def _manifest(url: str) -> Manifest:
    if not is_postgres(url) and not file_of(url).is_file():
        raise BackupError(f"there is no database {file_of(url)}")
    reading = engine.reading(url)
    try:
        with reading.connect() as connection:
            seq = connection.execute(select(log_head.c.seq)).scalar_one()
            last = connection.execute(select(func.max(audit.c.id))).scalar_one() or 0
    finally:
        reading.dispose()
    return Manifest(now_ms(), seq, last, dumping.others(url) if is_postgres(url) else [])


def _read(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupError(f"{folder} is no snapshot: {error}") from None


def _copy(place: Path, copy: Path) -> None:
    """The database as one file: what a hub that was killed left in its -wal is taken into the database first, as the
    next start would.
    """
    if place.with_name(f"{place.name}-wal").exists():
        with closing(sqlite3.connect(place)) as left:
            is_busy = left.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if is_busy:
            raise BackupError("no snapshot was taken, and nothing was changed: somebody reads the database, try again")
    shutil.copyfile(place, copy)


def _put_back(copy: Path, place: Path) -> None:
    fresh = place.with_name(f".{place.name}.reverting")
    fresh.unlink(missing_ok=True)
    # The same file under two names, so that it takes neither time nor room, and an interruption leaves the snapshot.
    os.link(copy, fresh)
    # First what belongs to the database that goes: beside the other one it would damage it.
    for part in PARTS[1:]:
        place.with_name(place.name + part).unlink(missing_ok=True)
    fresh.rename(place)
    fresh.unlink(missing_ok=True)  # where both were one file already, renaming does nothing
    sync(place)
