"""The wall clock, for what people read; order never depends on it."""

from time import time_ns


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time_ns() // 1_000_000
