"""POST /api/latency, GET /api/messages/{id}/latency."""

from typing import Annotated

import msgspec
from aiohttp import web

from server.core import timings
from server.core.timings import Counted, Report
from server.web.keys import HUB
from server.web.reading import answer, body, nothing

COUNT_MOST = 10_000
SECONDS_MOST = 1e9

Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MOST)]


class Buckets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values counted by the hub's edges, one bucket an edge and one for what is beyond; their sum in seconds."""

    counts: Annotated[tuple[Count, ...], msgspec.Meta(max_length=32)]
    sum: Annotated[float, msgspec.Meta(ge=0, le=SECONDS_MOST)]


class Points(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Since the message's arrival at the hub; the edges and names of hub_message_latency_seconds."""

    agent_handled: Buckets | None = None
    ui_handled: Buckets | None = None
    rendered: Buckets | None = None
    painted: Buckets | None = None


class Stages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each hop by itself; the edges and names of hub_message_stage_seconds."""

    handle: Buckets | None = None
    render: Buckets | None = None
    paint: Buckets | None = None


class Timings(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST /api/latency: what a client counted since its last report.

    `clockErrorMs` is how far its idea of the hub's clock may be off; above 5, `points` are not counted.
    """

    points: Points = Points()
    stages: Stages = Stages()
    clock_error_ms: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None


async def report(request: web.Request) -> web.Response:
    """204; the counts are part of the hub's histograms now."""
    wanted = await body(request, Timings)
    counted = Report(_given(wanted.points), _given(wanted.stages), wanted.clock_error_ms)
    timings.take(request.app[HUB], request["caller"], counted)
    return nothing()


def _given(named: Points | Stages) -> dict[str, Counted]:
    found: dict[str, Buckets | None] = msgspec.structs.asdict(named)
    return {name: Counted(part.counts, part.sum) for name, part in found.items() if part is not None}


async def trace(request: web.Request) -> web.Response:
    """When the message passed each point of the hub, in ms since its arrival."""
    return answer(await timings.trace(request.app[HUB], request["caller"], request.match_info["id"]))
