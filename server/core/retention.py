"""Growth is bounded: old events leave the log a few at a time, so that nobody waits for it."""

import asyncio
from contextlib import suppress

from server.core.changes import Decision, ForgetEnded, PruneLog, TidyUp
from server.core.clock import now_ms
from server.core.errors import HubError
from server.core.hub import Hub

DAY_MS = 24 * 3600 * 1000
STEP = 500
"""Events that go in one transaction: some milliseconds."""

PAUSE_S = 0.1
PERIOD_S = 3600.0
VACUUM_PAGES = 256
VACUUM_STEPS = 32
"""Of so many pages each: at most 32 MB an hour are given back to the disk."""


async def keep(hub: Hub, retention_days: int) -> None:
    """Prune once an hour, from the start on; 0 days keep everything."""
    while True:
        with suppress(HubError):  # the disk or the database is away; the next hour finds the same
            if retention_days:
                await prune(hub, now_ms() - retention_days * DAY_MS)
            await _tidy_up(hub)
        await asyncio.sleep(PERIOD_S)


async def prune(hub: Hub, before_ms: int) -> None:
    """Let every event from before `before_ms` go, STEP at a time; messages stay."""
    while True:
        oldest = hub.dispatch.oldest
        await hub.writer.submit(lambda: Decision((PruneLog(before_ms, STEP),)))
        hub.dispatch.oldest = (await hub.log.head()).oldest
        if hub.dispatch.oldest - oldest < STEP:
            break
        await asyncio.sleep(PAUSE_S)
    await hub.writer.submit(lambda: Decision((ForgetEnded(before_ms),)))


async def _tidy_up(hub: Hub) -> None:
    for _ in range(VACUUM_STEPS):
        await hub.writer.submit(lambda: Decision((TidyUp(VACUUM_PAGES),)))
        await asyncio.sleep(PAUSE_S)
