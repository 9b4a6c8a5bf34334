"""What `python -m server` does beside being a hub: everything that touches a database, for `hubctl` and for timers.

Each command prints what it has to say on standard output: a path, or JSON where a program reads it.
"""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import msgspec

from server import __version__
from server.config import Settings
from server.datadir import DataDir
from server.proving import NotProved, prove, prove_scratch
from server.store.backing import backup, prune, restore, scratch
from server.store.dumping import NotAllowed
from server.store.migrating import Schema, migrate, schema
from server.store.snapshots import revert, since, snapshot
from server.store.tools import BackupError


class Known(msgspec.Struct, frozen=True):
    """Which version this is, and how it stands to the database."""

    version: str
    schema: Schema


def do(command: str, arguments: Namespace, settings: Settings) -> None:
    """Run one of COMMANDS. Raises what it cannot do."""
    if command in OPEN:
        # Without the lock: the hub goes on meanwhile.
        OPEN[command](arguments, settings)
        return
    with DataDir(settings.data_dir):
        ALONE[command](arguments, settings)


def _backup(arguments: Namespace, settings: Settings) -> None:
    folder = arguments.to or settings.data_dir / "backups"
    file = backup(settings.database_url, folder)
    try:
        with scratch(settings.database_url, file) as (data_dir, url):
            prove_scratch(data_dir, url)
        _note(f"a hub on a copy of {file} answered")
    except NotAllowed as error:
        _note(f"{file} is whole, but no hub was tried on a copy of it: {error}")
    except (NotProved, BackupError) as error:
        raise BackupError(f"{file} stays and is whole, but a hub on a copy of it did not answer: {error}") from None
    prune(folder, arguments.keep)
    _say(str(file))


def _restore(arguments: Namespace, settings: Settings) -> None:
    replaced, before, now = restore(settings.database_url, _file(arguments), settings.data_dir)
    _note(f"restored {now}; it replaced {before or 'what could not be read' if replaced else 'nothing'}")
    if replaced is not None:
        _say(str(replaced))


def _migrate(arguments: Namespace, settings: Settings) -> None:
    migrate(settings.database_url, arguments.until)


def _schema(_arguments: Namespace, settings: Settings) -> None:
    _say(msgspec.json.encode(Known(__version__, schema(settings.database_url))).decode())


def _snapshot(arguments: Namespace, settings: Settings) -> None:
    snapshot(settings.database_url, _file(arguments))


def _revert(arguments: Namespace, settings: Settings) -> None:
    revert(settings.database_url, _file(arguments))


def _since(arguments: Namespace, settings: Settings) -> None:
    _say(msgspec.json.encode(since(settings.database_url, _file(arguments))).decode())


def _prove(arguments: Namespace, settings: Settings) -> None:
    _say(asyncio.run(prove(settings.data_dir, arguments.within)))


def _file(arguments: Namespace) -> Path:
    if arguments.file is None:
        raise BackupError(f"{arguments.command} needs the name of a file or folder")
    return Path(arguments.file)


def _say(words: str) -> None:
    print(words)  # noqa: T201 - the answer of the command


def _note(words: str) -> None:
    print(f"hub: {words}", file=sys.stderr)  # noqa: T201 - for the person, beside the answer


Command = Callable[[Namespace, Settings], None]
OPEN: dict[str, Command] = {"backup": _backup, "schema": _schema, "since": _since, "prove": _prove}
ALONE: dict[str, Command] = {"migrate": _migrate, "restore": _restore, "snapshot": _snapshot, "revert": _revert}
COMMANDS = (*OPEN, *ALONE)
