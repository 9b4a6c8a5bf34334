"""The audience of a tail: prints events for eyes or for scripts, keeps the cursor, counts."""

import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hubctl import safe
from hubctl.client import Call, Hub
from hubctl.cursor import CursorFile
from hubctl.errors import Failure, Unreachable
from hubctl.paths import path
from hubctl.render import MESSAGES, describe

EPHEMERAL = frozenset({"channel.typing", "channel.presence"})


class OutputClosedError(Exception):
    """Nobody reads what we print any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a tail is to show: ids of channels and types of events (empty for all), how many, and how."""

    channels: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    count: int | None = None
    as_json: bool = False

    def shows(self, kind: str, channel_id: object) -> bool:
        """Whether an event is to be shown. Typing and presence only when they are asked for by type."""
        if self.channels and channel_id not in self.channels:
            return False
        return kind in self.types or kind not in EPHEMERAL

    def counts(self, kind: str) -> bool:
        """Whether an event that is shown counts: messages do, or everything when types were named."""
        return bool(self.types) or kind in MESSAGES


class Printer:
    """Prints what is `wanted`; `names` are those of the channels known so far, by id."""

    def __init__(self, hub: Hub, wanted: Wanted, names: dict[str, str], cursor: CursorFile | None) -> None:
        self._hub = hub
        self._wanted = wanted
        self._names = names
        self._cursor = cursor
        self._counted = 0

    async def event(self, data: str, kind: str) -> bool:
        """Print one event; True when the count is reached.

        Raises OutputClosedError when stdout is closed, Failure when it takes nothing.
        """
        envelope = _object(data)
        if not self._wanted.shows(kind, envelope.get("channelId")):
            return False
        line = safe.json_line(data) if self._wanted.as_json else await self._described(envelope)
        try:
            print(line, flush=True)
        except BrokenPipeError:
            raise OutputClosedError from None
        except OSError as error:
            raise Failure(f"cannot write to standard output: {error.strerror}") from None
        self._counted += self._wanted.counts(kind)
        return self._counted == self._wanted.count

    def place(self, cursor: str) -> None:
        """Store the cursor of what was just printed."""
        if self._cursor is not None:
            self._cursor.write(cursor)

    def note(self, text: str) -> None:
        """Say on stderr what the connection does."""
        print(f"hubctl: {safe.line(text)}", file=sys.stderr, flush=True)

    async def _described(self, envelope: dict[str, Any]) -> str:
        channel_id, event = envelope.get("channelId"), envelope.get("event")
        if isinstance(channel_id, str):
            renamed = event.get("channel") if isinstance(event, dict) else None
            if isinstance(renamed, dict) and isinstance(renamed.get("name"), str) and "seq" in envelope:
                self._names[channel_id] = renamed["name"]
            elif channel_id not in self._names:
                await self._learn_name(channel_id)
        return describe(envelope, lambda known: self._names.get(known) or known[:8])

    async def _learn_name(self, channel_id: str) -> None:
        # A channel that is newer than this tail. A name is not worth the event: without one its id is shown.
        with suppress(Unreachable):
            answer = await self._hub.answer(Call("GET", path("api", "channels", channel_id)))
            known = isinstance(answer.body, dict) and answer.status == 200
            self._names[channel_id] = str(answer.body.get("name")) if known else ""


def _object(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
