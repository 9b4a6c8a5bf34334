"""Telling Redis what was committed: for other programs and other hubs, so no reader of this one waits for it."""

from collections.abc import Sequence
from time import perf_counter

from server.core.changes import Entry
from server.core.outbox import Outbox
from server.core.ports import Bell
from server.core.stats import Stats


class Publisher:
    """Publishes committed entries in seq order, and never what Redis did not take a second time."""

    def __init__(self, bell: Bell, stats: Stats) -> None:
        self._bell = bell
        self._stats = stats
        self._outbox = Outbox(self._publish)

    def publish(self, entries: Sequence[Entry]) -> None:
        """Publish entries that were just committed, soon."""
        for entry in entries:
            entry.publishing = True
        self._outbox.put(entries)

    async def stop(self) -> None:
        """Publish what is left."""
        await self._outbox.stop()

    async def _publish(self, batch: list[Entry]) -> None:
        self._observe(batch, taken=await self._bell.publish(batch))

    def _observe(self, batch: Sequence[Entry], *, taken: bool) -> None:
        now_s = perf_counter()
        for entry in batch:
            entry.publishing = False
            if taken:
                entry.published_s = now_s
                if entry.stored_s:
                    self._stats.published.observe(entry.arrived_s, entry.stored_s, now_s)
            self._stats.told(entry)
