"""Bringing a database to the schema of this version, and never touching one that is newer."""

import secrets
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, insert, select

from server.store import engine
from server.store.tables import log_head

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaTooNew(Exception):
    """The database was written by a later version of the hub; nothing was touched."""


def migrate(url: str, until: str = "head") -> None:
    """Make the schema this version's (or that of an earlier revision), in one transaction; a fresh one gets its epoch.

    Raises SchemaTooNew when the database knows a revision that this version does not.
    """
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(configuration)
    writing = engine.writing(url)
    try:
        with writing.begin() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
            if present != scripts.get_current_head():
                _refuse_newer(scripts, present)
                configuration.attributes["connection"] = connection
                command.upgrade(configuration, until)
            _begin_log(connection)
    finally:
        writing.dispose()


def _refuse_newer(scripts: ScriptDirectory, present: str | None) -> None:
    try:
        if present is not None:
            scripts.get_revision(present)
    except CommandError:
        raise SchemaTooNew(
            f"the database has schema {present}, which this version does not know; "
            "it was written by a newer hub and was left as it is: start that version, or restore a backup"
        ) from None


def _begin_log(connection: Connection) -> None:
    if connection.execute(select(log_head.c.id)).first() is None:
        connection.execute(insert(log_head).values(id=1, epoch=secrets.token_hex(4), seq=0, oldest=1))
