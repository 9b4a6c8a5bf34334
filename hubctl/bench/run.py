"""One run from the first agent made to the last one removed."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import msgspec

from hubctl.bench import exposition
from hubctl.bench.ledger import Ledger
from hubctl.bench.pace import Pace, Plan
from hubctl.bench.verdict import HOPS_MS, Burst, Measured, Spread
from hubctl.load import local
from hubctl.load.calls import Callers
from hubctl.load.guests import Guests
from hubctl.load.wire import Address, Connection, Decoder, connect
from hubctl.target import Target

SECOND_NS = 1_000_000_000
STREAMS_AT_ONCE = 16
LATE_S = 5.0
TTL_PATIENCE_S = 2.0
RSS_METRIC = "process_resident_memory_bytes"
TTL_METRIC = "hub_ttl_expiry_error_seconds"
HOP_METRIC = "hub_message_latency_seconds"
BURST_PUBLISHERS = 100
"""As many as the customer's own load test has."""

Tell = Callable[[str, float, Ledger | None], None]
"""Takes what is going on, how much of the run is done (0 to 1), and the book once there is one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured, the distributions behind it, and the first word of a hub that said no."""

    measured: Measured
    ledger: Ledger
    first_refusal: str


@dataclass(slots=True)
class _Clock:
    """When the measured part began, by the wall and by this process's own use of the processor."""

    began_ns: int
    busy_s: float
    answered: int
    deliveries: int


async def bench(target: Target, plan: Plan, tell: Tell) -> Outcome:
    """Run `plan` against the hub. Everything that was made is removed again, also when this is cancelled.

    Raises Failure when the hub refuses what a run needs.
    """
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    tell("making agents", 0.0, None)
    async with Callers(target) as callers, Guests(callers, "bench", plan.agents) as guests:
        ledger = Ledger(guests.channel_id, plan.agents)
        pace = Pace(plan, callers, guests, ledger)
        async with _streams(target, guests, ledger):
            try:
                measured = await _measured(plan, pace, callers, ledger, tell)
            finally:
                await pace.stop()
        tell("removing agents", 1.0, ledger)
    return Outcome(measured, ledger, pace.first_refusal)


@asynccontextmanager
async def _streams(target: Target, guests: Guests, ledger: Ledger) -> AsyncIterator[None]:
    """A stream for each agent, all of them fed into `ledger`."""
    decoder, turns = Decoder(), asyncio.Semaphore(STREAMS_AT_ONCE)
    address = Address(target.url, f"?channels={guests.channel_id}")
    opened: list[Connection] = []

    async def open_one(number: int, token: str) -> None:
        async with turns:
            opened.append(await connect(address, token, "", decoder, partial(ledger.hear, number)))

    jobs = [asyncio.create_task(open_one(number, agent.token)) for number, agent in enumerate(guests.agents)]
    try:
        await asyncio.gather(*jobs)
        yield
    finally:
        for job in jobs:
            job.cancel()
        for connection in opened:
            connection.abort()


async def _measured(plan: Plan, pace: Pace, callers: Callers, ledger: Ledger, tell: Tell) -> Measured:
    showing = asyncio.create_task(_show(plan, ledger, tell))
    turning = [showing]
    try:
        if plan.ramp_s:
            await pace.messages(plan.ramp_s, plan.rate / 10)
        before = await _metrics(callers)
        turning += [asyncio.create_task(pace.signals()), asyncio.create_task(pace.watch_lag())]
        ledger.counting = True
        clock = _Clock(time.perf_counter_ns(), time.process_time(), ledger.answered, ledger.deliveries)
        await pace.messages(plan.seconds, plan.rate)
        busy = (time.process_time() - clock.busy_s) / ((time.perf_counter_ns() - clock.began_ns) / SECOND_NS)
        resident = await _resident_bytes(callers)
        await _until(lambda: not ledger.under_way, LATE_S)
        if plan.seconds > TTL_PATIENCE_S + LATE_S:
            await _until(lambda: ledger.lasting is None or ledger.lasting.error_s is not None, LATE_S)
        after = await _metrics(callers)
        measured = _summed(plan, pace, ledger, clock, busy, resident, (before, after))
        if not plan.burst:
            return measured
        ledger.counting = False
        burst = await _burst(plan, pace, ledger)
    finally:
        for task in turning:
            task.cancel()
    # what is lost or comes twice in the burst counts as well
    whole = {"answered": ledger.answered, "lost": ledger.lost, "twice": ledger.twice, "refused": ledger.refused}
    return msgspec.structs.replace(measured, burst=burst, **whole)


async def _burst(plan: Plan, pace: Pace, ledger: Ledger) -> Burst:
    began_ns, answered, deliveries = time.perf_counter_ns(), ledger.answered, ledger.deliveries
    took = await pace.burst(BURST_PUBLISHERS, plan.burst)
    posted_s = (time.perf_counter_ns() - began_ns) / SECOND_NS
    await _until(lambda: not ledger.under_way, LATE_S)
    delivered_s = max(posted_s, (ledger.last_delivery_ns - began_ns) / SECOND_NS)
    return Burst(
        publishers=BURST_PUBLISHERS,
        messages=plan.burst,
        post=Spread.of(took),
        message_rate=(ledger.answered - answered) / posted_s,
        delivery_rate=(ledger.deliveries - deliveries) / delivered_s,
    )


def _summed(
    plan: Plan,
    pace: Pace,
    ledger: Ledger,
    clock: _Clock,
    busy: float,
    resident_bytes: int | None,
    metrics: tuple[str, str],
) -> Measured:
    before, after = (exposition.buckets(text, TTL_METRIC) for text in metrics)
    hops: dict[str, tuple[int, int]] = {}
    for hop, most_ms in HOPS_MS.items():
        early, late = (exposition.buckets(text, HOP_METRIC, f'point="{hop}"') for text in metrics)
        if late:
            hops[hop] = exposition.between(early, late, most_ms / 1000)
    # A hub that falls behind delivers the last message long after it was sent.
    took_s = max(plan.seconds, (ledger.last_delivery_ns - clock.began_ns) / SECOND_NS)
    return Measured(
        agents=plan.agents,
        asked_rate=plan.rate,
        seconds=plan.seconds,
        post=Spread.of(ledger.post),
        delivery=Spread.of(ledger.delivery),
        presence=Spread.of(ledger.presence),
        typing=Spread.of(ledger.typing),
        answered=ledger.answered,
        refused=ledger.refused,
        message_rate=(ledger.answered - clock.answered) / took_s,
        delivery_rate=(ledger.deliveries - clock.deliveries) / took_s,
        lost=ledger.lost,
        twice=ledger.twice,
        resident_bytes=resident_bytes,
        typing_ttl_error_s=ledger.lasting.error_s if ledger.lasting else None,
        hub_ttl=exposition.between(before, after, 1.0) if after else None,
        lag_p99_ms=pace.lag.quantile_ms(0.99) or 0.0,
        busy=busy,
        held_back=pace.held_back,
        hops=hops,
    )


async def _metrics(callers: Callers) -> str:
    return await callers.text(callers.target.token, "/metrics")


async def _resident_bytes(callers: Callers) -> int | None:
    """What the hub keeps in memory, by its own word, else by the kernel's when it runs here."""
    told = exposition.gauge(await _metrics(callers), RSS_METRIC)
    if told is not None:
        return int(told)
    process = await asyncio.to_thread(local.find, callers.target.url)
    return process.resident_bytes() if process else None


async def _until(condition: Callable[[], bool], most_s: float) -> None:
    end_s = time.monotonic() + most_s
    while not condition() and time.monotonic() < end_s:  # noqa: ASYNC110 - looked at now and then, told by nobody
        await asyncio.sleep(0.02)


async def _show(plan: Plan, ledger: Ledger, tell: Tell) -> None:
    began_s = time.monotonic()
    while True:
        gone_s = time.monotonic() - began_s
        words = "warming up" if not ledger.counting else "measuring"
        if gone_s > plan.ramp_s + plan.seconds:
            words = "waiting for the last" if ledger.counting else "a burst"
        tell(words, min(1.0, gone_s / (plan.ramp_s + plan.seconds)), ledger)
        await asyncio.sleep(0.25)
