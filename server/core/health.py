"""How well the hub does, for the page's health view: parts, objectives and their budgets, the hops of late, alerts."""

from typing import NamedTuple

import msgspec

from server.core.box import resident_bytes
from server.core.day import Slice
from server.core.events import Severity
from server.core.hub import Hub
from server.core.lately import Sums
from server.core.objectives import OBJECTIVES, PERIOD_HOURS, WEEK_HOURS, Objective, Objectives
from server.core.stats import POINT_EDGES_S

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
    """A point of a message's way: how many passed it in the last five minutes, and how long after their arrival.

    `counts` are those by the edges of `hub_message_latency_seconds`, the last one what is beyond.
    """

    point: str
    budget_ms: float | None = None
    count: int
    counts: tuple[int, ...]
    mean_ms: float | None = None


class Took(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A hop of a message's way in the last five minutes, by itself."""

    stage: str
    count: int
    mean_ms: float | None = None


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said of an objective since the hub started; `info` is the end of an alert."""

    timestamp: int
    message: str
    severity: Severity


class Health(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How well the hub does. `parts` has a word for each: `ok`, or what is wrong with it."""

    version: str
    started_at: int
    log_seq: int
    streams: int
    resident_bytes: int
    disk_free_bytes: int
    probe_ms: float | None = None
    parts: dict[str, str]
    objectives: list[Standing]
    edges_ms: tuple[float, ...]
    points: list[Passed]
    stages: list[Took]
    painted: list[Slice]
    alerts: list[Alert]


class Seen(NamedTuple):
    """What only others can see: the parts as `core.watch` finds them, open streams, the room on the disk."""

    version: str
    parts: dict[str, str]
    streams: int
    disk_free_bytes: int


def health(hub: Hub, seen: Seen) -> Health:
    """How it stands now; nothing is waited for."""
    sums = hub.objectives.lately.sums()
    probe_s = hub.stats.probe_latency_s
    return Health(
        version=seen.version,
        started_at=hub.started_at,
        log_seq=hub.dispatch.head,
        streams=seen.streams,
        resident_bytes=resident_bytes(),
        disk_free_bytes=seen.disk_free_bytes,
        probe_ms=None if probe_s is None else round(probe_s * 1000, 3),
        parts=seen.parts,
        objectives=[_standing(hub.objectives, objective) for objective in OBJECTIVES],
        edges_ms=tuple(round(edge_s * 1000, 3) for edge_s in POINT_EDGES_S),
        points=[
            Passed(
                point=point,
                budget_ms=budget_ms,
                count=sum(sums[point].counts),
                counts=sums[point].counts,
                mean_ms=_mean_ms(sums, point),
            )
            for point, budget_ms in BUDGET_MS.items()
        ],
        stages=[Took(stage=stage, count=sum(sums[stage].counts), mean_ms=_mean_ms(sums, stage)) for stage in STAGES],
        painted=hub.objectives.day.slices(),
        alerts=[
            Alert(timestamp=at, message=part.message or "", severity=part.severity or "info")
            for at, part in hub.objectives.told
        ],
    )


def _mean_ms(sums: Sums, name: str) -> float | None:
    counts, sum_s = sums[name]
    count = sum(counts)
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
