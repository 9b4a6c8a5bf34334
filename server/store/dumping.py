"""PostgreSQL's own tools: pg_dump and pg_restore, found, called without a password in sight, their errors told."""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import URL, String, column, inspect, make_url, table, text, update
from sqlalchemy.exc import DBAPIError

from server.store import engine
from server.store.tables import metadata

INSUFFICIENT_PRIVILEGE = "42501"
GOING_S = 5.0
HELD_S = 60.0
"""How long a table may be held by somebody else before it is given up. PostgreSQL's tools would wait for ever, and
whoever asked for a backup with them."""

OURS = {*metadata.tables, "alembic_version", "message_words"}
"""Every table of this version; the words of messages are known to `store.searching` alone."""


class BackupError(Exception):
    """A backup cannot be made or used; nothing was changed."""


class NotAllowed(Exception):
    """The database's user may not do what a trial of a backup takes."""


def dump(url: str, file: Path) -> None:
    """Dump the hub's tables, as they are at this moment, into one file of the owner's alone. Raises BackupError."""
    _tool("pg_dump")
    strangers = [f"--exclude-table={_quoted(name)}" for name in others(url)]
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    try:
        words = ("--format=custom", "--no-owner", "--no-privileges", f"--lock-wait-timeout={HELD_S * 1000:.0f}")
        _call("pg_dump", url, *words, f"--file={file}", *strangers)
    except BackupError:
        file.unlink()
        raise


def load(url: str, file: Path, *, into: Path, epoch: str | None = None, came: frozenset[str] = frozenset()) -> None:
    """Put a dump in the place of the hub's tables, in one transaction: all of it or nothing. Raises BackupError.

    `into` is a folder for the script in between. With `epoch` the log gets that one. `came` are tables that a newer
    version made, which go too.
    """
    present = set(_tables(url))
    goes = sorted(present & (OURS | came))
    with tempfile.TemporaryDirectory(prefix=".loading-", dir=into) as name:
        script, before, after = (Path(name, part) for part in ("dump.sql", "before.sql", "after.sql"))
        _run([_tool("pg_restore"), "--no-owner", "--no-privileges", f"--file={script}", str(file)], {})
        drops = "".join(f"DROP TABLE {_quoted(table)} CASCADE;\n" for table in goes)
        before.write_text(f"SET lock_timeout = {HELD_S * 1000:.0f};\n{drops}", "utf-8")
        after.write_text(_new_epoch(url, epoch) if epoch else "", "utf-8")
        files = [word for part in (before, script, after) for word in ("--file", str(part))]
        _call("psql", url, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", *files)


def refuse_in_use(url: str) -> None:
    """Raise BackupError while another hub has the database open: what is put back here would be taken from it.

    A connection that was closed a moment ago may still be seen, so it looks for a while.
    """
    seen = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND application_name = 'openclaw-hub'"
    )
    deadline_s = monotonic() + GOING_S
    reading = engine.reading(url)
    try:
        with reading.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while connection.execute(seen).scalar_one():
                if monotonic() > deadline_s:
                    raise BackupError("another hub has this database open; stop it first")
                sleep(0.1)
    except DBAPIError as error:
        raise BackupError(f"the database cannot be read: {error.orig}") from None
    finally:
        reading.dispose()


def verify(file: Path) -> None:
    """Raise BackupError for a file that is no whole dump of a hub."""
    listed = _run([_tool("pg_restore"), "--list", str(file)], {})
    if not re.search(r" TABLE DATA \S+ log_head ", listed):
        raise BackupError(f"{file} is no dump of a hub's database")
    # what is listed stands at its beginning; only reading all of it shows that the end is there
    _run([_tool("pg_restore"), "--file=/dev/null", str(file)], {})


def revision_of(file: Path) -> str | None:
    """The revision of the schema in a dump."""
    words = [_tool("pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(file)]
    found = re.search(r"^COPY \S*alembic_version .*?;\n(\S+)\n", _run(words, {}), re.MULTILINE)
    return found[1] if found else None


def others(url: str) -> list[str]:
    """The tables in the hub's database that this version does not know."""
    return sorted(set(_tables(url)) - OURS)


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """An empty database on the same server; yields its URL and drops it. Raises NotAllowed, BackupError."""
    name = f"openclaw_hub_trial_{secrets.token_hex(4)}"
    try:
        _administer(url, f"CREATE DATABASE {name} TEMPLATE template0")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            raise NotAllowed("the hub's user may not make databases (ALTER ROLE … CREATEDB lets it)") from None
        raise BackupError(f"no database for a trial could be made: {error.orig}") from None
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(url, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(url: str, statement: str) -> None:
    writing = engine.writing(url)
    try:
        with writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    finally:
        writing.dispose()


def _tables(url: str) -> list[str]:
    reading = engine.reading(url)
    try:
        return inspect(reading).get_table_names()
    except DBAPIError as error:
        raise BackupError(f"the database cannot be read: {error.orig}") from None
    finally:
        reading.dispose()


def _new_epoch(url: str, epoch: str) -> str:
    """The statement that sets it; by the table's whole name, since a dump's script empties the search path."""
    reading = engine.reading(url)
    try:
        with reading.connect() as connection:
            schema = str(connection.execute(text("SELECT current_schema()")).scalar_one())
    finally:
        reading.dispose()
    statement = update(table("log_head", column("epoch", String), schema=schema)).values(epoch=epoch)
    return f"{statement.compile(dialect=reading.dialect, compile_kwargs={'literal_binds': True})};\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _call(tool: str, url: str, *words: str) -> str:
    """Call a tool on the database; its password goes by environment, which only we and root can read."""
    parsed: URL = make_url(url)
    target = parsed.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    password = {"PGPASSWORD": parsed.password} if isinstance(parsed.password, str) else {}
    return _run([_tool(tool), f"--dbname={target}", "--no-password", *words], password)


def _run(command: list[str], environ: dict[str, str]) -> str:
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ, "LC_ALL": "C"},
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        raise BackupError(f"{Path(command[0]).name} failed: {' '.join(said[-2:]) or f'exit code {ended.returncode}'}")
    return ended.stdout


def _tool(name: str) -> str:
    """The newest that is there: a tool reads the databases of its own version and of older ones."""
    folders = sorted(
        (folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdigit()),
        key=lambda folder: int(folder.parent.name),
    )
    for folder in reversed(folders):
        if (folder / name).exists():
            return str(folder / name)
    if found := shutil.which(name):
        return found
    raise BackupError(f"{name} is missing, which this takes with a PostgreSQL: apt-get install postgresql-client")
