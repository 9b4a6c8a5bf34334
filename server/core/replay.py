"""From a client's cursor to the present: replay what it missed, then join, without a gap and without a repeat."""

import re
from collections.abc import Awaitable, Callable

import msgspec

from server.core.errors import Malformed
from server.core.following import learn
from server.core.hub import Hub
from server.core.past import PAGE
from server.core.stream import Stream, audience

STEP_BYTES = 256 << 10

_CURSOR = re.compile(r"([A-Za-z0-9_-]{1,32}):(0|[1-9][0-9]{0,17})", re.ASCII)

Send = Callable[[bytes], Awaitable[None]]
"""Sends frames and returns when the connection has room for more."""


class Cursor(msgspec.Struct, frozen=True):
    """A place in a log: after the event `seq` of `epoch`; no epoch means this log, whichever it is."""

    epoch: str | None
    seq: int


class Start(msgspec.Struct, frozen=True):
    """Where a stream begins: after `seq`; `reset` says why when that is not where its client was."""

    seq: int
    resumed: bool
    reset: str | None = None


def cursor_of(text: str) -> Cursor:
    """The cursor `EPOCH:SEQ`, or `0` for the oldest there is. Raises Malformed."""
    if text == "0":
        return Cursor(None, 0)
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Malformed("bad_cursor", "a cursor is EPOCH:SEQ as in a stream's id, or 0 for the oldest", field="since")
    return Cursor(found[1], int(found[2]))


def start_of(hub: Hub, cursor: Cursor | None) -> Start:
    """Where a client with this cursor begins; a reset where the log cannot take it up."""
    dispatch = hub.dispatch
    # whoever was just answered knows more than readers were told yet; a stream never begins behind that
    dispatch.advance()
    if cursor is None:
        return Start(dispatch.position, resumed=False)
    if cursor.epoch is None:
        return Start(dispatch.oldest - 1, resumed=True)
    if cursor.epoch != dispatch.epoch:
        return Start(dispatch.position, resumed=False, reset="epoch")
    if cursor.seq > dispatch.head:
        return Start(dispatch.position, resumed=False, reset="ahead")
    if cursor.seq < dispatch.oldest - 1:
        return Start(dispatch.position, resumed=False, reset="expired")
    return Start(cursor.seq, resumed=True)


async def catch_up(hub: Hub, stream: Stream, after: int, send: Send) -> None:
    """Send what `stream` may see after the event `after`, then join it to the live readers in the same step."""
    dispatch = hub.dispatch
    stale: dict[str, int] = {}
    await learn(hub.records, stream)
    while not stream.ended.done():
        stream.channels = audience(hub.directory, stream.agent_id, stream.interest)
        stream.lost = hub.directory.lost_by(stream.agent_id)
        until = min(dispatch.position, (after // PAGE + 1) * PAGE)
        recent = dispatch.recent(after, until)
        shown = hub.past.shown(stream, recent if recent is not None else await hub.past.entries(after, until))
        stale.update(shown.stale)
        if recent is not None and until == dispatch.position and len(shown.frames) <= STEP_BYTES:
            # no await from here on: nothing can happen between what is replayed and what is live
            if shown.frames:
                stream.write(shown.frames)
            dispatch.join(stream, stream.channels)
            dispatch.count(stream, stale)
            return
        after = until
        if shown.frames:
            await send(shown.frames)
