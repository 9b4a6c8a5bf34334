"""Whether all is well: for whoever asks, and once a second by itself."""

import asyncio
from contextlib import suppress
from time import perf_counter

from server.core.changes import Decision, TouchLog
from server.core.errors import HubError
from server.core.hub import Hub

SILENCE_S = 15.0
TICK_S = 1.0


class Watch:
    """Fulfils `web.ports.Health`, and looks once a second whether all turns as it should."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def parts(self) -> dict[str, str]:
        """See `web.ports.Health.parts`."""
        database = await self._hub.log.probe() or self._hub.writer.failing or "ok"
        redis = "ok" if self._hub.stats.redis_up else "away; messages go on, a little slower"
        return {"database": database, "redis": redis}

    async def can_write(self) -> bool:
        """See `web.ports.Health.can_write`."""
        writer = self._hub.writer
        if writer.failing:
            with suppress(HubError):  # nobody may post meanwhile; this finds out whether there is room again
                await writer.submit(lambda: Decision((TouchLog(),)))
        return not writer.failing and await self._hub.log.probe() is None

    async def run(self) -> None:
        """Beat for quiet readers, ring for what nobody rang for, and measure how late the loop is."""
        while True:
            before_s = perf_counter()
            await asyncio.sleep(TICK_S)
            self._hub.stats.loop_lag.observe(max(0.0, perf_counter() - before_s - TICK_S))
            self._hub.dispatch.ring(self._hub.dispatch.head)
            self._hub.dispatch.beat(SILENCE_S)
