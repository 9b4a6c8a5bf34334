"""Whether all is well: for whoever asks, and once a second by itself."""

import asyncio
from contextlib import suppress
from pathlib import Path
from time import perf_counter

from server.core.box import DISK_LOW_BYTES, disk_free_bytes
from server.core.changes import Decision, TouchLog
from server.core.errors import HubError
from server.core.hub import Hub

SILENCE_S = 15.0
TICK_S = 1.0


class Watch:
    """Fulfils `web.ports.Health`, and looks once a second whether all turns as it should."""

    def __init__(self, hub: Hub, data_dir: Path) -> None:
        self._hub = hub
        self._data_dir = data_dir

    async def parts(self) -> dict[str, str]:
        """See `web.ports.Health.parts`."""
        log = self._hub.log
        database = await log.probe() or self._hub.writer.failing or log.burden() or "ok"
        redis = "ok" if self._hub.stats.redis_up else "away; messages go on, programs that listen there hear nothing"
        success = self._hub.stats.probe_success
        canary = {} if success is None else {"canary": "ok" if success else "its last message did not come back"}
        return {"database": database, "redis": redis, "disk": self._disk(), **canary}

    def _disk(self) -> str:
        if not self._data_dir.exists():
            return f"{self._data_dir} is not there any more"
        free_bytes = self.disk_free_bytes()
        return "ok" if free_bytes >= DISK_LOW_BYTES else f"{free_bytes // 1_000_000} MB are left"

    def disk_free_bytes(self) -> int:
        """See `web.ports.Health.disk_free_bytes`."""
        return disk_free_bytes(self._data_dir)

    async def can_write(self) -> bool:
        """See `web.ports.Health.can_write`."""
        writer = self._hub.writer
        if writer.failing:
            with suppress(HubError):  # nobody may post meanwhile; this finds out whether there is room again
                await writer.submit(lambda: Decision((TouchLog(),)))
        return not writer.failing and await self._hub.log.probe() is None

    async def run(self) -> None:
        """Beat for quiet readers, and measure how late the loop is."""
        while True:
            before_s = perf_counter()
            await asyncio.sleep(TICK_S)
            self._hub.stats.loop_lag.observe(max(0.0, perf_counter() - before_s - TICK_S))
            self._hub.dispatch.beat(SILENCE_S)
