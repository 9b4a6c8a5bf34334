"""A breaker: after a failure nobody waits for Redis again until it has had a moment."""

from time import monotonic

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 1.0


class Breaker:
    """Closed while all is well; open for a growing pause after each failure."""

    def __init__(self) -> None:
        self._pause_s = 0.0
        self._until_s = 0.0

    @property
    def closed(self) -> bool:
        """Whether the last attempt succeeded; what can do without Redis leaves trying to others until then."""
        return not self._pause_s

    @property
    def open(self) -> bool:
        """Whether to leave Redis alone now."""
        return monotonic() < self._until_s

    def succeeded(self) -> None:
        """It answered."""
        self._pause_s = self._until_s = 0.0

    def failed(self) -> None:
        """It did not; the next one to try comes after the pause."""
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2 or FIRST_PAUSE_S)
        self._until_s = monotonic() + self._pause_s
