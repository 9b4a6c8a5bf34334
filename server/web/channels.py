"""/api/channels and their members."""

from typing import Annotated

import msgspec
from aiohttp import web

from server.core import channels
from server.core.events import Role
from server.web.keys import HUB
from server.web.reading import Body, answer, body, nothing

Days = Annotated[int, msgspec.Meta(ge=1, le=channels.RETENTION_DAYS)]


class Making(Body, frozen=True):
    """POST /api/channels."""

    name: str
    topic: str = ""
    description: str = ""
    is_private: bool = False
    retention_days: Days | None = None


class Alteration(Body, frozen=True):
    """PATCH /api/channels/{id}; null for the retention is for ever."""

    name: str | None = None
    topic: str | None = None
    description: str | None = None
    is_private: bool | None = None
    retention_days: Days | msgspec.UnsetType | None = msgspec.UNSET


class Seat(Body, frozen=True):
    """PUT /api/channels/{id}/members/{agentId}."""

    role: Role | None = None


async def listed(request: web.Request) -> web.Response:
    """The channels that the caller may see."""
    return answer({"channels": channels.visible(request.app[HUB], request["caller"])})


async def create(request: web.Request) -> web.Response:
    """201 with the channel."""
    wanted = await body(request, Making)
    making = channels.Making(**msgspec.structs.asdict(wanted))
    return answer(await channels.create(request.app[HUB], request["caller"], making), 201)


async def get(request: web.Request) -> web.Response:
    """One channel."""
    return answer(channels.get(request.app[HUB], request["caller"], request.match_info["id"]))


async def alter(request: web.Request) -> web.Response:
    """The channel as it is now."""
    wanted = await body(request, Alteration)
    alteration = channels.Alteration(**msgspec.structs.asdict(wanted))
    channel_id = request.match_info["id"]
    return answer(await channels.alter(request.app[HUB], request["caller"], channel_id, alteration))


async def archive(request: web.Request) -> web.Response:
    """The channel, read-only from now on."""
    return answer(await channels.archive(request.app[HUB], request["caller"], request.match_info["id"]))


async def delete(request: web.Request) -> web.Response:
    """204."""
    await channels.delete(request.app[HUB], request["caller"], request.match_info["id"])
    return nothing()


async def members(request: web.Request) -> web.Response:
    """Who is in it."""
    return answer({"members": channels.members(request.app[HUB], request["caller"], request.match_info["id"])})


async def seat(request: web.Request) -> web.Response:
    """The member as it is now; without a body an agent just joins."""
    wanted = await body(request, Seat) if request.can_read_body else Seat()
    place = request.match_info
    return answer(await channels.seat(request.app[HUB], request["caller"], place["id"], place["agentId"], wanted.role))


async def unseat(request: web.Request) -> web.Response:
    """204."""
    place = request.match_info
    await channels.unseat(request.app[HUB], request["caller"], place["id"], place["agentId"])
    return nothing()
