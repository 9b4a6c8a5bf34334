"""/api/messages."""

from typing import Annotated

import msgspec
from aiohttp import web

from server.core import messages
from server.core.errors import Invalid
from server.core.model import Caller, Message
from server.web.answering import Answer
from server.web.keys import HUB
from server.web.reading import Body, Query, answer, body, encode, nothing, query


class Post(Body, frozen=True):
    """POST /api/messages."""

    channel_id: str
    content: str
    id: str | None = None
    thread_id: str | None = None
    sender_id: str | None = None

    def saying(self) -> messages.Saying:
        """As the hub understands it."""
        return messages.Saying(self.channel_id, self.content, self.id, self.thread_id, self.sender_id)


class Edit(Body, frozen=True):
    """PATCH /api/messages/{id}."""

    content: str


class History(Query, frozen=True):
    """GET /api/messages."""

    channel_id: str | None = None
    thread_id: str | None = None
    before: str | None = None
    after: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Posted(msgspec.Struct, frozen=True):
    """The stored message and its place in the log."""

    message: Message
    seq: int


async def post(request: web.Request) -> web.Response:
    """201 with the stored message; 200 when this id was stored before."""
    caller: Caller = request["caller"]
    wanted = await body(request, Post)
    posted = await messages.post(request.app[HUB], caller, wanted.saying(), request["arrived_s"])
    status, words = said_of(posted)
    return Answer(words, status)


def said_of(posted: messages.Posted) -> tuple[int, bytes]:
    """The answer to a post: its status, and its JSON."""
    return 200 if posted.known else 201, encode(Posted(posted.message, posted.seq))


async def history(request: web.Request) -> web.Response:
    """A page of a channel, or of a thread, oldest first."""
    wanted = query(request, History)
    hub, caller = request.app[HUB], request["caller"]
    paging = messages.Paging(wanted.limit, wanted.before, wanted.after)
    if wanted.thread_id is not None:
        return answer(await messages.replies(hub, caller, wanted.thread_id, wanted.channel_id, paging))
    if wanted.channel_id is None:
        raise Invalid("channelId", "name a channel or a thread: channelId or threadId")
    return answer(await messages.history(hub, caller, wanted.channel_id, paging))


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
