"""Telling Redis, and ringing by ourselves where Redis does not: no message waits for it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import perf_counter

from server.core.changes import Entry
from server.core.dispatch import Dispatch
from server.core.ports import Bell
from server.core.stats import Stats

PATIENCE_S = 0.05
"""How long a commit waits for Redis to ring before the hub does it itself."""

PIPELINE = 256
"""Entries published in one pipeline at most."""


class Ringer:
    """Publishes committed entries in seq order and makes sure that the dispatcher hears of each."""

    def __init__(self, bell: Bell, dispatch: Dispatch, stats: Stats) -> None:
        self._bell = bell
        self._dispatch = dispatch
        self._stats = stats
        self._outbox: deque[Entry] = deque()
        self._task: asyncio.Task[None] | None = None

    def announce(self, entries: Sequence[Entry]) -> None:
        """Publish entries that were just committed; readers hear of them within PATIENCE_S, Redis or not."""
        self._outbox.extend(entries)
        loop = asyncio.get_running_loop()
        loop.call_later(PATIENCE_S, self._dispatch.ring, entries[-1].seq)
        if self._task is None:
            self._task = loop.create_task(self._publish())

    async def stop(self) -> None:
        """Publish what is left."""
        if self._task is not None:
            await self._task

    async def _publish(self) -> None:
        try:
            while self._outbox:
                batch = [self._outbox.popleft() for _ in range(min(PIPELINE, len(self._outbox)))]
                if await self._bell.publish(batch):
                    self._observe(batch)
                else:
                    self._dispatch.ring(batch[-1].seq)
        finally:
            self._task = None

    def _observe(self, batch: Sequence[Entry]) -> None:
        now_s = perf_counter()
        for entry in batch:
            entry.published_s = now_s
            if entry.stored_s:
                self._stats.published.observe(entry.arrived_s, entry.stored_s, now_s)
