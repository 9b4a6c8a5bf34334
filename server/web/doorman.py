"""Connections that never get to the point: who has not sent a whole request head in time is shown out.

aiohttp bounds the pause between two requests and not the wait for the first one.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from aiohttp import web

HEAD_S = 10.0
LOOK_S = 1.0


class Doorman:
    """Looks once a second at the connections that are open."""

    def __init__(self) -> None:
        self._spoken: set[web.RequestHandler] = set()
        self._since_s: dict[web.RequestHandler, float] = {}

    def heard(self, connection: web.RequestHandler) -> None:
        """A whole request head came on this connection."""
        self._spoken.add(connection)

    async def run(self, connections: Callable[[], list[web.RequestHandler]]) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._look(connections(), monotonic())

    def _look(self, connections: list[web.RequestHandler], now_s: float) -> None:
        self._spoken.intersection_update(connections)
        silent = (connection for connection in connections if connection not in self._spoken)
        self._since_s = {connection: self._since_s.get(connection, now_s) for connection in silent}
        for connection, since_s in self._since_s.items():
            if now_s - since_s >= HEAD_S:
                connection.force_close()
