"""Telling Redis what was committed: for other programs and other hubs, so no reader of this one waits for it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import perf_counter

from server.core.changes import Entry
from server.core.ports import Bell
from server.core.stats import Stats

PIPELINE = 256
"""Entries published in one pipeline at most."""


class Publisher:
    """Publishes committed entries in seq order, and never what Redis did not take a second time."""

    def __init__(self, bell: Bell, stats: Stats) -> None:
        self._bell = bell
        self._stats = stats
        self._outbox: deque[Entry] = deque()
        self._task: asyncio.Task[None] | None = None

    def publish(self, entries: Sequence[Entry]) -> None:
        """Publish entries that were just committed, soon."""
        for entry in entries:
            entry.publishing = True
        self._outbox.extend(entries)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._publish())

    async def stop(self) -> None:
        """Publish what is left."""
        if self._task is not None:
            await self._task

    async def _publish(self) -> None:
        try:
            while self._outbox:
                batch = [self._outbox.popleft() for _ in range(min(PIPELINE, len(self._outbox)))]
                self._observe(batch, taken=await self._bell.publish(batch))
        finally:
            self._task = None

    def _observe(self, batch: Sequence[Entry], *, taken: bool) -> None:
        now_s = perf_counter()
        for entry in batch:
            entry.publishing = False
            if taken:
                entry.published_s = now_s
                if entry.stored_s:
                    self._stats.published.observe(entry.arrived_s, entry.stored_s, now_s)
            self._stats.told(entry)
