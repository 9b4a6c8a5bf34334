"""Backups: taken while the hub runs, verified, tried out on a copy, and put back under a new epoch.

A SQLite database is copied by SQLite, a PostgreSQL one dumped by its own tools (`store.dumping`).
"""

import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import DBAPIError

from server.core.model import PROBE
from server.store import dumping, engine
from server.store.migrating import migrate, refuse_unknown
from server.store.tables import messages
from server.store.tools import BackupError

PATTERNS = ("hub-*.db", "hub-*.dump")
PARTS = ("", "-wal", "-shm")
"""One database is these three files."""


class Contents(Struct, frozen=True):
    """What is in a database, for a person who has to tell two apart; times in ms."""

    messages: int
    last_at: int | None

    def __str__(self) -> str:
        if self.last_at is None:
            return "no messages"
        shown = datetime.fromtimestamp(self.last_at / 1000).astimezone()
        return f"{self.messages} messages, the last of {shown:%Y-%m-%d %H:%M:%S}"


class Restored(NamedTuple):
    """What a restore did: where the replaced database lies (None where there was none), what was in it, and what is
    there now. `before` is None for one that could not be read.
    """

    replaced: Path | None
    before: Contents | None
    now: Contents


class Scratch(NamedTuple):
    """A copy of a backup for a hub to run on: its data directory, and the URL of its database."""

    data_dir: Path
    url: str


def backup(url: str, folder: Path) -> Path:
    """Copy the database as it is at this moment into `folder`, and verify the copy. Raises BackupError.

    The hub goes on writing meanwhile: the copy is one read transaction.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    suffix = "dump" if is_postgres(url) else "db"
    file = folder / f"hub-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.{suffix}"
    fresh = folder / f".{file.name}.new"
    try:
        if is_postgres(url):
            dumping.dump(url, fresh)
        else:
            _copy(file_of(url), fresh)
        verify(url, fresh)
        sync(fresh)
        fresh.rename(file)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"no backup was made: {error}") from None
    finally:
        fresh.unlink(missing_ok=True)
    return file


def prune(folder: Path, keep: int) -> None:
    """Drop all backups in `folder` but the newest `keep`, 0 keeps all; and what killed ones have left there."""
    found = sorted((file for pattern in PATTERNS for file in folder.glob(pattern)), key=lambda file: file.stem)
    for old in found[:-keep] if keep else ():
        old.unlink()
    long_ago_s = time.time() - dumping.LEFT_S
    for left in (*folder.glob(".trying-*"), *folder.glob(".hub-*.new")):
        if left.stat().st_mtime < long_ago_s:  # whoever made it was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()


@contextmanager
def scratch(url: str, file: Path) -> Iterator[Scratch]:
    """A copy of a backup of the database at `url`, beside it and gone afterwards. Raises BackupError.

    For PostgreSQL it is a database of its own on the same server; raises `dumping.NotAllowed` where the hub's user may
    not make one.
    """
    with tempfile.TemporaryDirectory(prefix=".trying-", dir=file.parent) as name:
        folder = Path(name)
        if is_postgres(url):
            with dumping.scratch_database(url) as copy:
                dumping.load(copy, file, into=folder)
                yield Scratch(folder, copy)
        else:
            try:
                shutil.copyfile(file, folder / "hub.db")
            except OSError as error:
                raise BackupError(f"{file} could not be tried out: {error}") from None
            yield Scratch(folder, f"sqlite:///{folder / 'hub.db'}")


def restore(url: str, file: Path, data_dir: Path) -> Restored:
    """Put a backup in the database's place, brought to this version's schema, with an epoch of its own, so that every
    reader starts afresh. What it replaced lies beside it, or for PostgreSQL as a dump in `data_dir`.

    Nobody else may have the database open. Raises BackupError.
    """
    verify(url, file)
    before = contents(url)
    try:
        replaced = _restore_postgres(url, file, data_dir) if is_postgres(url) else _restore_sqlite(url, file)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"{file} was not restored: {error}") from None
    return Restored(replaced, before, contents(url) or Contents(0, None))


def _restore_sqlite(url: str, file: Path) -> Path | None:
    place = file_of(url)
    fresh = place.with_name(f".{place.name}.restored")
    try:
        shutil.copyfile(file, fresh)
        migrate(f"sqlite:///{fresh}")
        with closing(sqlite3.connect(fresh)) as copy:
            copy.execute("UPDATE log_head SET epoch = ?", (secrets.token_hex(4),)).close()
            copy.commit()
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        sync(fresh)
        replaced = _set_aside(place)
        fresh.rename(place)
    finally:
        for part in PARTS:
            fresh.with_name(fresh.name + part).unlink(missing_ok=True)
    return replaced


def _restore_postgres(url: str, file: Path, data_dir: Path) -> Path:
    # Looked at before anything is touched: here there is no copy that could be migrated first.
    refuse_unknown(dumping.revision_of(file))
    dumping.refuse_in_use(url)
    replaced = data_dir / f"hub-before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    dumping.dump(url, replaced)
    dumping.load(url, file, into=data_dir, epoch=secrets.token_hex(4))
    migrate(url)
    return replaced


def contents(url: str) -> Contents | None:
    """What is in the database; None for one that is not there or cannot be read."""
    if not is_postgres(url) and not file_of(url).is_file():
        return None
    said = select(func.count(), func.max(messages.c.timestamp)).where(messages.c.sender_id != PROBE)
    reading = engine.reading(url)
    try:
        with reading.connect() as connection:
            count, last_at = connection.execute(said).one()
    except DBAPIError:
        return None
    finally:
        reading.dispose()
    return Contents(count, last_at)


def is_postgres(url: str) -> bool:
    """Whether the database is a PostgreSQL."""
    return make_url(url).get_backend_name() == "postgresql"


def file_of(url: str) -> Path:
    """The file of a SQLite database."""
    return Path(make_url(url).database or "")


def _copy(source: Path, fresh: Path) -> None:
    if not source.is_file():
        raise BackupError(f"there is no database {source} to back up")
    # Read-only, so that it never checkpoints: before SQLite 3.51.3 two connections that do can lose commits.
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live, closing(_opened(fresh)) as copy:
        live.backup(copy)
        # One file that holds everything, rather than one that a missing -wal would cut short.
        copy.execute("PRAGMA journal_mode=DELETE").close()


def _opened(file: Path) -> sqlite3.Connection:
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    return sqlite3.connect(file)


def verify(url: str, file: Path) -> None:
    """Raise BackupError for a file that is no whole backup of a database of this kind."""
    if not file.is_file():
        raise BackupError(f"there is no file {file}")
    if is_postgres(url):
        dumping.verify(file)
        return
    if file.with_name(f"{file.name}-wal").exists():
        raise BackupError(f"{file} has a -wal beside it, so it is a database in use and no backup")
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as copy:
            said = copy.execute("PRAGMA integrity_check").fetchone()[0]
            heads = copy.execute("SELECT count(*) FROM log_head").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupError(f"{file} is no database of a hub: {error}") from None
    if said != "ok" or heads != 1:
        raise BackupError(f"{file} is damaged: {said}")


def _set_aside(place: Path) -> Path | None:
    if not place.exists():
        return None
    aside = place.with_name(f"{place.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    for part in PARTS:
        old = place.with_name(place.name + part)
        if old.exists():
            old.rename(aside.with_name(aside.name + part))
    return aside


def sync(file: Path) -> None:
    """Wait until a file and its name are on the disk."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
