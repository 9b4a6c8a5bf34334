"""/api/tokens."""

from aiohttp import web

from server.core import accounts
from server.core.model import Scope
from server.web.keys import HUB
from server.web.reading import Body, answer, body, nothing


class Wish(Body, frozen=True):
    """POST /api/tokens."""

    agent_id: str
    name: str = ""
    expires_at: int | None = None
    scopes: tuple[Scope, ...] | None = None


async def listed(request: web.Request) -> web.Response:
    """The tokens that the caller may see, without their secrets."""
    return answer({"tokens": accounts.tokens(request.app[HUB], request["caller"])})


async def issue(request: web.Request) -> web.Response:
    """201 with the secret, which is shown this once."""
    wanted = await body(request, Wish)
    wish = accounts.Wish(wanted.agent_id, wanted.name, wanted.expires_at, wanted.scopes)
    return answer(await accounts.issue(request.app[HUB], request["caller"], wish), 201)


async def revoke(request: web.Request) -> web.Response:
    """204; its streams end."""
    await accounts.revoke(request.app[HUB], request["caller"], request.match_info["id"])
    return nothing()
