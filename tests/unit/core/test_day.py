"""The last 24 hours of paintings: what falls into which ten minutes, and what is forgotten."""

import pytest

from server.core.day import SLICE_MS, SLICES, Day, quantile
from server.core.stats import POINT_EDGES_S, Histogram

HOUR = 6 * SLICE_MS


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.now_ms = 1000 * SLICE_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def painted() -> Histogram:
    return Histogram(POINT_EDGES_S)


def paint(day: Day, painted: Histogram, *times_s: float) -> None:
    for took_s in times_s:
        painted.observe(took_s)
    day.look()


def test_what_is_painted_within_ten_minutes_is_one_slice(clock: Clock, painted: Histogram) -> None:
    day = Day(painted, clock)
    paint(day, painted, 0.012, 0.013)
    clock.now_ms += SLICE_MS - 1
    paint(day, painted, 0.3)
    clock.now_ms += 1
    paint(day, painted, 0.012)
    assert [(found.at // SLICE_MS, found.count) for found in day.slices()] == [(1000, 3), (1001, 1)]
    assert 10 <= day.slices()[0].median_ms <= 15
    assert 250 <= day.slices()[0].late_ms <= 500


def test_ten_minutes_without_a_painting_are_no_slice(clock: Clock, painted: Histogram) -> None:
    day = Day(painted, clock)
    paint(day, painted, 0.012)
    clock.now_ms += HOUR
    day.look()
    assert [found.count for found in day.slices()] == [1]


def test_what_was_counted_before_is_not_of_this_day(clock: Clock, painted: Histogram) -> None:
    painted.observe(0.012)
    day = Day(painted, clock)
    day.look()
    assert day.slices() == []


def test_after_a_day_a_slice_is_forgotten(clock: Clock, painted: Histogram) -> None:
    day = Day(painted, clock)
    paint(day, painted, 0.012)
    clock.now_ms += (SLICES - 1) * SLICE_MS
    day.look()
    assert len(day.slices()) == 1
    clock.now_ms += SLICE_MS
    day.look()
    assert day.slices() == []


def test_a_clock_that_is_set_back_leaves_no_slices_of_the_future(clock: Clock, painted: Histogram) -> None:
    day = Day(painted, clock)
    paint(day, painted, 0.012)
    clock.now_ms -= HOUR
    paint(day, painted, 0.012)
    assert [found.at for found in day.slices()] == [clock.now_ms]


@pytest.mark.parametrize(
    ("counts", "share", "below_s"),
    [
        ([4, 0, 0], 0.5, 0.005),
        ([1, 1, 0], 0.5, 0.01),
        ([0, 2, 2], 0.75, 0.02),
        ([0, 0, 3], 0.5, 0.02),
        ([0, 0, 0], 0.5, 0),
    ],
)
def test_a_share_lies_within_its_bucket(counts: list[int], share: float, below_s: float) -> None:
    assert quantile(counts, (0.01, 0.02), share) == pytest.approx(below_s)
