"""A drill from the first word to the audit: talk, break something, wait until all is well again, and so on."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from hubctl.drill.audit import Audit, Company, Reader, Writer
from hubctl.drill.victim import Victim, redis_of
from hubctl.errors import Failure
from hubctl.load.calls import Callers
from hubctl.load.guests import Guests
from hubctl.load.wire import Address, Decoder

POST_TIMEOUT_S = 5.0
TALK_MESSAGES = 40
"""How much is said before the next thing breaks, and again before it counts as mended."""

MEND_TIMEOUT_S = 30.0
POLL_S = 0.02
REDIS_BACK_S = 10.0

Tell = Callable[[str, float, Company], None]
"""Takes what is going on, how much of the drill is done (0 to 1), and those who talk."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many talk and listen, and how often everything is broken."""

    writers: int
    readers: int
    rounds: int


class Break(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that was broken: what the hub acknowledged meanwhile, and when every reader had everything again."""

    what: str
    mended_s: float | None
    acknowledged: int


class Outcome(msgspec.Struct, frozen=True):
    """What was broken, what could not be, and the audit."""

    breaks: list[Break]
    left_out: list[str]
    audit: Audit


class Drill:
    """One drill on `victim`, told of to `tell`."""

    def __init__(self, victim: Victim, plan: Plan, tell: Tell) -> None:
        self._victim = victim
        self._plan = plan
        self._tell = tell
        self._breaks: list[Break] = []
        self._left_out: list[str] = []

    async def run(self) -> Outcome:
        """Break and audit. Raises Failure when the hub cannot be brought back."""
        plan = self._plan
        async with (
            Callers(self._victim.target, timeout_s=POST_TIMEOUT_S) as callers,
            Guests(callers, "drill", max(plan.writers, plan.readers)) as guests,
            _talking(callers, guests, plan) as (company, writing),
        ):
            await self._rounds(company)
            self._tell("waiting for the last", 1.0, company)
            for writer in company.writers:
                writer.stopping = True
            await asyncio.wait(writing, timeout=MEND_TIMEOUT_S)
            await _until(lambda: company.lost() == 0)
            return Outcome(self._breaks, self._left_out, company.audit())

    async def _rounds(self, company: Company) -> None:
        ways = self._ways(company)
        steps = [way for _ in range(self._plan.rounds) for way in ways.items()]
        for number, (what, inflict) in enumerate(steps):
            self._tell(what, number / len(steps), company)
            await _progress(company)
            before, began_s = len(company.acknowledged()), time.monotonic()
            await inflict()
            mended = await _progress(company) and await _caught_up(company)
            took_s = time.monotonic() - began_s if mended else None
            self._breaks.append(Break(what, took_s, len(company.acknowledged()) - before))

    def _ways(self, company: Company) -> dict[str, Callable[[], Awaitable[None]]]:
        async def cut_streams() -> None:
            for reader in company.readers:
                reader.cut()

        ways: dict[str, Callable[[], Awaitable[None]]] = {"every stream cut": cut_streams}
        pid = self._victim.pid
        if pid is None:
            self._left_out.append("Redis and the hub: their processes are out of reach from here")
            return ways
        if redis_of(pid) is None:
            self._left_out.append("Redis: the hub uses one that it has not started itself")
        else:
            ways["Redis killed"] = self._kill_redis
        ways["the hub killed (-9), started again"] = self._victim.kill
        return ways

    async def _kill_redis(self) -> None:
        """Kill it once it is there; after the last time the hub may still be starting it."""
        end_s = time.monotonic() + REDIS_BACK_S
        while time.monotonic() < end_s:
            hub = self._victim.pid
            redis = redis_of(hub) if hub is not None else None
            if redis is not None:
                os.kill(redis, signal.SIGKILL)
                return
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _talking(
    callers: Callers, guests: Guests, plan: Plan
) -> AsyncIterator[tuple[Company, list[asyncio.Task[None]]]]:
    """Those who talk and listen, and the tasks of the former."""
    decoder, address = Decoder(), Address(callers.target.url)
    readers = [Reader(address, guest, decoder) for guest in guests.agents[: plan.readers]]
    writers = [Writer(callers, guest, guests.channel_id) for guest in guests.agents[: plan.writers]]
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    writing: list[asyncio.Task[None]] = []
    try:
        if not await _until(lambda: all(reader.connects for reader in readers)):
            raise Failure("the readers get no stream")
        writing += [asyncio.create_task(writer.run()) for writer in writers]
        yield Company(writers, readers), writing
    finally:
        for task in reading + writing:
            task.cancel()
        await asyncio.gather(*reading, *writing, return_exceptions=True)


async def _progress(company: Company) -> bool:
    """Whether some more is acknowledged in time."""
    goal = len(company.acknowledged()) + TALK_MESSAGES
    return await _until(lambda: len(company.acknowledged()) >= goal)


async def _caught_up(company: Company) -> bool:
    """Whether every reader gets, in time, all that is acknowledged by now."""
    now = company.acknowledged()
    return await _until(lambda: all(now <= reader.heard.keys() for reader in company.readers))


async def _until(condition: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + MEND_TIMEOUT_S
    while not condition():  # looked at rather than told: conditions are over several agents' books
        if time.monotonic() > end_s:
            return False
        await asyncio.sleep(POLL_S)
    return True
