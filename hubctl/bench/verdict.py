"""The customer's budget, line by line: what was asked, what was measured, whether it was reached."""

import msgspec

from hubctl.load.latencies import Latencies

MEMORY_BYTES = 500_000_000
SUSTAINED = 0.99
HOPS_MS = {"stored": 5, "published": 10, "fanned_out": 20}
"""The customer's budget of the hub's own hops, since a message arrived."""
LAG_DOUBTFUL_MS = 5.0
BUSY_DOUBTFUL = 0.85
TTL_S = 1.0


class Line(msgspec.Struct, frozen=True):
    """One line. `reached` is None when it was not measured, and `measured` says why."""

    what: str
    asked: str
    measured: str
    reached: bool | None


class Spread(msgspec.Struct, frozen=True, rename="camel"):
    """A distribution in ms; None where nothing was counted."""

    count: int
    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    longest_ms: float

    @classmethod
    def of(cls, latencies: Latencies) -> "Spread":
        """The spread of `latencies`."""
        quantile = latencies.quantile_ms
        return cls(latencies.total, quantile(0.5), quantile(0.99), quantile(0.999), latencies.longest_ns / 1e6)

    def words(self) -> str:
        """For people."""
        if not self.count:
            return "nothing was heard"
        return f"p50 {self.p50_ms:.1f}, p99 {self.p99_ms:.1f}, p99.9 {self.p999_ms:.1f} ms"


class Burst(msgspec.Struct, frozen=True, rename="camel"):
    """Many publishers at once, each with its next message as soon as the last is answered."""

    publishers: int
    messages: int
    post: Spread
    message_rate: float
    delivery_rate: float


class Measured(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that a run found out.

    `hops` and `hub_ttl` are (within the budget, all) by the hub's own count, empty and None when it counts none.
    """

    agents: int
    asked_rate: float
    seconds: float
    post: Spread
    delivery: Spread
    presence: Spread
    typing: Spread
    answered: int
    refused: int
    message_rate: float
    delivery_rate: float
    lost: int
    twice: int
    resident_bytes: int | None
    typing_ttl_error_s: float | None
    hub_ttl: tuple[int, int] | None
    lag_p99_ms: float
    busy: float
    held_back: int
    hops: dict[str, tuple[int, int]] = {}
    burst: Burst | None = None


def lines(found: Measured) -> list[Line]:
    """The verdict."""
    return [
        *(_hop(hop, most_ms, *found.hops[hop]) for hop, most_ms in HOPS_MS.items() if hop in found.hops),
        _within("publish (POST answered)", found.post.p50_ms, 10, "p50", found.post),
        _within("delivery p50", found.delivery.p50_ms, 20, "p50", found.delivery),
        _within("delivery p99", found.delivery.p99_ms, 50, "p99", found.delivery),
        _within("delivery, the limit", found.delivery.p999_ms, 100, "p99.9", found.delivery),
        _within("presence", found.presence.p99_ms, 100, "p99", found.presence),
        _within("typing", found.typing.p99_ms, 100, "p99", found.typing),
        _throughput(found),
        *([] if found.burst is None else [_burst(found.burst)]),
        _memory(found.resident_bytes),
        _ttl(found),
        Line("lost", "0", f"{found.lost} of {found.answered * found.agents} deliveries", found.lost == 0),
        Line("twice", "0", str(found.twice), found.twice == 0),
    ]


def doubts(found: Measured) -> list[str]:
    """Why the figures may say more about this generator than about the hub."""
    words: list[str] = []
    if found.lag_p99_ms > LAG_DOUBTFUL_MS:
        words.append(f"its own event loop was {found.lag_p99_ms:.1f} ms late at p99, and every latency includes that")
    if found.busy > BUSY_DOUBTFUL:
        words.append(f"it used {found.busy:.0%} of a processor, so it may be the bottleneck itself")
    if found.held_back:
        words.append(f"it held back {found.held_back} messages since too many were unanswered")
    return words


def _within(what: str, value_ms: float | None, most_ms: float, quantile: str, spread: Spread) -> Line:
    return Line(what, f"{quantile} ≤ {most_ms:g} ms", spread.words(), None if value_ms is None else value_ms <= most_ms)


def _hop(hop: str, most_ms: float, within: int, count: int) -> Line:
    what = f"{hop.replace('_', ' ')} (by the hub)"
    if not count:
        return Line(what, f"p50 ≤ {most_ms:g} ms", "nothing was counted", None)
    words = f"{within / count:.1%} of {count:,} within {most_ms:g} ms"
    return Line(what, f"p50 ≤ {most_ms:g} ms", words, 2 * within >= count)


def _burst(found: Burst) -> Line:
    words = f"{found.message_rate:,.0f} msg/s, {found.delivery_rate:,.0f} deliveries/s, POST {found.post.words()}"
    asked = f"{found.messages:,} messages, {found.publishers} at once, all taken"
    return Line("burst", asked, words, found.post.count == found.messages)


def _throughput(found: Measured) -> Line:
    asked = f"{found.asked_rate:,.0f} msg/s, each to {found.agents} readers"
    words = f"{found.message_rate:,.1f} msg/s, {found.delivery_rate:,.0f} deliveries/s"
    if found.refused:
        words += f", {found.refused} posts failed"
    sustained = found.message_rate >= SUSTAINED * found.asked_rate and not found.refused
    return Line("throughput", asked, words, sustained)


def _memory(resident_bytes: int | None) -> Line:
    if resident_bytes is None:
        return Line("memory", "≤ 500 MB", "not measured: the hub's process is not to be seen from here", None)
    return Line("memory", "≤ 500 MB", f"{resident_bytes / 1e6:.0f} MB resident", resident_bytes <= MEMORY_BYTES)


def _ttl(found: Measured) -> Line:
    words: list[str] = []
    reached: bool | None = None
    if found.typing_ttl_error_s is not None:
        words.append(f"a typing ended {found.typing_ttl_error_s:+.2f} s from its time")
        reached = abs(found.typing_ttl_error_s) <= TTL_S
    if found.hub_ttl is not None and found.hub_ttl[1]:
        within, count = found.hub_ttl
        words.append(f"by the hub's count {within} of {count} within 1 s")
        reached = within == count and reached is not False
    return Line(
        "TTL accuracy", "± 1 s", "; ".join(words) or "not measured: nothing ran out in so short a time", reached
    )
