"""A wall clock that is set: it is noticed, and what lasts goes on lasting as long."""

import pytest

from server.core.clock import DOUBT_MS, CautiousClock, Jumps
from tests.unit.core.test_here import World


@pytest.fixture
async def world() -> World:
    return World()


@pytest.mark.parametrize("jump_s", [86_400, -86_400])
async def test_a_clock_that_is_set_ends_and_prolongs_nothing(world: World, jump_s: int) -> None:
    await world.puts("online")
    await world.typists.start("room", "anna", None, 0.0)
    world.passes(5 + jump_s)
    world.typists.shift(jump_s * 1000)
    await world.presences.shift(jump_s * 1000)
    await world.presences.sweep()
    await world.typists.sweep()
    assert await world.told() == ["anna online", "anna types"]
    world.passes(5.1)
    await world.typists.sweep()
    assert await world.told() == ["anna stopped"]
    world.passes(290)
    await world.presences.sweep()
    assert await world.told() == ["anna offline"]


def test_a_set_clock_is_noticed_once_and_drift_never() -> None:
    wall, steady = 1_000_000, 0
    jumps = Jumps(lambda: wall, lambda: steady)
    wall, steady = wall + 600, steady + 250
    assert jumps.since_last() == 0
    wall, steady = wall + 86_400_250, steady + 250
    assert jumps.since_last() == 86_400_000
    assert jumps.since_last() == 0


class Clocks:
    """A wall clock that can be set, and time that passes."""

    def __init__(self) -> None:
        self.wall = 100 * DOUBT_MS
        self.steady = 0

    def passes(self, ms: int) -> None:
        self.wall += ms
        self.steady += ms

    def cautious(self, known_ms: int) -> CautiousClock:
        return CautiousClock(known_ms, lambda: self.wall, lambda: self.steady)


def test_a_clock_set_ahead_is_believed_a_day_later() -> None:
    clocks = Clocks()
    clock = clocks.cautious(clocks.wall)
    clocks.passes(5 * DOUBT_MS)
    right = clock.now_ms()
    assert right == clocks.wall
    clocks.wall += 365 * DOUBT_MS
    clocks.passes(1000)
    assert clock.now_ms() == right + 1000
    clocks.passes(DOUBT_MS - 1)
    assert clock.now_ms() == right + 1000 + DOUBT_MS - 1
    clocks.passes(1)
    assert clock.now_ms() == clocks.wall


def test_a_clock_set_right_again_is_believed_at_once() -> None:
    clocks = Clocks()
    clock = clocks.cautious(clocks.wall)
    clocks.wall += 365 * DOUBT_MS
    clocks.passes(1000)
    clock.now_ms()
    clocks.wall -= 365 * DOUBT_MS
    assert clock.now_ms() == clocks.wall


@pytest.mark.parametrize(("days_off", "hours"), [(365, 24), (0, 0), (-20_000, 0)])
def test_what_a_clock_shows_beyond_the_newest_event_at_the_start_is_a_leap(days_off: int, hours: int) -> None:
    clocks = Clocks()
    known = clocks.wall - days_off * DOUBT_MS
    clock = clocks.cautious(known)
    assert clock.now_ms() == min(known, clocks.wall)
    clocks.passes(hours * 3_600_000)
    assert clock.now_ms() == clocks.wall


def test_a_machine_that_gets_the_time_after_its_start_removes_nothing_too_early() -> None:
    clocks = Clocks()
    known, clocks.wall = clocks.wall, 1000
    clock = clocks.cautious(known)
    assert clock.now_ms() == 1000
    clocks.wall = known
    assert clock.now_ms() == 1000
    clocks.passes(DOUBT_MS)
    assert clock.now_ms() == clocks.wall
