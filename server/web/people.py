"""Signing in and out: /api/welcome, /api/login, /api/logout, and the cookie that says who one is."""

from aiohttp import web

from server.core import people
from server.web.keys import HUB
from server.web.reading import Body, answer, body, nothing

COOKIE = "hub_session"
SECURE_COOKIE = "__Host-hub_session"


class Arrival(Body, frozen=True):
    """POST /api/welcome."""

    code: str
    id: str
    display_name: str
    password: str


class Login(Body, frozen=True):
    """POST /api/login."""

    id: str
    password: str


def session_in(request: web.Request) -> str | None:
    """The secret in the session's cookie."""
    return request.cookies.get(SECURE_COOKIE if request.secure else COOKIE)


async def welcome(request: web.Request) -> web.Response:
    """201 with the first human, signed in."""
    wanted = await body(request, Arrival)
    arrival = people.Arrival(wanted.code, wanted.id, wanted.display_name, wanted.password)
    return _signed_in(request, await people.welcome(request.app[HUB], arrival), 201)


async def login(request: web.Request) -> web.Response:
    """200 with the person, signed in."""
    wanted = await body(request, Login)
    return _signed_in(request, await people.login(request.app[HUB], wanted.id, wanted.password), 200)


async def logout(request: web.Request) -> web.Response:
    """204; the session and its streams end."""
    await people.logout(request.app[HUB], request["caller"])
    response = nothing()
    response.del_cookie(SECURE_COOKIE if request.secure else COOKIE, path="/")
    return response


def _signed_in(request: web.Request, signed_in: people.SignedIn, status: int) -> web.Response:
    response = answer(signed_in.agent, status)
    response.set_cookie(
        SECURE_COOKIE if request.secure else COOKIE,
        signed_in.secret,
        max_age=signed_in.lifetime_s,
        path="/",
        httponly=True,
        secure=request.secure,
        samesite="Strict",
    )
    return response
