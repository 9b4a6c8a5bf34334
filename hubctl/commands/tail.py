"""`hubctl tail`: what is said, live, line by line, for eyes and for scripts."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from hubctl.client import Hub
from hubctl.commands.options import Json, match_channel, with_hub
from hubctl.cursor import CursorFile, Place
from hubctl.follow import Follower
from hubctl.printer import OutputClosedError, Printer, Wanted


@click.command()
@click.argument("names_or_ids", metavar="[CHANNEL]...", nargs=-1)
@click.option("--since", metavar="CURSOR", help="Start after this event id; 0 starts at the oldest that is kept.")
@click.option(
    "--cursor",
    "cursor_path",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the place in FILE and go on from there the next time.",
)
@click.option("--types", metavar="A,B", default="", help="Only these types of event, e.g. channel.message.")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N messages.")
@with_hub
@click.option("--json", "as_json", is_flag=True, help="Print one envelope a line, as the hub sent it.")
def tail(
    hub: Hub,
    names_or_ids: tuple[str, ...],
    since: str | None,
    cursor_path: Path | None,
    types: str,
    count: int | None,
    as_json: bool,
) -> None:
    """Print what happens in your channels and to you, or only in the CHANNELs named, until Ctrl+C.

    A lost connection comes back by itself, without gaps or repeats.
    """
    chosen = tuple(word.strip() for word in types.split(",") if word.strip())
    wanted = Wanted(types=chosen, count=count, as_json=as_json)
    try:
        _follow(hub, names_or_ids, wanted, since, CursorFile(cursor_path) if cursor_path else None)
    except KeyboardInterrupt:
        return
    except OutputClosedError:
        # The interpreter flushes stdout once more as it ends; into the void, so that it does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _follow(
    hub: Hub, names_or_ids: tuple[str, ...], wanted: Wanted, since: str | None, cursor: CursorFile | None
) -> None:
    place = Place(cursor.read() if cursor else None)
    channels: list[Json] = hub.get("/api/channels")["channels"]
    wanted = replace(wanted, channels=frozenset(match_channel(channels, name)["id"] for name in names_or_ids))
    params = {
        "channels": ",".join(sorted(wanted.channels)) or None,
        "types": ",".join(wanted.types) or None,
        "since": since if place.id is None else None,
    }
    names = {channel["id"]: str(channel["name"]) for channel in channels}
    hub.run(Follower(hub, Printer(hub, wanted, names, cursor), params, place).follow())
