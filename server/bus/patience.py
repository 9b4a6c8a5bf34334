"""A time limit for Redis in which only the time counts in which this process turned.

On a starved machine the loop comes late to everything: a plain limit is over before the answer, which lies in the
socket, has been looked for, and a healthy Redis would be called away.
"""

import asyncio
from types import TracebackType

STEPS = 5
"""The limit is passed in so many steps; between two of them sockets are read, and one that comes late counts as one."""


class Patience:
    """`async with Patience(limit_s)` raises TimeoutError as `asyncio.timeout` does."""

    def __init__(self, limit_s: float) -> None:
        self._step_s = limit_s / STEPS
        self._left = STEPS
        self._limit = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> None:
        self._timer = self._loop.call_later(self._step_s, self._step)
        await self._limit.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _step(self) -> None:
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(self._step_s, self._step)
        else:
            self._limit.reschedule(self._loop.time())
