"""The hops of the last minute: what was counted now less what was counted then."""

from collections import deque

from server.core.stats import Histogram, Stats

LOOKS = 6
"""With a look every ten seconds, a minute."""

Sums = dict[str, tuple[int, float]]


class Lately:
    """How many passed each point and stage, and the sum of their seconds; `look` is to be called every ten seconds."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._looks: deque[Sums] = deque([_sums(stats)], maxlen=LOOKS)

    def look(self) -> None:
        """Remember how it stands."""
        self._looks.append(_sums(self._stats))

    def sums(self) -> Sums:
        """Count and sum of each point and stage over the last minute."""
        then = self._looks[0]
        return {
            name: (count - then[name][0], sum_s - then[name][1]) for name, (count, sum_s) in _sums(self._stats).items()
        }


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
    return {name: (sum(histogram.counts), histogram.sum_s) for name, histogram in histograms.items()}
