"""The objectives on a clock of the test's own: what burns, who is told, what is kept."""

import pytest

from hubctl.observe import objectives as rules
from server.core.changes import Counts, ObjectiveHour
from server.core.objectives import HOUR_MS, OBJECTIVES, PERIOD_HOURS, SLOT_S, Objectives
from server.core.stats import Stats

HOUR_SLOTS = int(3600 / SLOT_S)


class World:
    """Messages that are fanned out in time, or late."""

    def __init__(self) -> None:
        self.now_ms = 1000 * HOUR_MS
        self.stats = Stats()
        self.objectives = Objectives(self.stats, lambda: self.now_ms)
        self.told: list[tuple[str | None, str | None]] = []

    def run(self, slots: int, *, good: int = 0, late: int = 0) -> None:
        for _ in range(slots):
            for seconds, count in ((0.004, good), (0.2, late)):
                for _ in range(count):
                    self.stats.fanned_out.observe(0.0, 0.0, seconds)
            self.now_ms += int(SLOT_S * 1000)
            self.told += [(event.data.severity, event.data.message) for event in self.objectives.look()]


@pytest.fixture
def world() -> World:
    return World()


def test_what_burns_fast_is_told_once_and_so_is_its_end(world: World) -> None:
    world.run(HOUR_SLOTS, good=10)
    assert world.told == []
    world.run(HOUR_SLOTS, good=5, late=5)
    assert world.objectives.burning == {"fanned_out"}
    assert [severity for severity, _ in world.told][-1:] in (["warning"], ["critical"])
    assert len(world.told) == 1
    assert "fanned_out" in str(world.told[0][1])
    world.run(HOUR_SLOTS, good=10)
    assert world.objectives.burning == set()
    assert [severity for severity, _ in world.told][1:] == ["info"]


def test_a_sudden_burn_is_critical_within_minutes(world: World) -> None:
    world.run(30, good=1, late=9)
    assert world.told[0][0] == "critical"
    assert len(world.told) == 1


def test_a_handful_in_the_night_is_told_to_nobody(world: World) -> None:
    world.run(1, late=4)
    world.run(HOUR_SLOTS, good=0)
    assert world.told == []


def test_a_slower_burn_is_a_warning(world: World) -> None:
    world.run(4 * HOUR_SLOTS, good=92, late=8)
    assert [severity for severity, _ in world.told] == ["warning"]


def test_thirty_days_are_kept_and_not_more(world: World) -> None:
    this_hour = world.now_ms // HOUR_MS
    kept = [
        ObjectiveHour(this_hour - PERIOD_HOURS, "painted", Counts(50, 50)),
        ObjectiveHour(this_hour - PERIOD_HOURS + 1, "painted", Counts(1, 10)),
        ObjectiveHour(this_hour - 1, "painted", Counts(2, 20)),
    ]
    world.objectives.load(kept)
    assert world.objectives.over("painted", PERIOD_HOURS) == (3, 30)
    assert world.objectives.over("painted", 7 * 24) == (2, 20)
    world.run(1, good=7, late=1)
    assert world.objectives.over("fanned_out", PERIOD_HOURS) == (1, 8)


def test_the_hub_and_its_rules_agree_on_the_objectives() -> None:
    here = {objective.name: objective.allowed for objective in OBJECTIVES}
    assert here == {objective.name: objective.allowed for objective in rules.OBJECTIVES}
