"""Backups of the SQLite database: taken while the hub runs, verified, and put back under a new epoch."""

import os
import secrets
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from server.store.migrating import migrate

PATTERN = "hub-*.db"
PARTS = ("", "-wal", "-shm")
"""One database is these three files."""


class BackupError(Exception):
    """A backup cannot be made or used; nothing was changed."""


def backup(url: str, folder: Path, keep: int) -> Path:
    """Copy the database as it is at this moment into `folder`, verify the copy, and drop all but the newest `keep`.

    The hub goes on writing meanwhile: the copy is one read transaction. Raises BackupError.
    """
    source = _file_of(url)
    if not source.is_file():
        raise BackupError(f"there is no database {source} to back up")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"hub-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.db"
    fresh = folder / f".{file.name}.new"
    try:
        # Read-only, so that it never checkpoints: before SQLite 3.51.3 two connections that do can lose commits.
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live, closing(_opened(fresh)) as copy:
            live.backup(copy)
            # One file that holds everything, rather than one that a missing -wal would cut short.
            copy.execute("PRAGMA journal_mode=DELETE").close()
        _verify(fresh)
        _sync(fresh)
        fresh.rename(file)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"no backup was made: {error}") from None
    finally:
        fresh.unlink(missing_ok=True)
    for old in sorted(folder.glob(PATTERN))[:-keep] if keep else ():
        old.unlink()
    return file


def restore(url: str, file: Path) -> Path | None:
    """Put a backup in the database's place, brought to this version's schema, with an epoch of its own, so that every
    reader starts afresh. Where the replaced database lies now; None when there was none. Raises BackupError.

    Nobody else may have the database open.
    """
    place = _file_of(url)
    fresh = place.with_name(f".{place.name}.restored")
    try:
        _verify(file)
        shutil.copyfile(file, fresh)
        migrate(f"sqlite:///{fresh}")
        with closing(_opened(fresh)) as copy:
            copy.execute("UPDATE log_head SET epoch = ?", (secrets.token_hex(4),)).close()
            copy.commit()
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        _sync(fresh)
        replaced = _set_aside(place)
        fresh.rename(place)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"{file} was not restored: {error}") from None
    finally:
        for part in PARTS:
            fresh.with_name(fresh.name + part).unlink(missing_ok=True)
    return replaced


def _file_of(url: str) -> Path:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise BackupError("this hub's database is a PostgreSQL: back it up and restore it with pg_dump and pg_restore")
    return Path(parsed.database)


def _opened(file: Path) -> sqlite3.Connection:
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    return sqlite3.connect(file)


def _verify(file: Path) -> None:
    """Raise BackupError for a file that is no whole database of a hub."""
    if not file.is_file():
        raise BackupError(f"there is no file {file}")
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


def _sync(file: Path) -> None:
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
