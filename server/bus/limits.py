"""Rate limits: counters of a minute in Redis, all that are asked for in one turn of the loop in one transaction.

`SET key 0 PX 60000 NX; INCR; PTTL` works on every Redis, sets counter and expiry in one step, and leaves the minute
as long as it was. Whose minute is known and not half used up is counted all the same but does not wait for the answer.
While Redis is away or slow the same minute goes on in memory: the doors are never open, and nobody waits for them.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from math import ceil
from time import monotonic
from typing import Any

from server.bus.keys import Keys, Lifetimes
from server.bus.line import Line
from server.bus.link import Link
from server.bus.wire import Command
from server.core.ports import Count

PATIENCE_S = 0.05
"""How long a check waits for Redis before memory answers it."""

GATHER_S = 0.02
"""How long counts wait for more of them where nobody waits for the answer."""

REMEMBERED = 10_000
"""Counters in memory before those that are over are forgotten."""

_Waiting = list[tuple[str, asyncio.Future[Count] | None]]
"""What is to be counted, and who waits for the number."""


class LocalCounters:
    """The same counters in memory, kept up to date by what Redis says."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._counters: dict[str, tuple[int, float]] = {}

    def count(self, key: str) -> Count:
        """Count once, here alone."""
        now_s = monotonic()
        times, resets_s = self._counters.get(key, (0, 0.0))
        if resets_s <= now_s:
            times, resets_s = 0, now_s + self._lifetime_s
            self._forget(now_s)
        self._counters[key] = (times + 1, resets_s)
        return Count(times + 1, ceil((resets_s - now_s) * 1000))

    def has_room(self, key: str, most: int) -> bool:
        """Whether the minute is known, and not half over its limit."""
        times, resets_s = self._counters.get(key, (0, 0.0))
        return times < most // 2 and resets_s > monotonic()

    def learn(self, key: str, count: Count) -> None:
        """Go on from what Redis counted."""
        self._counters[key] = (count.times, monotonic() + count.resets_ms / 1000)

    def _forget(self, now_s: float) -> None:
        if len(self._counters) > REMEMBERED:
            self._counters = {key: value for key, value in self._counters.items() if value[1] > now_s}


class RedisCounters:
    """Fulfils `core.ports.Counters`."""

    def __init__(self, link: Link, keys: Keys, lifetimes: Lifetimes) -> None:
        self._link = link
        self._line = Line(link)
        self._keys = keys
        self._lifetime_ms = int(lifetimes.limit_s * 1000)
        self._local = LocalCounters(lifetimes.limit_s)
        self._waiting: _Waiting = []
        self._asking: asyncio.Task[None] | None = None
        self._next_ask: asyncio.Handle | None = None
        self._is_urgent = False
        self._slow = False

    async def count(self, action: str, agent_id: str) -> Count:
        """See `core.ports.Counters.count`."""
        key = self._keys.limit(action, agent_id)
        if self._slow or not self._link.healthy:
            return self._local.count(key)
        future: asyncio.Future[Count] = asyncio.get_running_loop().create_future()
        self._wait(key, future)
        return await future

    def count_ahead(self, action: str, agent_id: str, most: int) -> bool:
        """See `core.ports.Counters.count_ahead`."""
        key = self._keys.limit(action, agent_id)
        if not self._local.has_room(key, most):
            return False
        self._local.count(key)
        if not self._slow and self._link.healthy:
            self._wait(key, None)
        return True

    def _wait(self, key: str, future: asyncio.Future[Count] | None) -> None:
        self._waiting.append((key, future))
        if self._asking is None:
            self._schedule(urgent=future is not None)

    def _schedule(self, *, urgent: bool) -> None:
        """Ask after this turn of the loop where somebody waits for the answer, else in a while, for more at once."""
        if self._next_ask is not None:
            if self._is_urgent or not urgent:
                return
            self._next_ask.cancel()
        loop = asyncio.get_running_loop()
        self._is_urgent = urgent
        self._next_ask = loop.call_soon(self._next) if urgent else loop.call_later(GATHER_S, self._next)

    def _next(self) -> None:
        """Ask for all that wait; what comes meanwhile is asked for together after that."""
        self._next_ask = None
        batch, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        timer = loop.call_later(PATIENCE_S, self._lose_patience, batch)
        self._asking = loop.create_task(self._ask(batch, timer))

    async def _ask(self, batch: _Waiting, timer: asyncio.TimerHandle) -> None:
        try:
            wanted = Counter(key for key, _ in batch)
            answers = await self._line.ask("limit", self._commands(wanted))
            if answers is not None and isinstance(answers[-1], list):
                await self._take(batch, wanted, answers[-1])
        finally:
            timer.cancel()
            self._slow = False
            self._asking = None
            self._answer_here(batch)
            if self._waiting:
                self._schedule(urgent=any(future is not None for _, future in self._waiting))

    def _commands(self, wanted: Mapping[str, int]) -> list[Command]:
        lifetime_ms = b"%d" % self._lifetime_ms
        commands: list[Command] = [(b"MULTI",)]
        for name, times in wanted.items():
            key = name.encode()
            commands.append((b"SET", key, b"0", b"PX", lifetime_ms, b"NX"))
            commands.append((b"INCRBY", key, b"%d" % times))
            commands.append((b"PTTL", key))
        commands.append((b"EXEC",))
        return commands

    async def close(self) -> None:
        """Hang up."""
        if self._next_ask is not None:
            self._next_ask.cancel()
        await self._line.close()

    async def _take(self, batch: _Waiting, wanted: Counter[str], answers: list[Any]) -> None:
        counts: dict[str, Count] = {}
        wrong: list[str] = []
        ahead = Counter(key for key, future in self._waiting if future is None)
        for place, (key, times) in enumerate(wanted.items()):
            counted, left_ms = answers[3 * place + 1 : 3 * place + 3]
            if isinstance(counted, int) and counted >= times and 0 <= left_ms <= self._lifetime_ms:
                counts[key] = Count(counted - times, left_ms)
                self._local.learn(key, Count(counted + ahead[key], left_ms))
            else:
                wrong.append(key)
        self._answer(batch, counts)
        if wrong:
            # no counter, or one that would never end: somebody else's; memory goes on from what it knows
            await self._line.ask("limit", [(b"DEL", *(key.encode() for key in wrong))])

    @staticmethod
    def _answer(batch: _Waiting, before: dict[str, Count]) -> None:
        rank: Counter[str] = Counter()
        for key, future in batch:
            count = before.get(key)
            if count is None:
                continue
            rank[key] += 1
            if future is not None and not future.done():
                future.set_result(Count(count.times + rank[key], count.resets_ms))

    def _lose_patience(self, batch: _Waiting) -> None:
        self._slow = True
        waiting, self._waiting = self._waiting, []
        self._answer_here(batch)
        self._answer_here(waiting)

    def _answer_here(self, batch: _Waiting) -> None:
        for key, future in batch:
            if future is not None and not future.done():
                future.set_result(self._local.count(key))
