"""What is done with messages besides saying them: reactions, read markers, search."""

from typing import Annotated

import msgspec
from aiohttp import web

from server.core import markers, reactions, searching
from server.web.keys import HUB
from server.web.reading import Body, Query, answer, body, nothing, query


class Read(Body, frozen=True):
    """PUT /api/channels/{id}/read and /api/threads/{id}/read."""

    message_id: str


class Wanted(Query, frozen=True):
    """GET /api/search."""

    q: str
    channel_id: str | None = None
    sender_id: str | None = None
    before: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def react(request: web.Request) -> web.Response:
    """The message with the reaction on it."""
    hub, place, arrived_s = request.app[HUB], request.match_info, request["arrived_s"]
    return answer(await reactions.add(hub, request["caller"], place["id"], place["emoji"], arrived_s))


async def unreact(request: web.Request) -> web.Response:
    """204."""
    hub, place, arrived_s = request.app[HUB], request.match_info, request["arrived_s"]
    await reactions.remove(hub, request["caller"], place["id"], place["emoji"], arrived_s)
    return nothing()


async def read(request: web.Request) -> web.Response:
    """The marker as it is now."""
    wanted = await body(request, Read)
    hub, caller = request.app[HUB], request["caller"]
    return answer(await markers.move(hub, caller, request.match_info["id"], wanted.message_id))


async def read_thread(request: web.Request) -> web.Response:
    """The thread, of which the caller has read so far."""
    wanted = await body(request, Read)
    hub, caller = request.app[HUB], request["caller"]
    return answer(await markers.read(hub, caller, request.match_info["id"], wanted.message_id))


async def unread(request: web.Request) -> web.Response:
    """What the caller has not read, by channel and by thread."""
    return answer(await markers.unread(request.app[HUB], request["caller"]))


async def search(request: web.Request) -> web.Response:
    """Messages that hold the words, newest first."""
    wanted = query(request, Wanted)
    sought = searching.Query(wanted.q, wanted.limit, wanted.channel_id, wanted.sender_id, wanted.before)
    return answer(await searching.search(request.app[HUB], request["caller"], sought))
