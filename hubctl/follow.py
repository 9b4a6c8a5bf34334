"""Following a hub's stream for ever: read, show, remember the place, come back when the connection breaks."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from hubctl.client import Call, Hub
from hubctl.cursor import Place
from hubctl.errors import Failure, Refused, Unreachable
from hubctl.sse import Frame, FrameTooLargeError, Parser

FIRST_RETRY_MS = 1000
LONGEST_RETRY_S = 30.0
Params = Mapping[str, str | int | None]


class Audience(Protocol):
    """Who is told what comes."""

    async def event(self, data: str, kind: str) -> bool:
        """Take one event (its envelope as JSON text); True when no more are wanted."""

    def place(self, cursor: str) -> None:
        """Everything up to `cursor` was shown."""

    def note(self, text: str) -> None:
        """Take a word about the connection itself."""


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next attempt: from the hub's own `retry`, growing, never two tails in step."""

    first_ms: int = FIRST_RETRY_MS
    failures: int = 0

    def next_s(self, chance: Callable[[], float]) -> float:
        """The next wait in seconds; `chance` gives a number within 0 and 1."""
        grown_s = self.first_ms / 1000 * 1.6 ** min(self.failures, 20)
        self.failures += 1
        return min(grown_s, LONGEST_RETRY_S) * (0.75 + chance() / 2)


class Follower:
    """One tail. `params` narrow the stream (`channels`, `types`, and `since` for the first connection)."""

    def __init__(
        self,
        hub: Hub,
        audience: Audience,
        params: Params,
        place: Place,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._hub = hub
        self._audience = audience
        self._params = dict(params)
        self._place = place
        self._sleep = sleep
        self._chance = chance
        self._backoff = Backoff()
        self._asked = ""
        self._was_connected = False
        self._lost = False

    async def follow(self) -> None:
        """Follow until the audience has enough.

        Raises Unreachable or Refused when the first connection fails, Refused when a later one can never
        succeed (the token is void, say), Failure when the hub ends the stream for good.
        """
        while True:
            wait_s = None
            try:
                if await self._one_stream():
                    return
                reason = "the hub closed the stream"
            except Unreachable as error:
                if not self._was_connected:
                    raise
                reason = error.message.partition("\n")[0]
            except Refused as error:
                if not self._was_connected or not (error.status == 429 or error.status >= 500):
                    raise
                reason, wait_s = error.message, error.retry_after_s
            self._note_loss(reason)
            await self._sleep(max(self._backoff.next_s(self._chance), wait_s or 0.0))

    async def _one_stream(self) -> bool:
        headers = {"Last-Event-ID": self._place.id} if self._place.id else {}
        parser = Parser()
        self._asked = self._place.id or str(self._params.get("since") or "")
        async with aclosing(self._hub.stream(Call("GET", "/api/events", params=self._params), headers)) as chunks:
            async for chunk in chunks:
                try:
                    for frame in parser.feed(chunk):
                        if await self._take(frame):
                            return True
                except FrameTooLargeError as error:
                    raise Failure(f"{self._hub.target.url} sends no events a hub would send: {error}") from None
        return False

    async def _take(self, frame: Frame) -> bool:
        if frame.retry_ms is not None:
            self._backoff.first_ms = max(frame.retry_ms, 100)
        if frame.event == "hub.reset":
            self._reset(frame)
        elif frame.event == "hub.hello":
            self._connected(frame)
        elif frame.event == "hub.bye":
            self._bye(_object(frame.data))
        elif frame.data is None:
            self._moved_on(frame.id)
        elif not frame.event.startswith("hub."):
            return await self._show(frame, frame.data)
        return False

    async def _show(self, frame: Frame, data: str) -> bool:
        if frame.id is not None and not self._place.advance(frame.id):
            return False
        enough = await self._audience.event(data, frame.event)
        if frame.id is not None:
            self._audience.place(frame.id)
        return enough

    def _connected(self, frame: Frame) -> None:
        self._moved_on(frame.id)
        self._was_connected = True
        self._params.pop("since", None)
        self._backoff.failures = 0
        if self._lost:
            self._lost = False
            self._audience.note("connection is back")

    def _moved_on(self, cursor: str | None) -> None:
        if cursor is not None and self._place.advance(cursor):
            self._audience.place(cursor)

    def _reset(self, frame: Frame) -> None:
        told = _object(frame.data)
        reason = told.get("reason") or "unknown reason"
        self._audience.note(
            f"GAP: the hub cannot resume at {self._asked or 'the place asked for'} ({reason}); its log reaches from "
            f"{told.get('oldest', '?')} to {told.get('seq', '?')} in epoch {told.get('epoch', '?')}. "
            f"What came between is not shown here; the stream goes on after {frame.id or 'the newest event'}."
        )
        if frame.id is not None:
            self._place.reset(frame.id)
            self._audience.place(frame.id)

    def _bye(self, told: Mapping[str, Any]) -> None:
        code = told.get("code", "no reason given")
        if told.get("retry") is False:
            raise Failure(f"the hub ended the stream: {code}")
        self._note_loss(f"the hub ended the stream: {code}")

    def _note_loss(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self._audience.note(f"connection lost ({reason}); trying again by itself")


def _object(data: str | None) -> dict[str, Any]:
    try:
        value = json.loads(data or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
