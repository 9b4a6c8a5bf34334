"""A wall clock that is set: it is noticed, and what lasts goes on lasting as long."""

import pytest

from server.core.clock import Jumps
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
