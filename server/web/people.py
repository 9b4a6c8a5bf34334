"""Signing in and out, invitations, passwords and sessions, and the cookie that says who one is."""

from aiohttp import hdrs, web

from server.core import invitations as core_invitations
from server.core import people
from server.web.keys import HUB
from server.web.peer import Peer
from server.web.reading import Body, answer, body, nothing

COOKIE = "hub_session"
SECURE_COOKIE = "__Host-hub_session"

DEVICE_LENGTH = 200


class Arrival(Body, frozen=True):
    """POST /api/welcome; a link for a lost password needs no more than code and password."""

    code: str
    password: str
    id: str | None = None
    display_name: str | None = None


class Login(Body, frozen=True):
    """POST /api/login."""

    id: str
    password: str


class Inviting(Body, frozen=True):
    """POST /api/invitations; with `agentId` a link for that person's lost password."""

    agent_id: str | None = None


class NewPassword(Body, frozen=True):
    """PUT /api/me/password."""

    current: str
    password: str


def cookie_name(peer: Peer) -> str:
    """The session's cookie; under TLS a browser ties that name to this very host."""
    return SECURE_COOKIE if peer.secure else COOKIE


async def welcome(request: web.Request) -> web.Response:
    """201 with the account that a one-time link made, signed in; 200 where it gave a known one a new password."""
    wanted = await body(request, Arrival)
    arrival = people.Arrival(wanted.code, wanted.password, wanted.id, wanted.display_name)
    signed_in, is_new = await people.welcome(request.app[HUB], arrival, _place(request))
    return _signed_in(request, signed_in, 201 if is_new else 200)


async def login(request: web.Request) -> web.Response:
    """200 with the person, signed in."""
    wanted = await body(request, Login)
    return _signed_in(request, await people.login(request.app[HUB], wanted.id, wanted.password, _place(request)), 200)


async def logout(request: web.Request) -> web.Response:
    """204; the session and its streams end."""
    await people.logout(request.app[HUB], request["caller"])
    return _signed_out(request)


async def end_sessions(request: web.Request) -> web.Response:
    """204; the caller is signed in nowhere now, nor here."""
    await people.end_sessions(request.app[HUB], request["caller"])
    return _signed_out(request)


def _signed_out(request: web.Request) -> web.Response:
    response = nothing()
    peer: Peer = request["peer"]
    response.del_cookie(cookie_name(peer), path="/", secure=peer.secure, httponly=True, samesite="Strict")
    return response


async def invite(request: web.Request) -> web.Response:
    """201 with a one-time link; admins only."""
    wanted = await body(request, Inviting)
    return answer(await people.invite(request.app[HUB], request["caller"], wanted.agent_id), 201)


async def invitations(request: web.Request) -> web.Response:
    """The links that nobody has followed yet, without their codes; admins only."""
    return answer({"invitations": await core_invitations.listed(request.app[HUB], request["caller"])})


async def withdraw(request: web.Request) -> web.Response:
    """204; the link leads nowhere now."""
    await core_invitations.withdraw(request.app[HUB], request["caller"], request.match_info["id"])
    return nothing()


async def change_password(request: web.Request) -> web.Response:
    """204; the person's other sessions end."""
    wanted = await body(request, NewPassword)
    address = request["peer"].address
    await people.change_password(request.app[HUB], request["caller"], wanted.current, wanted.password, address)
    return nothing()


async def sessions(request: web.Request) -> web.Response:
    """The caller's sessions, for an admin everybody's."""
    return answer({"sessions": people.sessions(request.app[HUB], request["caller"])})


async def session(request: web.Request) -> web.Response:
    """One session."""
    return answer(people.session(request.app[HUB], request["caller"], request.match_info["id"]))


async def end_session(request: web.Request) -> web.Response:
    """204; its streams end."""
    await people.end_session(request.app[HUB], request["caller"], request.match_info["id"])
    return nothing()


def _place(request: web.Request) -> people.Place:
    calls_itself = request.headers.get(hdrs.USER_AGENT, "")
    device = "".join(letter for letter in calls_itself if letter.isprintable())[:DEVICE_LENGTH]
    return people.Place(request["peer"].address, device)


def _signed_in(request: web.Request, signed_in: people.SignedIn, status: int) -> web.Response:
    response = answer(signed_in.agent, status)
    peer: Peer = request["peer"]
    response.set_cookie(
        cookie_name(peer),
        signed_in.secret,
        max_age=signed_in.lifetime_s,
        path="/",
        httponly=True,
        secure=peer.secure,
        samesite="Strict",
    )
    return response
