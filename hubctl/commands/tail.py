"""`hubctl tail`: what is said, live, line by line, for eyes and for scripts."""

import json
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from hubctl import safe
from hubctl.client import Call, Hub
from hubctl.commands.options import Json, match_channel, with_hub
from hubctl.cursor import CursorFile, Place
from hubctl.errors import Failure, Unreachable
from hubctl.follow import Follower
from hubctl.paths import path
from hubctl.render import MESSAGES, describe

EPHEMERAL = frozenset({"channel.typing", "channel.presence"})


class OutputClosedError(Exception):
    """Nobody reads what we print any more."""


class Printer:
    """The audience of a tail: prints each event, stores the cursor, counts."""

    def __init__(
        self,
        hub: Hub,
        channels: list[Json],
        *,
        as_json: bool,
        cursor: CursorFile | None,
        count: int | None,
        types: Collection[str],
    ) -> None:
        self._hub = hub
        self._names = {channel["id"]: str(channel["name"]) for channel in channels}
        self._as_json = as_json
        self._cursor = cursor
        self._left = count
        self._types = types

    async def event(self, data: str, kind: str) -> bool:
        """Print one event; True when the count is reached. Raises OutputClosedError when stdout is closed."""
        if kind in EPHEMERAL and kind not in self._types:
            return False
        try:
            print(safe.json_line(data) if self._as_json else await self._described(data), flush=True)
        except BrokenPipeError:
            raise OutputClosedError from None
        except OSError as error:
            raise Failure(f"cannot write to standard output: {error.strerror}") from None
        if self._left is not None and (self._types or kind in MESSAGES):
            self._left -= 1
        return self._left == 0

    def place(self, cursor: str) -> None:
        """Store the cursor of what was just printed."""
        if self._cursor is not None:
            self._cursor.write(cursor)

    def note(self, text: str) -> None:
        """Say on stderr what the connection does."""
        print(f"hubctl: {safe.line(text)}", file=sys.stderr, flush=True)

    async def _described(self, data: str) -> str:
        try:
            envelope: Any = json.loads(data)
        except ValueError:
            envelope = {}
        if not isinstance(envelope, dict):
            envelope = {}
        await self._learn_name(envelope)
        return describe(envelope, lambda channel_id: self._names.get(channel_id) or channel_id[:8])

    async def _learn_name(self, envelope: Json) -> None:
        channel_id, event = envelope.get("channelId"), envelope.get("event")
        if not isinstance(channel_id, str):
            return
        renamed = event.get("channel") if isinstance(event, dict) else None
        if isinstance(renamed, dict) and isinstance(renamed.get("name"), str) and envelope.get("foreign") is not True:
            self._names[channel_id] = renamed["name"]
        elif channel_id not in self._names:
            # A channel that is newer than this tail. A name is not worth the event: without one its id is shown.
            with suppress(Unreachable):
                answer = await self._hub.answer(Call("GET", path("api", "channels", channel_id)))
                known = isinstance(answer.body, dict) and answer.status == 200
                self._names[channel_id] = str(answer.body.get("name")) if known else ""


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
    """Print what happens in your channels, or in the CHANNELs named, until Ctrl+C.

    A lost connection comes back by itself, without gaps or repeats.
    """
    wanted = [word.strip() for word in types.split(",") if word.strip()]
    try:
        _follow(hub, names_or_ids, since, cursor_path, wanted, count, as_json=as_json)
    except KeyboardInterrupt:
        return
    except OutputClosedError:
        # The interpreter flushes stdout once more as it ends; into the void, so that it does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _follow(
    hub: Hub,
    names_or_ids: tuple[str, ...],
    since: str | None,
    cursor_path: Path | None,
    wanted: list[str],
    count: int | None,
    *,
    as_json: bool,
) -> None:
    cursor = CursorFile(cursor_path) if cursor_path else None
    place = Place(cursor.read() if cursor else None)
    channels: list[Json] = hub.get("/api/channels")["channels"]
    chosen = [match_channel(channels, name)["id"] for name in names_or_ids]
    printer = Printer(hub, channels, as_json=as_json, cursor=cursor, count=count, types=wanted)
    params = {
        "channels": ",".join(chosen) or None,
        "types": ",".join(wanted) or None,
        "since": since if place.id is None else None,
    }
    hub.run(Follower(hub, printer, params, place).follow())
