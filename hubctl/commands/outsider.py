"""`hubctl outsider`: how another program on this machine reaches the hub's private Redis."""

import os
from pathlib import Path

import click

from hubctl.commands.options import json_option, print_json
from hubctl.errors import Failure
from server.config import default_data_dir, redis_socket

PASSWORD_FILE = "redis-outsider.password"  # noqa: S105 - a file's name


@click.command()
@click.option("--data-dir", metavar="DIR", type=click.Path(path_type=Path), help="The hub's data directory.")
@json_option
def outsider(data_dir: Path | None, as_json: bool) -> None:
    """Print the socket, user and password with which others publish and subscribe on the hub's Redis."""
    folder = data_dir or Path(os.environ.get("HUB_DATA_DIR") or default_data_dir(os.environ)).expanduser()
    file = folder / PASSWORD_FILE
    try:
        password = file.read_text("utf-8").strip()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}; --data-dir says where the hub keeps its files") from None
    door = {"socket": str(redis_socket(folder)), "username": "outsider", "password": password}
    if as_json:
        print_json(door)
        return
    for name, value in door.items():
        click.echo(f"{name:9}{value}")
