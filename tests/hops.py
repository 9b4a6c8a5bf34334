"""What the hub counted of each hop, by its own exposition: between two looks, and with a fault and without."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from server.core.stats import STAGE_EDGES_S
from tests.hub import Client

ROUNDS = 4

Counts = dict[str, list[float]]
"""How many fell into each bucket, by stage."""


def stages(exposition: str) -> Counts:
    """What was counted of each stage so far, by bucket."""
    found: Counts = {}
    for stage, reached in re.findall(
        r'^hub_message_stage_seconds_bucket{le="[^"]+",stage="(\w+)"} (\S+)$', exposition, re.MULTILINE
    ):
        found.setdefault(stage, []).append(float(reached))
    return {
        stage: [reached - (all_of_it[at - 1] if at else 0) for at, reached in enumerate(all_of_it)]
        for stage, all_of_it in found.items()
    }


def usual_s(counts: list[float]) -> float:
    """What a quarter of what was counted lies below, within its bucket as if it were even; 0 of nothing.

    A delay moves all of them; what a busy machine does moves the slower ones.
    """
    left = sum(counts) / 4
    for at, inside in enumerate(counts):
        if inside and left <= inside:
            lower = STAGE_EDGES_S[at - 1] if at else 0.0
            return lower + (STAGE_EDGES_S[min(at, len(STAGE_EDGES_S) - 1)] - lower) * left / inside
        left -= inside
    return 0.0


async def exposed(client: Client) -> Counts:
    """What is counted now."""
    return stages((await client.call("GET", "/metrics")).body.decode())


async def growth_s(
    client: Client, speak: Callable[[], Awaitable[None]], fault: Callable[[], AbstractAsyncContextManager[None]]
) -> dict[str, float]:
    """By how much the fault makes each hop grow: with and without it in turn, as other load comes and goes."""
    counted: dict[bool, Counts] = {False: {}, True: {}}
    for turn in range(2 * ROUNDS):
        faulty = bool(turn % 2)
        async with fault() if faulty else nothing():
            before = await exposed(client)
            await speak()
            after = await exposed(client)
        for stage, counts in after.items():
            sums = counted[faulty].setdefault(stage, [0.0] * len(counts))
            was = before.get(stage, [0.0] * len(counts))
            counted[faulty][stage] = [total + now - then for total, now, then in zip(sums, counts, was, strict=True)]
    return {stage: usual_s(counts) - usual_s(counted[False][stage]) for stage, counts in counted[True].items()}


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    """No fault."""
    yield
