"""`hubctl outsider`: how another program on this machine reaches the hub's private Redis."""

import os
from pathlib import Path

import click

from hubctl.commands.options import json_option, print_json
from hubctl.errors import Failure
from hubctl.installed import OUTSIDER_PASSWORD, REDIS_SOCKET
from hubctl.target import running_as_root
from server.config import default_data_dir, redis_socket

PASSWORD_FILE = "redis-outsider.password"  # noqa: S105 - a file's name


@click.command()
@click.option("--data-dir", metavar="DIR", type=click.Path(path_type=Path), help="The hub's data directory.")
@json_option
def outsider(data_dir: Path | None, as_json: bool) -> None:
    """Print the socket, user and password with which others publish and subscribe on the hub's Redis."""
    file, socket = (None if data_dir else _installed()) or _own(data_dir)
    try:
        password = file.read_text("utf-8").strip()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}; --data-dir says where the hub keeps its files") from None
    door = {"socket": str(socket), "username": "outsider", "password": password}
    if as_json:
        print_json(door)
        return
    for name, value in door.items():
        click.echo(f"{name:9}{value}")


def _own(data_dir: Path | None) -> tuple[Path, Path]:
    """The password's file and the socket of a hub that was started by hand."""
    folder = data_dir or Path(os.environ.get("HUB_DATA_DIR") or default_data_dir(os.environ)).expanduser()
    return folder / PASSWORD_FILE, redis_socket(folder)


def _installed() -> tuple[Path, Path] | None:
    """The same of the installed hub, for root, who alone may read it."""
    if os.environ.get("HUB_DATA_DIR") or not running_as_root() or not Path(OUTSIDER_PASSWORD).exists():
        return None
    return Path(OUTSIDER_PASSWORD), Path(REDIS_SOCKET)
