"""Events that agents and admins send on purpose: to an agent, to everyone, to a channel's other agents."""

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from server.core import announcing, questions, telling
from server.core.changes import Entry
from server.core.errors import NotFound
from server.core.events import GlobalPart, Severity
from server.core.ports import Span
from server.web.keys import HUB
from server.web.reading import Body, Query, answer, body, query

AgentType = Literal["agent.direct_message", "agent.notification", "agent.command", "agent.invite"]
GlobalType = Literal[
    "system.announcement",
    "system.maintenance",
    "system.shutdown",
    "system.performance.alert",
    "auth.token.revoked",
    "agent.joined",
    "agent.left",
]
Seq = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
Ms = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class Telling(Body, frozen=True):
    """What an agent is told; who tells it, the hub knows."""

    content: str | None = None
    channel_id: str | None = None
    action_required: bool | None = None
    expires_at: Ms | None = None


class Tell(Body, frozen=True):
    """POST /api/agents/{agentId}/events."""

    type: AgentType
    data: Telling
    id: str | None = None


class Correspondence(Query, frozen=True):
    """GET /api/agents/{agentId}/events; `before` and `after` are seqs."""

    peer: str | None = None
    before: Seq | None = None
    after: Seq | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Works(Query, frozen=True):
    """GET /api/channels/{id}/collaboration; `before` and `after` are seqs."""

    before: Seq | None = None
    after: Seq | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class WorksPage(msgspec.Struct, frozen=True, rename="camel"):
    """Envelopes, and whether there are more."""

    events: list[msgspec.Raw]
    has_more: bool


class Answer(Body, frozen=True):
    """POST /api/agents/{agentId}/events/{seq}/answer."""

    decision: Literal["allow", "refuse"]


class Word(Body, frozen=True):
    """What everyone is told."""

    message: str | None = None
    severity: Severity | None = None
    affected_agents: tuple[str, ...] | None = None
    start_time: Ms | None = None
    estimated_duration: Ms | None = None


class Announcement(Body, frozen=True):
    """POST /api/global."""

    type: GlobalType
    data: Word


class Collaboration(Body, frozen=True):
    """POST /api/channels/{id}/collaboration."""

    type: str
    data: dict[str, Any]


async def tell(request: web.Request) -> web.Response:
    """201 with the event as it is kept; 200 when this id was told before."""
    wanted = await body(request, Tell)
    part = wanted.data
    wish = telling.Wish(wanted.type, part.content, part.channel_id, part.action_required, part.expires_at, id=wanted.id)
    told, known = await telling.tell(request.app[HUB], request["caller"], request.match_info["id"], wish)
    return answer(told, 200 if known else 201)


async def told(request: web.Request) -> web.Response:
    """What an agent got and sent, oldest first."""
    wanted = query(request, Correspondence)
    span = Span(wanted.limit, before=wanted.before, after=wanted.after)
    hub, caller = request.app[HUB], request["caller"]
    return answer(await telling.told(hub, caller, request.match_info["id"], wanted.peer, span))


async def settle(request: web.Request) -> web.Response:
    """The question with its answer."""
    wanted = await body(request, Answer)
    place = request.match_info
    digits = place["seq"]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise NotFound("event_not_found", "there is no such event, or none for you")
    hub, caller = request.app[HUB], request["caller"]
    return answer(await questions.answer(hub, caller, place["id"], int(digits), wanted.decision))


async def announce(request: web.Request) -> web.Response:
    """201 with the event as everyone gets it."""
    wanted = await body(request, Announcement)
    part = GlobalPart(**msgspec.structs.asdict(wanted.data))
    return _as_told(await announcing.announce(request.app[HUB], request["caller"], wanted.type, part))


async def works(request: web.Request) -> web.Response:
    """What agents told a channel of their work, oldest first, as on the stream."""
    wanted = query(request, Works)
    span = Span(wanted.limit, before=wanted.before, after=wanted.after)
    hub, caller = request.app[HUB], request["caller"]
    found, has_more = await announcing.works(hub, caller, request.match_info["id"], span)
    return answer(WorksPage([msgspec.Raw(payload) for payload in found], has_more))


async def collaborate(request: web.Request) -> web.Response:
    """201 with the event as the channel gets it."""
    wanted = await body(request, Collaboration)
    hub, caller = request.app[HUB], request["caller"]
    channel_id = request.match_info["id"]
    return _as_told(await announcing.collaborate(hub, caller, channel_id, wanted.type, wanted.data))


def _as_told(entry: Entry) -> web.Response:
    return answer(msgspec.Raw(entry.payload), 201)
