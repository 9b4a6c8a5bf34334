"""/api/threads."""

from typing import Annotated

import msgspec
from aiohttp import web

from server.core import threads
from server.web.keys import HUB
from server.web.reading import Body, Query, answer, body, query


class Opening(Body, frozen=True):
    """POST /api/threads."""

    channel_id: str
    parent_message_id: str
    title: str | None = None


class Listing(Query, frozen=True):
    """GET /api/threads."""

    channel_id: str
    before: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Alteration(Body, frozen=True):
    """PATCH /api/threads/{id}."""

    title: str | None = None
    resolved: bool | None = None


async def create(request: web.Request) -> web.Response:
    """201 with the thread; 200 with the one that the message has already."""
    wanted = await body(request, Opening)
    opening = threads.Opening(wanted.channel_id, wanted.parent_message_id, wanted.title)
    opened = await threads.create(request.app[HUB], request["caller"], opening)
    return answer(opened.thread, 200 if opened.known else 201)


async def listed(request: web.Request) -> web.Response:
    """A channel's threads, newest first."""
    wanted = query(request, Listing)
    hub, caller = request.app[HUB], request["caller"]
    return answer(await threads.listed(hub, caller, wanted.channel_id, wanted.before, wanted.limit))


async def get(request: web.Request) -> web.Response:
    """One thread."""
    return answer(await threads.get(request.app[HUB], request["caller"], request.match_info["id"]))


async def alter(request: web.Request) -> web.Response:
    """The thread as it is now."""
    wanted = await body(request, Alteration)
    alteration = threads.Alteration(wanted.title, wanted.resolved)
    return answer(await threads.alter(request.app[HUB], request["caller"], request.match_info["id"], alteration))
