"""python -m server: the bare hub, what touches its database (`server.housework`), and what an installed Redis reads."""

# ruff: noqa: E402 - the collector goes through every module at each step of an import: a fifth of its time
import gc

gc.disable()

import argparse
import asyncio
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Literal

import msgspec
import uvloop
from aiohttp import http_parser

from server import housework, log
from server.app import serve
from server.bus.embedded import EmbeddedRedisError
from server.bus.embedded_conf import config
from server.bus.trying import unfit_redis
from server.config import Settings, SettingsError, load
from server.core.errors import Damaged
from server.datadir import AlreadyRunning, DataDir
from server.proving import NotProved
from server.store.migrating import NoWayBack, SchemaTooNew
from server.store.tools import BackupError
from server.store.trying import unfit_database
from server.trial import TrialError

REFUSALS = (
    SettingsError,
    AlreadyRunning,
    SchemaTooNew,
    NoWayBack,
    EmbeddedRedisError,
    BackupError,
    Damaged,
    NotProved,
    TrialError,
)
"""What ends in one line for a person."""

FILES = 1 << 16
"""Open files that the hub takes where the system allows so many."""


class RedisConf(msgspec.Struct, frozen=True):
    """What the configuration of an installed Redis depends on."""

    socket: str
    hub_password: str
    outsider: str
    version: tuple[int, int]
    prefix: str = ""


class OwnServer(msgspec.Struct, frozen=True):
    """A Redis or a database of the owner's, to be tried."""

    kind: Literal["redis", "database"]
    url: str
    prefix: str = ""


def main() -> int:
    """Parse the command, run it, and say in one line what stands in its way."""
    gc.enable()
    arguments = _parser().parse_intermixed_args()
    if arguments.command == "redis-conf":
        return _print_redis_conf(sys.stdin.read())
    if arguments.command == "try":
        return _try(sys.stdin.read())
    os.umask(0o077)
    log.configure()
    try:
        settings = _settings(arguments)
        if arguments.command in housework.COMMANDS:
            housework.do(arguments.command, arguments, settings)
            return 0
        with DataDir(settings.data_dir) as data:
            _require_c_parser()
            uvloop.run(_run(settings, data, arguments.closed_while))
    except REFUSALS as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot start: {error}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="OpenClaw Hub, the bare process.")
    commands = ("run", *housework.COMMANDS, "redis-conf", "try")
    parser.add_argument("command", nargs="?", choices=commands, default="run")
    parser.add_argument("file", nargs="?", type=Path, help="the backup to restore, the folder of the snapshot")
    parser.add_argument("--to", type=Path, help="the folder for the backup (DATA_DIR/backups)")
    parser.add_argument("--keep", type=int, default=14, help="how many backups stay in that folder; 0 keeps all (14)")
    parser.add_argument("--until", default="head", help="migrate: the revision to go to, or back to (the newest)")
    parser.add_argument("--within", type=float, default=30.0, metavar="S", help="prove: how long it may take (30)")
    parser.add_argument("--closed-while", type=Path, metavar="FILE", help="let only a tester in while there is FILE")
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--data-dir", type=Path, help="where everything is kept")
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (8080)")
    parser.add_argument("--redis-url", help="a Redis of your own instead of a private one")
    parser.add_argument("--database-url", help="a database of your own instead of SQLite in the data directory")
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    flags = {
        "data_dir": arguments.data_dir,
        "server": {"host": arguments.host, "port": arguments.port},
        "redis": {"url": arguments.redis_url},
        "database": {"url": arguments.database_url},
    }
    return load(file=arguments.config, flags=flags)


def _print_redis_conf(request: str) -> int:
    """The configuration for a Redis that systemd runs; asked for on stdin, since what is asked holds passwords."""
    wanted = msgspec.json.decode(request.encode(), type=RedisConf)
    text = config(
        Path(wanted.socket),
        hub_password=wanted.hub_password,
        outsider=wanted.outsider,
        prefix=wanted.prefix,
        version=wanted.version,
        socket_mode="770",
    )
    sys.stdout.write(text)
    return 0


def _try(request: str) -> int:
    """Say what is wrong with a server of the owner's; its URL comes on stdin, since it holds a password."""
    wanted = msgspec.json.decode(request.encode(), type=OwnServer)
    if wanted.kind == "redis":
        words = asyncio.run(unfit_redis(wanted.url, wanted.prefix))
    else:
        words = unfit_database(wanted.url)
    return _fail(words) if words else 0


def _require_c_parser() -> None:
    """Aiohttp falls back to a parser in Python in silence; it is slow and was the one with the known holes."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise SettingsError("aiohttp runs without its C parser here; install a wheel of it that has one")


def _raise_file_limit() -> None:
    """A shell gives 1,024 descriptors, which many streams would use up; what the system allows beyond may be taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(settings: Settings, data: DataDir, gate: Path | None) -> None:
    _raise_file_limit()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    await serve(settings, data, stopped, gate)


def _fail(words: str) -> int:
    print(f"hub: {words}", file=sys.stderr)  # noqa: T201 - the one line that a person needs
    return 1


if __name__ == "__main__":
    sys.exit(main())
