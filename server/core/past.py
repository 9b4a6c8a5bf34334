"""What readers who come back have missed: read once, and put together once, for all who want the same of it.

After a restart everybody comes at once with much the same cursor, and memory holds nothing of the log yet.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from server.core.changes import Entry
from server.core.following import FOLLOWING, follow, meant_by
from server.core.ports import Log
from server.core.readers import key_of
from server.core.stream import DELETE, LEAVE, Stream

PAGE = 500
"""Pages begin at multiples of this, so that cursors that differ meet on the next page."""

PAGES_KEPT = 4
KEPT = 32
KEPT_BYTES = 256 << 10
KEPT_S = 5.0
"""At most so many pages as they were read, and so many as they are sent, of at most so many bytes, are kept so long."""


class Shown(NamedTuple):
    """What a reader gets of some entries: frames, and the newest seq of each channel that it only counts."""

    frames: bytes
    stale: dict[str, int]


class Past:
    """The log behind what memory holds, and what was made of it a moment ago."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._pages: dict[tuple[int, int], asyncio.Task[list[Entry]]] = {}
        self._personal: dict[tuple[int, int], bool] = {}
        self._shown: dict[object, Shown] = {}
        self._forgetting = False

    async def entries(self, after: int, until: int) -> list[Entry]:
        """Those with after < seq <= until, which must lie on one page; what left the log is missing."""
        place = (after // PAGE * PAGE, until)
        page = self._pages.get(place)
        if page is None:
            page = asyncio.create_task(self._log.entries(*place, PAGE))
            self._pages[place] = page
            if len(self._pages) > PAGES_KEPT:
                del self._pages[next(iter(self._pages))]
            self._forget_later()
        try:
            entries = await asyncio.shield(page)
        except BaseException:
            self._pages.pop(place, None)
            raise
        return [entry for entry in entries if entry.seq > after]

    def shown(self, stream: Stream, entries: Sequence[Entry]) -> Shown:
        """What of the entries, which follow each other, goes to `stream` as it stands."""
        if not entries:
            return Shown(b"", {})
        span = (entries[0].seq, entries[-1].seq)
        personal = self._personal.get(span)
        if personal is None:
            personal = self._personal[span] = any(map(_is_personal, entries))
            self._forget_later()
        if personal or stream.interest.meant:
            return _shown(stream, entries)
        place = (span, key_of(stream)._replace(chunked=False))
        shown = self._shown.get(place)
        if shown is None:
            shown = _shown(stream, entries)
            if len(shown.frames) <= KEPT_BYTES and len(self._shown) < KEPT:
                self._shown[place] = shown
        return shown

    def _forget_later(self) -> None:
        if not self._forgetting:
            self._forgetting = True
            asyncio.get_running_loop().call_later(KEPT_S, self._forget)

    def _forget(self) -> None:
        self._forgetting = False
        self._pages.clear()
        self._personal.clear()
        self._shown.clear()


def _is_personal(entry: Entry) -> bool:
    """Whether readers of the same channels may see different things of it."""
    if entry.channel_id is None:
        return entry.agent_id is not None
    return entry.kind in (LEAVE, DELETE)


def _shown(stream: Stream, entries: Sequence[Entry]) -> Shown:
    stale = {entry.channel_id or "": entry.seq for entry in entries if stream.only_counts(entry)}
    if not stream.interest.meant:
        return Shown(b"".join(entry.frame for entry in entries if stream.sees(entry)), stale)
    frames: list[bytes] = []
    for entry in entries:
        if entry.kind in FOLLOWING:
            follow(entry, (stream,))
        if stream.sees(entry) or _is_meant(stream, entry):
            frames.append(entry.frame)
    return Shown(b"".join(frames), stale)


def _is_meant(stream: Stream, entry: Entry) -> bool:
    if entry.channel_id not in stream.channels or not stream.interest.wants_type(entry.kind):
        return False
    meant = meant_by(entry)
    return meant is not None and stream.is_meant(meant)
