"""`hubctl logs`: what an installed hub and its parts have logged."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click

from hubctl import safe
from hubctl.commands.options import print_json
from hubctl.errors import Failure
from hubctl.host import Host
from hubctl.journal import PARTS, for_people, record
from hubctl.overview import installed_here
from hubctl.target import running_as_root
from server.config import default_data_dir


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl+C.")
@click.option("--since", metavar="TIME", help="Like `1 hour ago`, `today` or `2026-03-01 12:00`.")
@click.option("-n", "--lines", type=click.IntRange(1), metavar="COUNT", help="At most so many; default 200.")
@click.option("--part", type=click.Choice(sorted(PARTS.values())), help="Only of this part.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def logs(*, follow: bool, since: str | None, lines: int | None, part: str | None, as_json: bool) -> None:
    """Show what the hub, its Redis, its backups and the renewal of its certificate have logged."""
    if not running_as_root() or not installed_here(Host()):
        raise Failure(_elsewhere())
    argv = ["journalctl", "--no-pager", "--quiet", "--output=json"]
    argv += [f"--unit={unit}" for unit, name in PARTS.items() if part in (None, name)]
    # Somebody who asks for a span of time wants all of it.
    argv += [f"--lines={lines}"] if lines else ["--lines=all" if since else "--lines=200"]
    argv += ["--follow"] if follow else []
    argv += [f"--since={since}"] if since else []
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as journal:
        with suppress(KeyboardInterrupt):
            for line in journal.stdout or ():
                _print(line, as_json=as_json)
        journal.send_signal(signal.SIGTERM)
        words = (journal.stderr.read() if journal.stderr else "").strip()
    if words:
        raise Failure(f"journalctl: {safe.line(words.splitlines()[-1])}")


def _print(line: str, *, as_json: bool) -> None:
    said = record(line)
    if said is None:
        return
    if as_json:
        print_json(said)
    else:
        print(for_people(said))
    sys.stdout.flush()


def _elsewhere() -> str:
    """Where the log is when it is not in the journal, or not for this user."""
    if not running_as_root() and Path("/opt/openclaw-hub/current").exists():
        return "the log is for root: sudo hubctl logs"
    folder = Path(os.environ.get("HUB_DATA_DIR") or default_data_dir(os.environ)).expanduser()
    return (
        "no hub is installed on this machine. One that was started with `hubctl run` logs to its own terminal; "
        f"what its Redis said is in {folder / 'redis.log'}"
    )
