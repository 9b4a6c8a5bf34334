"""`hubctl backup` and `restore`: of the installed hub, or of one that was started by hand."""

import subprocess
import sys
from pathlib import Path

import click

from hubctl import safe
from hubctl.backup import installed, put_back, take
from hubctl.errors import Failure
from hubctl.host import Host, HostError
from hubctl.refusal import words

data_dir_option = click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The data of a hub that was started by hand; default HUB_DATA_DIR, then the hub's default.",
)


@click.command()
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Where to put it.")
@data_dir_option
def backup(to: Path | None, data_dir: Path | None) -> None:
    """Back up the database while the hub runs, and print where the backup lies.

    It is verified, and a hub on a copy of it, reached by nobody else, has to answer.
    """
    host = Host()
    if data_dir is not None or not installed(host):
        _server("backup", *(("--to", str(to)) if to else ()), data_dir=data_dir)
        return
    try:
        click.echo(take(host, to))
    except (HostError, OSError) as error:
        raise Failure(safe.line(words(error))) from None


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def restore(file: Path, *, yes: bool, data_dir: Path | None) -> None:
    """Put a backup in the database's place. What came after the backup is gone; the replaced database is kept."""
    host = Host()
    if not yes:
        click.confirm("Everything that was said since that backup goes. Restore it?", abort=True)
    if data_dir is not None or not installed(host):
        _server("restore", str(file.absolute()), data_dir=data_dir)
        return
    try:
        done, replaced = put_back(host, file)
    except (HostError, OSError) as error:
        raise Failure(f"{safe.line(words(error))}; the database is as it was") from None
    click.echo(f"From {file}: {safe.line(done)}. Every reader starts afresh.")
    click.echo(f"The database that it replaced is {replaced or 'none'}.")


def _server(*arguments: str, data_dir: Path | None) -> None:
    """What touches a database is the server's: this only hands on what it prints and how it ends."""
    place = ("--data-dir", str(data_dir.absolute())) if data_dir is not None else ()
    ended = subprocess.run([sys.executable, "-P", "-m", "server", *arguments, *place], check=False)
    if ended.returncode:
        sys.exit(ended.returncode)
