"""What waits for Redis: sent in order, so many at a time, by one task that is there only while there is something."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

PIPELINE = 256
"""How much is published in one pipeline at most."""


class Outbox(Generic[T]):
    """Hands what is put in to `send`, soon; with `most` the oldest of what waits go when it is more."""

    def __init__(self, send: Callable[[list[T]], Awaitable[None]], most: int | None = None) -> None:
        self._send = send
        self._most = most
        self._waiting: list[T] = []
        self._task: asyncio.Task[None] | None = None

    def put(self, items: Iterable[T]) -> None:
        """Send these behind what waits."""
        self._waiting.extend(items)
        if self._most is not None:
            del self._waiting[: -self._most]
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._empty())

    async def stop(self) -> None:
        """Send what is left."""
        if self._task is not None:
            await self._task

    async def _empty(self) -> None:
        try:
            while self._waiting:
                some = self._waiting[:PIPELINE]
                del self._waiting[:PIPELINE]
                await self._send(some)
        finally:
            self._task = None
