"""Words enter the full text a moment after they were said, a few messages at a time, and posts go first."""

import asyncio
from contextlib import suppress
from time import perf_counter

from server.core.changes import Decision, IndexMessages
from server.core.errors import HubError
from server.core.hub import Hub

PERIOD_S = 0.5
STEP = 100
"""Messages that go in one transaction: some milliseconds, and more now and then when FTS5 puts its parts together."""

REST = 2.0
"""How many times as long as a step took it then keeps still, so that two thirds of the writer are the posts'."""

MOST_BEHIND = 5000
"""With more waiting it keeps still no more: a search looks at each of them."""


async def keep_indexed(hub: Hub) -> None:
    """Until cancelled."""
    reached = (await hub.log.head()).indexed
    while True:
        await asyncio.sleep(PERIOD_S)
        with suppress(HubError):  # the disk or the database is away; the next turn finds the same
            while reached < hub.dispatch.head:
                began_s = perf_counter()
                await hub.writer.submit(lambda: Decision((IndexMessages(STEP),)))
                reached = (await hub.log.head()).indexed
                if hub.dispatch.head - reached < MOST_BEHIND:
                    await asyncio.sleep(REST * (perf_counter() - began_s))
