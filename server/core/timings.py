"""Timings that only clients can take, bounded before they count, and the hops of one message."""

from collections.abc import Iterable, Mapping
from time import monotonic

import msgspec

from server.core import messages
from server.core.errors import Invalid, TooMany
from server.core.hub import Hub
from server.core.model import Caller
from server.core.reporters import REPORTS_A_MINUTE
from server.core.stats import Histogram

LONGEST_S = 60.0
"""What a value beyond the last edge counts as at most."""

CLOCK_ERROR_MS_MOST = 5.0
"""With a clock that may be further off than this, times since a message's arrival say nothing."""


class Counted(msgspec.Struct, frozen=True):
    """Values counted by the hub's edges, the last bucket beyond all of them, and their sum in seconds."""

    counts: tuple[int, ...]
    sum_s: float


class Report(msgspec.Struct, frozen=True):
    """What a client counted since its last report: since arrival (`points`) and each hop by itself (`stages`)."""

    points: Mapping[str, Counted]
    stages: Mapping[str, Counted]
    clock_error_ms: float | None = None


def take(hub: Hub, caller: Caller, report: Report) -> None:
    """Merge a report into what is counted. Raises Invalid for a wrong number of buckets, TooMany."""
    stats = hub.stats
    points = [("points", name, counted, stats.client_points[name]) for name, counted in report.points.items()]
    stages = [("stages", name, counted, stats.client_stages[name]) for name, counted in report.stages.items()]
    _check((*points, *stages))
    wait_s = hub.reporters.count(caller.credential, monotonic())
    if wait_s:
        stats.client_reports["limited"] += 1
        raise TooMany("rate_limited", f"at most {REPORTS_A_MINUTE} reports a minute are taken", int(wait_s) + 1)
    clock_error_ms = report.clock_error_ms
    result = "taken"
    if clock_error_ms is not None:
        stats.client_clock_error.observe(clock_error_ms / 1000)
        if clock_error_ms > CLOCK_ERROR_MS_MOST:
            result, points = "clock", []
    clamped = [_merge(counted, histogram) for _, _, counted, histogram in (*points, *stages)]
    stats.client_reports["clamped" if result == "taken" and any(clamped) else result] += 1


def _check(parts: Iterable[tuple[str, str, Counted, Histogram]]) -> None:
    for group, name, counted, histogram in parts:
        wanted = len(histogram.counts)
        if len(counted.counts) != wanted:
            raise Invalid(f"{group}.{name}.counts", f"there are {wanted} buckets: one an edge, and what is beyond")


def _merge(counted: Counted, histogram: Histogram) -> bool:
    """Count it, with a sum that the buckets allow; whether the client's own sum was none."""
    edges_s = histogram.edges_s
    lowest_s = sum(count * edge_s for count, edge_s in zip(counted.counts, (0.0, *edges_s), strict=True))
    highest_s = sum(count * edge_s for count, edge_s in zip(counted.counts, (*edges_s, LONGEST_S), strict=True))
    sum_s = min(max(counted.sum_s, lowest_s), highest_s)
    histogram.merge(counted.counts, sum_s)
    # a sum of rounded values may lie a hair outside
    return abs(sum_s - counted.sum_s) > 1e-6


class Hops(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a message passed each point of the hub, in ms since it arrived; what is not known is absent."""

    accepted: float | None = None
    stored: float | None = None
    published: float | None = None
    fanned_out: float | None = None


class Traced(msgspec.Struct, frozen=True):
    """A message's place in the log, and its hops."""

    id: str
    seq: int
    hops: Hops


async def trace(hub: Hub, caller: Caller, message_id: str) -> Traced:
    """The hops of a message that the caller may read; they are known while memory holds it."""
    message = await messages.find(hub, caller, message_id)
    entry = hub.dispatch.entry(message.seq)
    if entry is None or not entry.arrived_s:
        return Traced(message.id, message.seq, Hops())
    arrived_s = entry.arrived_s
    ends_s = (entry.accepted_s, entry.stored_s, entry.published_s, entry.fanned_out_s)
    passed = (round((end_s - arrived_s) * 1000, 3) if end_s else None for end_s in ends_s)
    return Traced(message.id, message.seq, Hops(*passed))
