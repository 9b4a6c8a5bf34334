"""How well the hub does, for the page's health view: objectives, what is left of their budgets, the hops of late."""

import msgspec

from server.core.hub import Hub
from server.core.lately import Sums
from server.core.objectives import OBJECTIVES, PERIOD_HOURS, WEEK_HOURS, Objective, Objectives

BUDGET_MS: dict[str, float | None] = {
    "accepted": None,
    "stored": 5,
    "published": 10,
    "fanned_out": 20,
    "agent_handled": 30,
    "ui_handled": 30,
    "rendered": 40,
    "painted": 50,
}
"""By when a message is to have passed each point; 100 ms is the limit."""

STAGES = ("accept", "store", "publish", "fanout", "handle", "render", "paint")


class Standing(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An objective over 30 days. `burn` is how fast its budget went in the last hour, 1 being as fast as it lasts.

    `share` of what counts was good, `budgetLeft` what is left of the budget (below 0 when overdrawn);
    both, and `sentence`, are absent while nothing was counted.
    """

    name: str
    goal: float
    bad: int
    total: int
    share: float | None = None
    budget_left: float | None = None
    burn: float
    burning: bool
    sentence: str | None = None


class Passed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A point of a message's way: how many passed it in the last minute, and how long after their arrival."""

    point: str
    budget_ms: float | None = None
    count: int
    mean_ms: float | None = None


class Took(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A hop of a message's way in the last minute, by itself."""

    stage: str
    count: int
    mean_ms: float | None = None


class Health(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How well the hub does."""

    objectives: list[Standing]
    points: list[Passed]
    stages: list[Took]


def health(hub: Hub) -> Health:
    """How it stands now; nothing is waited for."""
    sums = hub.objectives.lately.sums()
    return Health(
        objectives=[_standing(hub.objectives, objective) for objective in OBJECTIVES],
        points=[
            Passed(point=point, budget_ms=budget_ms, count=sums[point][0], mean_ms=_mean_ms(sums, point))
            for point, budget_ms in BUDGET_MS.items()
        ],
        stages=[Took(stage=stage, count=sums[stage][0], mean_ms=_mean_ms(sums, stage)) for stage in STAGES],
    )


def _mean_ms(sums: Sums, name: str) -> float | None:
    count, sum_s = sums[name]
    return round(sum_s / count * 1000, 3) if count else None


def _standing(objectives: Objectives, objective: Objective) -> Standing:
    bad, total = objectives.over(objective.name, PERIOD_HOURS)
    share = 1 - bad / total if total else None
    return Standing(
        name=objective.name,
        goal=1 - objective.allowed,
        bad=bad,
        total=total,
        share=share,
        budget_left=None if share is None else 1 - (1 - share) / objective.allowed,
        burn=objectives.burn(objective, 3600),
        burning=objective.name in objectives.burning,
        sentence=_sentence(objectives, objective),
    )


def _sentence(objectives: Objectives, objective: Objective) -> str | None:
    """The last seven days in words, rounded down: 99.96% is not all."""
    bad, total = objectives.over(objective.name, WEEK_HOURS)
    if not total:
        return None
    tenths = (total - bad) * 1000 // total
    return f"{tenths / 10:g}% of {objective.says} this week"
