"""Growth is bounded: what is older than it is kept goes a little at a time, so that nobody waits for it.

Events go by the log's days, messages by their channel's. What goes is a row of steps, one transaction each, and all
rows are walked in the same way.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from server.core.changes import Decision, ForgetEnded, PruneLog, RemoveMessages, TidyUp
from server.core.clock import CautiousClock
from server.core.errors import HubError
from server.core.hub import Hub
from server.core.model import Channel, Message
from server.core.ports import Span
from server.core.writer import Decide

DAY_MS = 24 * 3600 * 1000
EVENTS = 500
"""Of these that go in one transaction: some milliseconds."""

MESSAGES = 50
"""The same for messages, each of which leaves the full text too; and as many are looked at before an end is believed,
since a clock that was wrong for a while leaves some that seem young among the old."""

PAUSE_S = 0.1
PERIOD_S = 3600.0
VACUUM_PAGES = 256
VACUUM_STEPS = 32
"""Of so many pages each: at most 32 MB an hour are given back to the disk."""

Steps = AsyncGenerator[Decide, None]


async def keep(hub: Hub, log_days: int, clock: CautiousClock) -> None:
    """Look once an hour, from the start on; 0 days keep all events."""
    while True:
        with suppress(HubError):  # the disk or the database is away; the next hour finds the same
            await look(hub, log_days, clock.now_ms())
        await asyncio.sleep(PERIOD_S)


async def look(hub: Hub, log_days: int, at_ms: int) -> None:
    """Let everything go that is older at `at_ms` than it is kept."""
    rows = [old_messages(hub, channel, at_ms) for channel in list(hub.directory.channels.values())]
    if log_days:
        rows.append(old_events(hub, at_ms - log_days * DAY_MS))
    for row in (*rows, free_pages()):
        async with aclosing(row) as steps:
            async for step in steps:
                await asyncio.sleep(PAUSE_S)
                await hub.writer.submit(step)


async def old_events(hub: Hub, before_ms: int) -> Steps:
    """What takes the events from before `before_ms` out of the log; messages stay."""
    gone = EVENTS
    while gone >= EVENTS:
        oldest = hub.dispatch.oldest
        yield lambda: Decision((PruneLog(before_ms, EVENTS),))
        hub.dispatch.oldest = (await hub.log.head()).oldest
        gone = hub.dispatch.oldest - oldest
    yield lambda: Decision((ForgetEnded(before_ms),))


async def free_pages() -> Steps:
    """What gives room that became free back to the disk."""
    for _ in range(VACUUM_STEPS):
        yield lambda: Decision((TidyUp(VACUUM_PAGES),))


async def old_messages(hub: Hub, channel: Channel, at_ms: int) -> Steps:
    """What takes out of a channel the messages that it no longer keeps at `at_ms`.

    Nothing goes where the retention is still only announced, or has become another one by then.
    """
    if channel.retention_days is None or channel.retention_from is None or at_ms < channel.retention_from:
        return
    before_ms = at_ms - channel.retention_days * DAY_MS
    async for seqs in _old(hub, channel.id, before_ms):

        def decide(seqs: tuple[int, ...] = seqs) -> Decision:
            now = hub.directory.channels.get(channel.id)
            chosen = (channel.retention_days, channel.retention_from)
            if now is None or (now.retention_days, now.retention_from) != chosen:
                return Decision()
            return Decision((RemoveMessages(seqs, before_ms),))

        try:
            yield decide
        finally:  # whether it was stored is not always known
            hub.dispatch.restamp(channel.id)


async def _old(hub: Hub, channel_id: str, before_ms: int) -> AsyncIterator[tuple[int, ...]]:
    """The numbers of the messages that may go, so many at a time."""
    seqs: list[int] = []
    async for message in _walk(hub, channel_id, None, before_ms):
        seqs.append(message.seq)
        if len(seqs) == MESSAGES:
            yield tuple(seqs)
            seqs.clear()
    if seqs:
        yield tuple(seqs)


async def _walk(hub: Hub, channel_id: str, thread_id: str | None, before_ms: int) -> AsyncIterator[Message]:
    """Messages from before `before_ms`, the oldest first, each after what hangs under it.

    One with a younger reply is passed over; of those that come nevertheless the transaction has the last word.
    """
    after = 0
    while True:
        page = (await hub.log.history(channel_id, thread_id, Span(MESSAGES, after=after)))[:MESSAGES]
        old = [message for message in page if message.timestamp < before_ms]
        if not old:
            return
        for message in old:
            thread = message.thread
            if thread is not None:
                async for reply in _walk(hub, channel_id, thread.id, before_ms):
                    yield reply
            if thread is None or (thread.last_reply_at or 0) < before_ms:
                yield message
        after = page[-1].seq
