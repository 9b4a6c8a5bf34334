"""Backups of a PostgreSQL by its own tools: dumped, loaded, looked at, and tried in a database of its own."""

import logging
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from time import monotonic, sleep, time
from types import MappingProxyType
from typing import Any

from sqlalchemy import URL, Dialect, Engine, String, column, event, inspect, make_url, table, text, update
from sqlalchemy.exc import DBAPIError

from server.store import engine
from server.store.reach import cut
from server.store.tables import metadata
from server.store.tools import LONGEST_S, BackupError, find, run

INSUFFICIENT_PRIVILEGE = "42501"
GOING_S = 5.0
HELD_S = engine.HELD_S
"""How long a table may be held by somebody else, or the server be silent, before it is given up."""

TRIAL = "openclaw_hub_trial_"
LEFT_S = 2 * LONGEST_S
"""A trial's database that is older was left behind."""

OURS = {*metadata.tables, "alembic_version", "message_words"}
"""Every table of this version; the words of messages are known to `store.searching` alone."""

LOG = logging.getLogger(__name__)


class NotAllowed(Exception):
    """The database's user may not do what a trial of a backup takes."""


def dump(url: str, file: Path) -> None:
    """Dump the hub's tables, as they are at this moment, into one file of the owner's alone. Raises BackupError."""
    find("pg_dump")
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
        run([find("pg_restore"), "--no-owner", "--no-privileges", f"--file={script}", str(file)])
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
    with _reading(url) as reading, reading.connect() as connecting:
        connection = connecting.execution_options(isolation_level="AUTOCOMMIT")
        while connection.execute(seen).scalar_one():
            if monotonic() > deadline_s:
                raise BackupError("another hub has this database open; stop it first")
            sleep(0.1)


def verify(file: Path) -> None:
    """Raise BackupError for a file that is no whole dump of a hub."""
    listed = run([find("pg_restore"), "--list", str(file)])
    if not re.search(r" TABLE DATA \S+ log_head ", listed):
        raise BackupError(f"{file} is no dump of a hub's database")
    # what is listed stands at its beginning; only reading all of it shows that the end is there
    run([find("pg_restore"), "--file=/dev/null", str(file)])


def revision_of(file: Path) -> str | None:
    """The revision of the schema in a dump."""
    words = [find("pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(file)]
    found = re.search(r"^COPY \S*alembic_version .*?;\n(\S+)\n", run(words), re.MULTILINE)
    return found[1] if found else None


def others(url: str) -> list[str]:
    """The tables in the hub's database that this version does not know."""
    return sorted(set(_tables(url)) - OURS)


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """An empty database on the same server; yields its URL and drops it. Raises NotAllowed, BackupError."""
    for left in _left_behind(url):
        _drop(url, left)
    name = f"{TRIAL}{int(time()):x}_{secrets.token_hex(4)}"
    try:
        _administer(url, f"CREATE DATABASE {name} TEMPLATE template0")
    except BackupError as error:
        if INSUFFICIENT_PRIVILEGE in str(error):
            raise NotAllowed("the hub's user may not make databases (ALTER ROLE … CREATEDB lets it)") from None
        raise BackupError(f"no database for a trial could be made: {error}") from None
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        _drop(url, name)


def _left_behind(url: str) -> list[str]:
    """Databases of trials whose end nobody saw."""
    ours = text(
        "SELECT datname FROM pg_database WHERE starts_with(datname, :trial) AND pg_get_userbyid(datdba) = current_user"
    )
    with _reading(url) as reading, reading.connect() as connection:
        names = list(connection.execute(ours, {"trial": TRIAL}).scalars())
    made_s = {name: re.fullmatch(r"([0-9a-f]+)_[0-9a-f]+", name.removeprefix(TRIAL)) for name in names}
    return [name for name, made in made_s.items() if made and int(made[1], 16) < time() - LEFT_S]


def _drop(url: str, name: str) -> None:
    """Drop a trial's database; one that cannot be dropped now is a later backup's."""
    try:
        _administer(url, f"DROP DATABASE {name} WITH (FORCE)")
    except BackupError as error:
        LOG.warning("hub: the trial's database %s stays for now, a later backup drops it: %s", name, error)


def _administer(url: str, statement: str) -> None:
    """Have it done. Other sessions may keep the server from doing it for as long as their clients do not read."""
    bound = {"PGOPTIONS": f"-c statement_timeout={HELD_S * 1000:.0f}"}
    _call("psql", url, "--no-psqlrc", "--quiet", "--set=VERBOSITY=verbose", f"--command={statement}", environ=bound)


@contextmanager
def _reading(url: str) -> Iterator[Engine]:
    """A reader of the database for a few short questions, which end whatever happens to the server.

    Raises BackupError.
    """
    reading = engine.reading(url)
    opened: list[Any] = []

    def connect(dialect: Dialect, _record: object, words: list[Any], options: dict[str, Any]) -> Any:
        opened.append(dialect.connect(*words, **options))
        return opened[-1]

    event.listen(reading, "do_connect", connect)

    def give_up() -> None:
        for connection in opened:
            cut(connection)

    end = Timer(HELD_S, give_up)
    end.daemon = True
    end.start()
    try:
        yield reading
    except DBAPIError as error:
        raise BackupError(f"the database cannot be read: {error.orig}") from None
    finally:
        end.cancel()
        reading.dispose()


def _tables(url: str) -> list[str]:
    with _reading(url) as reading:
        return inspect(reading).get_table_names()


def _new_epoch(url: str, epoch: str) -> str:
    """The statement that sets it; by the table's whole name, since a dump's script empties the search path."""
    with _reading(url) as reading, reading.connect() as connection:
        schema = str(connection.execute(text("SELECT current_schema()")).scalar_one())
    statement = update(table("log_head", column("epoch", String), schema=schema)).values(epoch=epoch)
    return f"{statement.compile(dialect=reading.dialect, compile_kwargs={'literal_binds': True})};\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _call(tool: str, url: str, *words: str, environ: Mapping[str, str] = MappingProxyType({})) -> str:
    """Call a tool on the database; its password goes by environment, which only we and root can read."""
    parsed: URL = make_url(url)
    target = parsed.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    password = {"PGPASSWORD": parsed.password} if isinstance(parsed.password, str) else {}
    return run([find(tool), f"--dbname={target}", "--no-password", *words], {**environ, **password}, url, HELD_S)
