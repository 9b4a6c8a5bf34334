"""Words enter the full text when nobody posts for a moment, a few messages at a time; a search sees the others too."""

import asyncio
from contextlib import suppress

from server.core.changes import Decision, IndexMessages
from server.core.errors import HubError
from server.core.hub import Hub

PERIOD_S = 0.5
STEP = 100
"""Messages that go in one transaction: some milliseconds, and more now and then when FTS5 puts its parts together."""

QUIET_S = 0.05
"""How long nothing must have been stored before a step: a post behind one waits for it."""

MOST_BEHIND = 20_000
"""With more waiting it keeps still no more: a search looks at each of them, and takes some 30 ms for so many."""


async def keep_indexed(hub: Hub) -> None:
    """Until cancelled."""
    reached = (await hub.log.head()).indexed
    while True:
        await asyncio.sleep(PERIOD_S)
        with suppress(HubError):  # the disk or the database is away; the next turn finds the same
            while reached < hub.dispatch.head:
                if hub.dispatch.head - reached < MOST_BEHIND and not await _is_quiet(hub):
                    continue
                await hub.writer.submit(lambda: Decision((IndexMessages(STEP),)))
                reached = (await hub.log.head()).indexed


async def _is_quiet(hub: Hub) -> bool:
    before = hub.dispatch.head
    await asyncio.sleep(QUIET_S)
    return hub.dispatch.head == before
