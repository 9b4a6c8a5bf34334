"""/api/messages."""

from typing import Annotated

import msgspec
from aiohttp import web

from server.core import messages
from server.core.model import Caller, Message
from server.web.keys import HUB
from server.web.reading import Body, Query, answer, body, nothing, query


class Post(Body, frozen=True):
    """POST /api/messages."""

    channel_id: str
    content: str
    id: str | None = None


class Edit(Body, frozen=True):
    """PATCH /api/messages/{id}."""

    content: str


class History(Query, frozen=True):
    """GET /api/messages."""

    channel_id: str
    before: str | None = None
    after: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class _Posted(msgspec.Struct, frozen=True):
    message: Message
    seq: int


async def post(request: web.Request) -> web.Response:
    """201 with the stored message; 200 when this id was stored before."""
    caller: Caller = request["caller"]
    wanted = await body(request, Post)
    saying = messages.Saying(wanted.channel_id, wanted.content, wanted.id)
    posted = await messages.post(request.app[HUB], caller, saying, request["arrived_s"])
    return answer(_Posted(posted.message, posted.seq), 200 if posted.known else 201)


async def history(request: web.Request) -> web.Response:
    """A page, oldest first."""
    wanted = query(request, History)
    paging = messages.Paging(wanted.limit, wanted.before, wanted.after)
    return answer(await messages.history(request.app[HUB], request["caller"], wanted.channel_id, paging))


async def get(request: web.Request) -> web.Response:
    """One message."""
    return answer(await messages.get(request.app[HUB], request["caller"], request.match_info["id"]))


async def edit(request: web.Request) -> web.Response:
    """The message with its new content."""
    wanted = await body(request, Edit)
    message_id = request.match_info["id"]
    return answer(await messages.edit(request.app[HUB], request["caller"], message_id, wanted.content))


async def delete(request: web.Request) -> web.Response:
    """204; a tombstone stays."""
    await messages.delete(request.app[HUB], request["caller"], request.match_info["id"])
    return nothing()
