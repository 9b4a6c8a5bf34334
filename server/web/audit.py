"""GET /api/audit."""

from aiohttp import web

from server.core import audit
from server.core.errors import Invalid
from server.web.keys import HUB
from server.web.reading import Query, answer, query

LIMIT = 50
LIMIT_MOST = 200


class Wanted(Query, frozen=True):
    """GET /api/audit."""

    before: int | None = None
    limit: int = LIMIT


async def listed(request: web.Request) -> web.Response:
    """A page of the audit log, newest first; admins only."""
    wanted = query(request, Wanted)
    if not 1 <= wanted.limit <= LIMIT_MOST:
        raise Invalid("limit", f"limit must be 1 to {LIMIT_MOST}")
    if wanted.before is not None and not 1 <= wanted.before < 1 << 63:
        raise Invalid("before", "before must be the id of an entry")
    return answer(await audit.listed(request.app[HUB], request["caller"], wanted.before, wanted.limit))
