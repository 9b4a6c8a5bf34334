"""What becomes of the presence of who has lost its last stream."""

import pytest

from tests.unit.core.test_here import START_MS, World


@pytest.fixture
async def world() -> World:
    return World()


async def test_who_is_gone_and_gives_no_sign_is_soon_told_as_offline(world: World) -> None:
    await world.puts("online")
    world.presences.gone("anna")
    world.passes(44.9)
    await world.presences.renew()
    await world.presences.sweep()
    assert await world.told() == ["anna online"]
    assert world.state.kept["room", "anna"].until_ms == START_MS + 300_000, "others see the key live as long as ever"
    world.passes(0.2)
    await world.presences.sweep()
    await world.presences.sweep()
    assert await world.told() == ["anna offline"]
    assert world.state.kept == {}


async def test_who_is_gone_and_comes_back_or_says_a_thing_stays(world: World) -> None:
    await world.puts("online")
    world.presences.gone("anna")
    world.passes(30)
    world.presences.seen("anna")
    world.passes(200)
    await world.presences.sweep()
    assert await world.told() == ["anna online"]
    world.passes(101)
    await world.presences.sweep()
    await world.presences.sweep()
    assert await world.told() == ["anna offline"]
