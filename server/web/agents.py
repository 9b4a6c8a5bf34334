"""/api/agents and /api/me."""

import msgspec
from aiohttp import web

from server.core import accounts, rules
from server.core.model import Agent, Kind, Limits, Scope
from server.web.keys import HUB
from server.web.reading import Body, answer, body, nothing


class OwnLimits(Body, frozen=True):
    """An agent's own limits, actions a minute; 0 means none."""

    message: int | None = None
    reaction: int | None = None
    invite: int | None = None

    def limits(self) -> Limits:
        """As the core has them."""
        return Limits(message=self.message, reaction=self.reaction, invite=self.invite)


class Enrolment(Body, frozen=True):
    """POST /api/agents."""

    id: str
    kind: Kind = "agent"
    display_name: str | None = None
    avatar: str | None = None
    admin: bool = False
    limits: OwnLimits | None = None


class Revision(Body, frozen=True):
    """PATCH /api/agents/{id}."""

    display_name: str | None = None
    avatar: str | None = None
    admin: bool | None = None
    limits: OwnLimits | None = None


class Me(Agent, frozen=True, kw_only=True):
    """The caller: its account, and what its credential allows."""

    scopes: tuple[Scope, ...]


async def me(request: web.Request) -> web.Response:
    """Who the caller is."""
    caller = request["caller"]
    return answer(Me(**msgspec.structs.asdict(caller.agent), scopes=caller.scopes))


async def listed(request: web.Request) -> web.Response:
    """Every account."""
    return answer({"agents": accounts.listed(request.app[HUB])})


async def enrol(request: web.Request) -> web.Response:
    """201 with the account."""
    wanted = await body(request, Enrolment)
    enrolment = accounts.Enrolment(
        id=wanted.id,
        kind=wanted.kind,
        display_name=wanted.display_name,
        avatar=wanted.avatar,
        admin=wanted.admin,
        limits=wanted.limits.limits() if wanted.limits else None,
    )
    return answer(await accounts.enrol(request.app[HUB], request["caller"], enrolment), 201)


async def get(request: web.Request) -> web.Response:
    """One account."""
    return answer(rules.known_agent(request.app[HUB].directory, request.match_info["id"]))


async def revise(request: web.Request) -> web.Response:
    """The account as it is now."""
    wanted = await body(request, Revision)
    revision = accounts.Revision(
        display_name=wanted.display_name,
        avatar=wanted.avatar,
        admin=wanted.admin,
        limits=wanted.limits.limits() if wanted.limits else None,
    )
    return answer(await accounts.revise(request.app[HUB], request["caller"], request.match_info["id"], revision))


async def dismiss(request: web.Request) -> web.Response:
    """204."""
    await accounts.dismiss(request.app[HUB], request["caller"], request.match_info["id"])
    return nothing()
