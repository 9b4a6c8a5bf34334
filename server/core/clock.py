"""The wall clock, for what people read; order never depends on it."""

import time
from collections.abc import Callable

SET_MS = 1_000
"""By as much two clocks differ within a moment only when somebody has set one."""

DOUBT_MS = 24 * 3600 * 1000
"""How long a clock that leapt ahead is not believed."""

_SINCE_BOOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's goes on while the machine sleeps; elsewhere a sleep counts as a leap."""


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds since some moment, which nobody can set."""
    return time.monotonic_ns() // 1_000_000


def since_boot_ms() -> int:
    """Milliseconds since the machine started, its sleep included."""
    return time.clock_gettime_ns(_SINCE_BOOT) // 1_000_000


class Jumps:
    """Notices that the wall clock was set, by the clock that cannot be."""

    def __init__(self, wall: Callable[[], int] = now_ms, steady: Callable[[], int] = steady_ms) -> None:
        self._wall, self._steady = wall, steady
        self._apart_ms = wall() - steady()

    def since_last(self) -> int:
        """By how many ms it was set since this was asked last; 0 for never, or for as little as clocks drift."""
        before_ms, self._apart_ms = self._apart_ms, self._wall() - self._steady()
        jumped_ms = self._apart_ms - before_ms
        return jumped_ms if abs(jumped_ms) >= SET_MS else 0


class CautiousClock:
    """The wall clock for what cannot be taken back: where it leapt ahead, time goes on from before the leap for a day.

    In that day whoever set it wrong may set it right. `known_ms` is a moment that has been: what the clock shows beyond
    it at the start is a leap too.
    """

    def __init__(
        self, known_ms: int, wall: Callable[[], int] = now_ms, steady: Callable[[], int] = since_boot_ms
    ) -> None:
        self._wall, self._steady = wall, steady
        self._jumps = Jumps(wall, steady)
        self._ahead_ms = self._doubted_at_ms = 0
        self._doubt(known_ms)

    def now_ms(self) -> int:
        """Milliseconds since the epoch, never ahead of the wall clock."""
        jumped_ms = self._jumps.since_last()
        if jumped_ms:
            self._doubt(self._wall() - jumped_ms - self._ahead_ms)
        elif self._steady() - self._doubted_at_ms >= DOUBT_MS:
            self._ahead_ms = 0
        return self._wall() - self._ahead_ms

    def _doubt(self, known_ms: int) -> None:
        self._ahead_ms = max(0, self._wall() - known_ms)
        self._doubted_at_ms = self._steady()
