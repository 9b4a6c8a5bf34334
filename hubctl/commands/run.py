"""`hubctl run`: everything on this machine, in this terminal."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from server import config


@dataclass(frozen=True, slots=True)
class Flags:
    """What was given on the command line; None for what was not."""

    config: Path | None
    data_dir: Path | None
    host: str | None
    port: int | None
    redis_url: str | None
    database_url: str | None

    def tree(self) -> dict[str, Any]:
        """The flags in the shape of a settings file."""
        return {
            "data_dir": self.data_dir,
            "server": {"host": self.host, "port": self.port},
            "redis": {"url": self.redis_url},
            "database": {"url": self.database_url},
        }


def server_process(flags: Flags, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of the hub's process.

    URLs hold passwords and every user of the machine can read every process's arguments, so these two go by
    environment. `-P` keeps a folder called `server` in the current directory from being run in the hub's stead.
    """
    argv = [sys.executable, "-P", "-m", "server"]
    plain = {"--config": flags.config, "--data-dir": flags.data_dir, "--host": flags.host, "--port": flags.port}
    for name, value in plain.items():
        if value is not None:
            argv += [name, str(value)]
    secret = {"HUB_REDIS_URL": flags.redis_url, "HUB_DATABASE_URL": flags.database_url}
    return argv, {**environ, **{name: value for name, value in secret.items() if value is not None}}


@click.command()
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="Settings in TOML, e.g. hub.toml.")
@click.option("--data-dir", metavar="DIR", type=click.Path(path_type=Path), help="Where everything is kept.")
@click.option("--host", metavar="ADDRESS", help="The address to listen on; default 127.0.0.1, this machine only.")
@click.option("--port", metavar="PORT", type=click.IntRange(0, 65535), help="The port to listen on; default 8080.")
@click.option("--redis-url", metavar="URL", help="A Redis of your own; default a private one, started with the hub.")
@click.option("--database-url", metavar="URL", help="A PostgreSQL of your own; default SQLite in the data directory.")
def run(
    config: Path | None,
    data_dir: Path | None,
    host: str | None,
    port: int | None,
    redis_url: str | None,
    database_url: str | None,
) -> None:
    """Start the hub, its database and a private Redis. Ctrl+C ends all of it."""
    start(Flags(config, data_dir, host, port, redis_url, database_url))


def start(flags: Flags) -> None:
    """Become the hub's process, so that one process owns the terminal and its signals. Does not return."""
    try:
        config.load(file=flags.config, flags=flags.tree())
    except config.SettingsError as error:
        raise click.UsageError(str(error)) from None
    argv, environ = server_process(flags, os.environ)
    os.execve(argv[0], argv, environ)  # noqa: S606 - no shell is what we want
