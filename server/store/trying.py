"""Trying a PostgreSQL of the owner's before it is used: does it answer, is it new enough, may the hub make tables."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from server.store import engine
from server.store.migrating import SchemaTooNew, refuse_unknown

OLDEST = 14


def unfit_database(url: str) -> str:
    """Why it does not do; empty when it does. What is tried there is rolled back."""
    try:
        trying = engine.writing(url)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        return f"this is no URL of a database: {error}"
    if trying.dialect.name != "postgresql":
        return "only a PostgreSQL can be a database of one's own"
    try:
        with trying.connect() as connection:
            version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
            if version < OLDEST:
                return f"this is PostgreSQL {version}, older than {OLDEST}"
            refuse_unknown(MigrationContext.configure(connection).get_current_revision())
            connection.execute(text("CREATE TABLE openclaw_hub_try (id integer)"))
            connection.rollback()
    except SchemaTooNew as refused:
        return str(refused)
    except DBAPIError as error:
        return f"PostgreSQL says no: {str(error.orig).strip().splitlines()[0]}"
    finally:
        trying.dispose()
    return ""
