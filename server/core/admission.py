"""How many streams may be open: refused when there are enough, never taken from somebody else."""

import random
from collections import Counter

import msgspec

from server.core.errors import TooMany
from server.core.stream import Stream


class Seats(msgspec.Struct, frozen=True):
    """The most that may be open at once, by credential, by address (sessions of the page) and in all."""

    per_token: int
    per_address: int
    total: int


class Admission:
    """Who has a seat."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._taken: Counter[str] = Counter()
        self.streams: dict[Stream, str] = {}

    def enter(self, stream: Stream, address: str, *, session: bool) -> None:
        """Take a seat. Raises TooMany, with a spread-out time to try again."""
        place = f"address {address}" if session else f"token {stream.credential}"
        most = self._seats.per_address if session else self._seats.per_token
        if self._over(len(self.streams), self._seats.total) or self._over(self._taken[place], most):
            retry_after_s = random.randint(5, 30)  # noqa: S311 - spreads retries, hides nothing
            raise TooMany("too_many_streams", "as many streams as may be are open; close one", retry_after_s)
        self._taken[place] += 1
        self.streams[stream] = place

    def by_session(self, stream: Stream) -> bool:
        """Whether the page reads this stream, and not a token's holder."""
        return self.streams[stream].startswith("address ")

    def leave(self, stream: Stream) -> None:
        """Give the seat back."""
        place = self.streams.pop(stream, None)
        if place is not None:
            self._taken[place] -= 1
            if not self._taken[place]:
                del self._taken[place]

    @staticmethod
    def _over(taken: int, most: int) -> bool:
        return bool(most) and taken >= most
