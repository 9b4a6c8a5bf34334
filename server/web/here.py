"""/api/channels/{id}/presence and /api/channels/{id}/typing."""

from aiohttp import web

from server.core import here
from server.core.events import Status
from server.web.keys import HUB
from server.web.reading import Body, answer, body


class Presence(Body, frozen=True):
    """PUT /api/channels/{id}/presence."""

    status: Status
    custom_status: str | None = None


class Typing(Body, frozen=True):
    """PUT /api/channels/{id}/typing."""

    started: bool
    thread_id: str | None = None


async def put_presence(request: web.Request) -> web.Response:
    """The presence as it is now."""
    wanted = await body(request, Presence)
    mood = here.Mood(wanted.status, wanted.custom_status)
    place = request.match_info["id"]
    return answer(await here.put_presence(request.app[HUB], request["caller"], place, mood, request["arrived_s"]))


async def presence(request: web.Request) -> web.Response:
    """The members that are heard of, and how they are."""
    found = await here.presence(request.app[HUB], request["caller"], request.match_info["id"])
    return answer({"presence": found})


async def put_typing(request: web.Request) -> web.Response:
    """Who types now."""
    hub, caller, place = request.app[HUB], request["caller"], request.match_info["id"]
    wanted = await body(request, Typing)
    await here.put_typing(hub, caller, place, wanted.thread_id, started=wanted.started, arrived_s=request["arrived_s"])
    return answer({"typing": await here.typing(hub, caller, place)})


async def typing(request: web.Request) -> web.Response:
    """Who types now."""
    return answer({"typing": await here.typing(request.app[HUB], request["caller"], request.match_info["id"])})
