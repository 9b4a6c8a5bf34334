"""The wall clock, for what people read; order never depends on it."""

from collections.abc import Callable
from time import monotonic_ns, time_ns

SET_MS = 1_000
"""By as much two clocks differ within a moment only when somebody has set one."""


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds since some moment, which nobody can set."""
    return monotonic_ns() // 1_000_000


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
