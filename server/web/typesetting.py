"""GET /api/messages/html: what markdown in messages looks like, made when a person looks."""

import msgspec
from aiohttp import web

from server.core import messages
from server.core.errors import HubError, Invalid
from server.core.model import Message
from server.web.keys import HUB, TYPESETTER
from server.web.reading import Query, answer, query

MOST = 50


class Wanted(Query, frozen=True):
    """GET /api/messages/html; `ids` are up to 50 message ids with commas between."""

    ids: str


class Typeset(msgspec.Struct, frozen=True):
    """Sanitised HTML by message id; a message is missing where its text is better shown as it was written."""

    html: dict[str, str]


async def html(request: web.Request) -> web.Response:
    """Messages as sanitised HTML, those that the caller may read."""
    ids = [one for one in query(request, Wanted).ids.split(",") if one]
    if not ids or len(ids) > MOST:
        raise Invalid("ids", f"name 1 to {MOST} messages")
    found = [message for one in dict.fromkeys(ids) if (message := await _readable(request, one)) is not None]
    made = await request.app[TYPESETTER].html([message.content for message in found])
    return answer(Typeset({message.id: text for message, text in zip(found, made, strict=True) if text is not None}))


async def _readable(request: web.Request, message_id: str) -> Message | None:
    try:
        message = await messages.find(request.app[HUB], request["caller"], message_id)
    except Invalid:
        raise Invalid("ids", "ids are message ids with commas between") from None
    except HubError:
        return None
    return None if message.deleted else message
