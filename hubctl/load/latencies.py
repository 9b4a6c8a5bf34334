"""Latencies counted in buckets: cheap to add to by the million, exact within two percent."""

from collections.abc import Iterator

STEPS = 64
"""Buckets for each doubling; below so many microseconds each has its own."""

_EXACT_BITS = 6


class Latencies:
    """How long something took, many times over."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.total = 0
        self.longest_ns = 0

    def add(self, took_ns: int, times: int = 1) -> None:
        """Count one value, `times` times."""
        us = max(0, took_ns) // 1000
        bucket = us
        if us >= STEPS:
            shift = us.bit_length() - 1 - _EXACT_BITS
            bucket = (shift + 1) * STEPS + ((us >> shift) & (STEPS - 1))
        self._counts[bucket] = self._counts.get(bucket, 0) + times
        self.total += times
        self.longest_ns = max(self.longest_ns, took_ns)

    def quantile_ms(self, share: float) -> float | None:
        """The value that this share of all does not exceed; None when nothing was counted."""
        reached = 0
        for ms, count in self.buckets():
            reached += count
            if reached >= share * self.total:
                return min(ms, self.longest_ns / 1e6)
        return None

    def buckets(self) -> Iterator[tuple[float, int]]:
        """The upper edge of each bucket in ms, and how many lie in it, rising."""
        for bucket in sorted(self._counts):
            yield _upper_us(bucket) / 1000, self._counts[bucket]


def _upper_us(bucket: int) -> int:
    if bucket < STEPS:
        return bucket + 1
    shift = bucket // STEPS - 1
    return (STEPS + bucket % STEPS + 1) << shift
