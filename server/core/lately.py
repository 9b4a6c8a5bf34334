"""The hops of the last five minutes: what was counted now less what was counted then."""

from collections import deque
from typing import NamedTuple

from server.core.stats import Histogram, Stats

LOOKS = 30
"""With a look every ten seconds, five minutes."""


class Passed(NamedTuple):
    """How many fell into each bucket of a point or stage, and the sum of their seconds."""

    counts: tuple[int, ...]
    sum_s: float


Sums = dict[str, Passed]


class Lately:
    """What passed each point and stage; `look` is to be called every ten seconds."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._looks: deque[Sums] = deque([_sums(stats)], maxlen=LOOKS)

    def look(self) -> None:
        """Remember how it stands."""
        self._looks.append(_sums(self._stats))

    def sums(self) -> Sums:
        """Of each point and stage what was counted in the last five minutes."""
        return {name: _less(now, self._looks[0][name]) for name, now in _sums(self._stats).items()}


def _sums(stats: Stats) -> Sums:
    histograms: dict[str, Histogram] = {}
    for point, stage, hop in (
        ("accepted", "accept", stats.accepted),
        ("stored", "store", stats.stored),
        ("published", "publish", stats.published),
        ("fanned_out", "fanout", stats.fanned_out),
    ):
        histograms |= {point: hop.point, stage: hop.stage}
    histograms |= stats.client_points | stats.client_stages
    return {name: Passed(tuple(histogram.counts), histogram.sum_s) for name, histogram in histograms.items()}


def _less(now: Passed, then: Passed) -> Passed:
    counts = (later - earlier for later, earlier in zip(now.counts, then.counts, strict=True))
    return Passed(tuple(counts), now.sum_s - then.sum_s)
