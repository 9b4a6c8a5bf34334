"""The one way in: who calls, may it come here at all, and whatever goes wrong becomes problem+json."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import perf_counter
from urllib.parse import urlsplit

import structlog
from aiohttp import HttpVersion11, hdrs, web

from server.core.errors import Conflict, Forbidden, HubError, Invalid, Misdirected, NotFound, Unauthorized
from server.core.hub import Hub
from server.core.model import Caller, Scope
from server.core.stats import HTTP_EDGES_S, Histogram, Stats
from server.web import problem
from server.web.keys import DOORMAN, ENCRYPTION, HOSTS, HUB, PROXIES
from server.web.peer import Peer
from server.web.people import cookie_name
from server.web.routes import OPEN, PLACES, Place

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
"""A client may make methods up; a metric's label may not."""

_ELSEWHERE = Place(OPEN, "other")

_LASTING = (Unauthorized, Forbidden, NotFound, Conflict, Invalid)
"""Refusals that rest on who and what exists."""

logger = structlog.get_logger()


@web.middleware
async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything that all requests have in common."""
    arrived_s = perf_counter()
    request["arrived_s"] = arrived_s
    hub = request.app[HUB]
    request.app[DOORMAN].heard(request.protocol)
    place = PLACES.get(request.match_info.handler, _ELSEWHERE)
    version = hub.directory.version
    try:
        if not hub.follower.alone and request.method == "GET":
            await _look_around(hub, place)
        _enter(request, hub, place)
        response = await handler(request)
    except HubError as error:
        response = await _refuse(request, handler, place, version, error)
    except web.HTTPException as error:
        response = problem.of_http_error(error)
    except Exception as error:  # noqa: BLE001 - the last resort of every handler
        response = crashed(request.method, request.path, error)
    count(hub.stats, place.area, request.method, response.status, perf_counter() - arrived_s)
    return response


def _enter(request: web.Request, hub: Hub, place: Place) -> None:
    """Find out who calls, and let them come here or raise why not."""
    _find_peer(request)
    request.app[ENCRYPTION].demand(request, request["peer"])
    _identify(request, hub)
    if request["caller"] is not None:
        notice(hub, request["caller"])
    _admit(request, place)


async def _look_around(hub: Hub, place: Place) -> None:
    """Read nothing that is older than what the caller may have been told by another hub a moment ago."""
    if place.area != "ops":
        with suppress(HubError):  # without the database, what is known is what there is
            await hub.follower.look()


async def _refuse(
    request: web.Request, handler: Handler, place: Place, version: int, error: HubError
) -> web.StreamResponse:
    """The refusal, unless another hub has changed what it rests on: then the request is tried again, once."""
    hub = request.app[HUB]
    if isinstance(error, _LASTING) and await hub.follower.was_behind(version):
        try:
            _enter(request, hub, place)
            return await handler(request)
        except HubError as again:
            error = again
        except web.HTTPException as again:
            return problem.of_http_error(again)
        except Exception as crash:  # noqa: BLE001 - the last resort of every handler
            return crashed(request.method, request.path, crash)
    return problem.of_hub_error(error)


def _find_peer(request: web.Request) -> None:
    """Set `peer`; refuse what is meant for another host. Only HTTP/1.0 may name none: no browser speaks it."""
    peer = request["peer"] = request.app[PROXIES].peer(request)
    if peer.host is None and request.version < HttpVersion11:
        return
    if peer.host is None or not request.app[HOSTS].knows(peer.host):
        raise Misdirected("unknown_host", "this hub is not called so; server.allowed_hosts names further ones")


def _identify(request: web.Request, hub: Hub) -> None:
    """Set `caller` and `by_session`. A wrong token is refused at once; a stale cookie is nobody.

    Whom a listed proxy has signed in counts as signed in by a session.
    """
    request["caller"] = None
    request["by_session"] = False
    authorization = request.headers.get(hdrs.AUTHORIZATION)
    if authorization is not None:
        request["caller"] = bearer(hub, authorization)
        if request["caller"] is None:
            raise Unauthorized("bad_token", "this token is unknown, revoked or expired")
        return
    peer: Peer = request["peer"]
    person = request.app[PROXIES].person(request, peer)
    if person is not None:
        request["caller"] = hub.by_name(person)
        request["by_session"] = request["caller"] is not None
        return
    secret_cookie = request.cookies.get(cookie_name(peer))
    if secret_cookie is not None:
        request["caller"] = hub.by_session(secret_cookie)
        request["by_session"] = request["caller"] is not None


def bearer(hub: Hub, authorization: str) -> Caller | None:
    """Who holds the token that a header Authorization shows."""
    scheme, _, secret = authorization.partition(" ")
    return hub.by_token(secret.strip()) if scheme.lower() == "bearer" else None


def notice(hub: Hub, caller: Caller) -> None:
    """Take notice of who calls."""
    hub.presences.seen(caller.agent.id)
    hub.uses.seen(caller.credential)


def may(caller: Caller, scope: Scope) -> bool:
    """Whether the caller's token is for this."""
    return scope in caller.scopes or "admin" in caller.scopes


def _admit(request: web.Request, place: Place) -> None:
    caller: Caller | None = request["caller"]
    if request.method not in _SAFE and hdrs.AUTHORIZATION not in request.headers:
        _same_origin(request)
    if place.access == OPEN:
        return
    if caller is None:
        raise Unauthorized("token_required", "send Authorization: Bearer TOKEN, or sign in")
    scope: Scope = "read" if request.method in _SAFE else "write"
    if not may(caller, scope):
        raise Forbidden("scope_required", f"this token does not have the scope {scope}")


def _same_origin(request: web.Request) -> None:
    """Refuse what another web page makes a browser send; only browsers send these headers."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        origin = request.headers.get(hdrs.ORIGIN)
        foreign = origin is not None and urlsplit(origin).netloc != request["peer"].host
    if foreign:
        raise Forbidden("foreign_origin", "another web page sent this; nothing was done")


def crashed(method: str, path: str, error: Exception) -> web.Response:
    """The answer to a mistake of the hub's, which is logged with all that there is."""
    request_id = secrets.token_hex(8)
    logger.error("request crashed", request_id=request_id, exc_info=error, method=method, path=path)
    return problem.of_crash(request_id)


def count(stats: Stats, area: str, method: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    stats.requests[area, method if method in _METHODS else "other", f"{status // 100}xx"] += 1
    if area != "events":
        histogram = stats.request_s.get(area)
        if histogram is None:
            histogram = stats.request_s[area] = Histogram(HTTP_EDGES_S)
        histogram.observe(seconds)
