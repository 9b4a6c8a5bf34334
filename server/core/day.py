"""How long messages took to be painted in the last 24 hours, by ten minutes, as far as this process was there."""

from collections.abc import Callable, Sequence

import msgspec

from server.core.stats import Histogram

SLICE_MS = 600_000
SLICES = 144


class Slice(msgspec.Struct, frozen=True, rename="camel"):
    """Ten minutes from `at` (ms since the epoch) in which `count` messages were painted, and how long after arrival.

    Half of them within `median_ms`, 95 of 100 within `late_ms`; what took longer than the last edge counts as that.
    """

    at: int
    count: int
    median_ms: float
    late_ms: float


class Day:
    """Counts of one histogram by ten minutes; `look` is to be called often in each of them."""

    def __init__(self, histogram: Histogram, clock: Callable[[], int]) -> None:
        self._histogram = histogram
        self._clock = clock
        self._seen = tuple(histogram.counts)
        self._slices: dict[int, list[int]] = {}

    def look(self) -> None:
        """Add what was counted since the last look to this slice, and forget what is older than a day."""
        now = tuple(self._histogram.counts)
        number = self._clock() // SLICE_MS
        if now != self._seen:
            kept = self._slices.setdefault(number, [0] * len(now))
            for place, (later, earlier) in enumerate(zip(now, self._seen, strict=True)):
                kept[place] += later - earlier
            self._seen = now
        # a clock that was set back leaves slices of the future behind
        for gone in [other for other in self._slices if not number - SLICES < other <= number]:
            del self._slices[gone]

    def slices(self) -> list[Slice]:
        """The slices in which something was painted, the oldest first."""
        return [self._slice(number, counts) for number, counts in sorted(self._slices.items())]

    def _slice(self, number: int, counts: Sequence[int]) -> Slice:
        edges_s = self._histogram.edges_s
        median_s, late_s = (quantile(counts, edges_s, share) for share in (0.5, 0.95))
        return Slice(number * SLICE_MS, sum(counts), round(median_s * 1000, 1), round(late_s * 1000, 1))


def quantile(counts: Sequence[int], edges_s: Sequence[float], share: float) -> float:
    """Below which time this share of what was counted lies, in seconds, within a bucket as if it were even."""
    left = share * sum(counts)
    below_s = 0.0
    for count, edge_s in zip(counts, edges_s, strict=False):
        if left <= count:
            return below_s + (edge_s - below_s) * left / count if count else below_s
        left -= count
        below_s = edge_s
    return below_s
