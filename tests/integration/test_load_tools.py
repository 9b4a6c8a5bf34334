"""The generator and the floor that speed is measured with: they build without a warning, and they count right."""

from pathlib import Path

from tests.load import peers
from tests.load.compare import GOALS
from tests.load.generator import Generator, Load, build


async def test_the_generator_counts_what_the_floor_sends(tmp_path: Path) -> None:
    build(tmp_path)
    async with peers.floor(tmp_path) as floor:
        figures = await Generator(tmp_path).measure(floor, Load(readers=5, publishers=2, window=2), 0.3)
    assert figures.answered > 0
    assert figures.delivered == 5 * figures.answered
    assert (figures.lost, figures.twice, figures.unknown, figures.refused, figures.closed) == (0, 0, 0, 0, 0)


async def test_the_generator_speaks_to_the_hub_and_holds_idle_readers(tmp_path: Path) -> None:
    build(tmp_path)
    generator = Generator(tmp_path)
    async with peers.hub(tmp_path) as (hub, _):
        figures = await generator.measure(hub, Load(readers=5, publishers=2, rate=50), 0.5)
        assert figures.answered > 10
        assert (figures.lost, figures.twice, figures.refused) == (0, 0, 0)
        fan = await generator.hold(hub, 20)
        assert fan.stdin is not None
        fan.stdin.close()
        assert await fan.wait() == 0


def test_every_goal_can_be_judged() -> None:
    assert all((goal.least is None) != (goal.most is None) for goal in GOALS)
