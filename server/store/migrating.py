"""Bringing a database to the schema of this version, and never touching one that is newer."""

import secrets
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from msgspec import Struct
from sqlalchemy import Connection, func, insert, make_url, select
from sqlalchemy.exc import DBAPIError

from server.core.errors import Damaged
from server.store import engine
from server.store.failures import is_damage
from server.store.tables import log_head

MIGRATIONS = Path(__file__).parent / "migrations"

MIGRATING = 0x6F70656E636C6177
"""The advisory lock of PostgreSQL that whoever migrates holds."""


class SchemaTooNew(Exception):
    """The database was written by a later version of the hub; nothing was touched."""


class NoWayBack(Exception):
    """A migration cannot be taken back without losing what people wrote; nothing was touched."""


class Schema(Struct, frozen=True):
    """How this version stands to a database.

    `head` is the revision that this version works with, `known` are all that it can start from; `present` is the
    database's (None for an empty one), and `back` are those to which this version can take the database back, with
    everything that people wrote.
    """

    head: str
    known: list[str]
    present: str | None
    back: list[str]


def migrate(url: str, until: str = "head") -> None:
    """Make the schema this version's (or that of an earlier revision), in one transaction; a fresh one gets its epoch.

    Raises SchemaTooNew when the database knows a revision that this version does not, NoWayBack when `until` lies
    behind a migration that has no way back, Damaged when the database is not whole.
    """
    scripts, configuration = _scripts()
    writing = engine.writing(url)
    try:
        with writing.begin() as connection:
            if connection.dialect.name != "sqlite":
                # several hubs may start at the same moment
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
            present = MigrationContext.configure(connection).get_current_revision()
            if present != scripts.get_current_head() or until != "head":
                _refuse_newer(scripts, present)
                configuration.attributes["connection"] = connection
                if until in _behind(scripts, present):
                    _take_back(scripts, configuration, present, until)
                else:
                    command.upgrade(configuration, until)
            _begin_log(connection)
    except (DBAPIError, sqlite3.DatabaseError) as error:
        if is_damage(error):
            raise Damaged from error
        raise
    finally:
        writing.dispose()


def schema(url: str) -> Schema:
    """How this version stands to the database at `url`, which is only read."""
    scripts, _ = _scripts()
    present = _present(url)
    known = [script.revision for script in scripts.walk_revisions()]
    return Schema(str(scripts.get_current_head()), known, present, _within_reach(scripts, present))


def _present(url: str) -> str | None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        return None  # looking would make an empty one
    reading = engine.reading(url)
    try:
        with reading.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        reading.dispose()


def _scripts() -> tuple[ScriptDirectory, Config]:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(configuration), configuration


def refuse_unknown(revision: str | None) -> None:
    """Raise SchemaTooNew for a revision that this version does not know."""
    _refuse_newer(_scripts()[0], revision)


def _refuse_newer(scripts: ScriptDirectory, present: str | None) -> None:
    try:
        if present is not None:
            scripts.get_revision(present)
    except CommandError:
        raise SchemaTooNew(
            f"the database has schema {present}, which this version does not know; "
            "it was written by a newer hub and was left as it is: start that version, or restore a backup"
        ) from None


def _line(scripts: ScriptDirectory, present: str | None) -> list[Script]:
    """The revisions from the present one down to the first; none for one that this version does not know."""
    if present is None or present not in {script.revision for script in scripts.walk_revisions()}:
        return []
    return list(scripts.walk_revisions("base", present))


def _behind(scripts: ScriptDirectory, present: str | None) -> list[str]:
    return [script.revision for script in _line(scripts, present)[1:]]


def _within_reach(scripts: ScriptDirectory, present: str | None) -> list[str]:
    """What lies behind, as far as each migration says how it is taken back."""
    found: list[str] = []
    for later, earlier in zip(line := _line(scripts, present), line[1:], strict=False):
        if not hasattr(later.module, "downgrade"):
            break
        found.append(earlier.revision)
    return found


def _take_back(scripts: ScriptDirectory, configuration: Config, present: str | None, until: str) -> None:
    if until not in _within_reach(scripts, present):
        raise NoWayBack(f"schema {present} cannot be taken back to {until} with what people wrote; nothing was changed")
    command.downgrade(configuration, until)


def _begin_log(connection: Connection) -> None:
    if connection.execute(select(log_head.c.id)).first() is None:
        connection.execute(insert(log_head).values(id=1, epoch=secrets.token_hex(4), seq=0, oldest=1))
