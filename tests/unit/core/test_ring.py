"""The newest log in memory."""

import pytest

from server.core.changes import Entry
from server.core.ring import ENTRY_BYTES, Ring

FRAME = b"x" * 100


@pytest.fixture
def ring() -> Ring:
    """With room for three entries, begun behind the tenth event."""
    ring = Ring(3 * (ENTRY_BYTES + len(FRAME)))
    ring.start(10)
    for seq in range(11, 16):
        ring.add(Entry(seq, "room", None, "anna", "channel.message", FRAME))
    return ring


def test_the_oldest_go_first(ring: Ring) -> None:
    ring.forget(until=15)
    assert [ring.get(seq) is not None for seq in (11, 12, 13, 14, 15)] == [False, False, True, True, True]


def test_what_readers_have_not_been_told_stays_however_much_it_is(ring: Ring) -> None:
    ring.forget(until=10)
    assert ring.get(11) is not None


def test_a_span_is_whole_or_none(ring: Ring) -> None:
    ring.forget(until=15)
    assert ring.span(11, 15) is None
    assert [entry.seq for entry in ring.span(12, 15) or ()] == [13, 14, 15]
    assert ring.span(15, 15) == []
