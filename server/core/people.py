"""People: in by a one-time link, then signing in and out, passwords, and their sessions."""

import msgspec

from server.core import rules
from server.core.accounts import Enrolment, agent_of, arriving
from server.core.audit import noted
from server.core.changes import Change, Decision, DropSession, PutCode, PutSession, SetPassword, SpendCode
from server.core.clock import now_ms
from server.core.errors import Forbidden, Invalid, NotFound, Unauthorized
from server.core.hub import Hub
from server.core.ids import digest_of, new_code, new_id
from server.core.invitations import id_of
from server.core.model import Agent, Caller, Code, Session

FIRST_MS = 15 * 60 * 1000
INVITATION_MS = 3 * 24 * 3600 * 1000
PASSWORD_MS = 3600 * 1000
SESSION_MS = 30 * 24 * 3600 * 1000


class Arrival(msgspec.Struct, frozen=True):
    """Somebody with the code of a one-time link. A link for a lost password knows whose it is."""

    code: str
    password: str
    id: str | None = None
    display_name: str | None = None


class Place(msgspec.Struct, frozen=True):
    """Where somebody signs in from: the network address, and what the browser calls itself."""

    address: str
    device: str = ""


class SignedIn(msgspec.Struct, frozen=True):
    """An account and the secret of its new session, for a cookie of `lifetime_s`."""

    agent: Agent
    secret: str
    lifetime_s: int = SESSION_MS // 1000


class Invitation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A one-time link, shown this once; `path` goes behind the hub's own address."""

    id: str
    code: str
    path: str
    expires_at: int
    agent_id: str | None = None


async def invite_first(hub: Hub) -> str | None:
    """A fresh one-time code while there is no human yet, valid 15 minutes; else None."""
    if hub.has_human():
        return None
    secret = new_code()
    change = _put(secret, Code("first", now_ms() + FIRST_MS))
    await hub.writer.submit(lambda: Decision((change,)))
    return secret


async def invite(hub: Hub, caller: Caller, agent_id: str | None) -> Invitation:
    """A one-time link by which somebody makes an account, or `agent_id` a new password; admins only.

    While there is nobody yet it makes the first one, who is an admin, as the link at the hub's start does.
    """
    rules.require_admin(caller)
    if agent_id is None and not hub.has_human():
        code = Code("first", now_ms() + FIRST_MS)
    elif agent_id is None:
        code = Code("account", now_ms() + INVITATION_MS)
    else:
        code = Code("password", now_ms() + PASSWORD_MS, _person(hub, agent_id).id)
    secret = new_code()

    def decide() -> Decision:
        if agent_id is not None:
            _person(hub, agent_id)
        note = noted(caller.agent.id, "invitation.create", agent_id or "", purpose=code.purpose)
        return Decision((_put(secret, code), note))

    await hub.writer.submit(decide)
    return Invitation(
        id=id_of(digest_of(secret)),
        code=secret,
        path=f"/welcome#{secret}",
        expires_at=code.expires_at,
        agent_id=code.agent_id,
    )


def _put(secret: str, code: Code) -> PutCode:
    return PutCode(digest_of(secret), code, now_ms())


def _person(hub: Hub, agent_id: str) -> Agent:
    agent = rules.known_agent(hub.directory, agent_id)
    if agent.kind != "human":
        raise Invalid("agentId", f"{agent_id} is not a person; programs have tokens and no password")
    return agent


async def welcome(hub: Hub, arrival: Arrival, place: Place) -> tuple[SignedIn, bool]:
    """Sign in who holds a one-time code, and whether that made an account. Without the right code: Forbidden."""
    code = await hub.log.code(digest_of(arrival.code), now_ms())
    if code is None or (code.purpose == "first" and hub.has_human()):
        raise Forbidden("welcome_closed", "this link is spent or too old; ask an admin, or the hub's log, for another")
    rules.password(arrival.password)
    if code.agent_id is not None:
        return await _renew(hub, code.agent_id, arrival, place), False
    if arrival.id is None:
        raise Invalid("id", "id must be there: the name that others call")
    name = arrival.display_name
    agent = agent_of(Enrolment(arrival.id, "human", name, admin=code.purpose == "first"))
    password_hash = await hub.passwords.hash(arrival.password)
    session, secret = _session_of(agent, place)

    def decide() -> Decision:
        if code.purpose == "first" and hub.has_human():
            raise Forbidden("welcome_closed", "somebody else was first; ask an admin for an account")
        changes, events = arriving(hub.directory, agent, agent.id)
        spent = SpendCode(digest_of(arrival.code))
        credentials = (SetPassword(agent.id, password_hash), PutSession(session, digest_of(secret)))
        note = noted(agent.id, "agent.create", agent.id, purpose=code.purpose)
        return Decision((spent, *changes, *credentials, note), events)

    await hub.writer.submit(decide)
    return SignedIn(agent, secret), True


async def _renew(hub: Hub, agent_id: str, arrival: Arrival, place: Place) -> SignedIn:
    """A new password for a person who lost it; every session ends but the one that begins."""
    if arrival.id is not None and arrival.id.lower() != agent_id.lower():
        raise Invalid("id", f"this link is for {agent_id}")
    agent = rules.known_agent(hub.directory, agent_id)
    password_hash = await hub.passwords.hash(arrival.password)
    session, secret = _session_of(agent, place)

    def decide() -> Decision:
        rules.known_agent(hub.directory, agent_id)
        ended = _ended(hub, agent_id)
        spent = SpendCode(digest_of(arrival.code))
        note = noted(agent_id, "password.change", agent_id, purpose="password")
        return Decision(
            (spent, SetPassword(agent_id, password_hash), *ended, PutSession(session, digest_of(secret)), note)
        )

    await hub.writer.submit(decide)
    return SignedIn(agent, secret)


def _ended(hub: Hub, agent_id: str, but: str = "") -> list[Change]:
    own = (session for session in hub.directory.sessions() if session.agent_id == agent_id)
    return [DropSession(session.id) for session in own if session.id != but]


async def login(hub: Hub, wanted_id: str, password: str, place: Place) -> SignedIn:
    """Sign a person in; a wrong name and a wrong password are the same answer in the same time."""
    with hub.throttle.attempt(wanted_id, place.address):
        agent = hub.directory.agent_named(wanted_id)
        known_hash = await hub.log.password_hash(agent.id) if agent is not None else None
        right = await hub.passwords.matches(known_hash, password)
        if agent is None or not right:
            raise Unauthorized("wrong_login", "this name and password do not go together")
    session, secret = _session_of(agent, place)

    def decide() -> Decision:
        rules.known_agent(hub.directory, agent.id)
        now = now_ms()
        own = (one for one in hub.directory.sessions() if one.agent_id == agent.id)
        over = (DropSession(one.id) for one in own if one.expires_at <= now)
        return Decision((*over, PutSession(session, digest_of(secret))))

    await hub.writer.submit(decide)
    return SignedIn(agent, secret)


def _session_of(agent: Agent, place: Place) -> tuple[Session, str]:
    now = now_ms()
    session = Session(id=new_id(), agent_id=agent.id, created_at=now, expires_at=now + SESSION_MS, device=place.device)
    return session, new_code()


async def logout(hub: Hub, caller: Caller) -> None:
    """End the caller's session and its streams; a token is not a session and stays."""
    if hub.directory.session(caller.credential) is None:
        return
    await hub.writer.submit(lambda: Decision((DropSession(caller.credential),)))


async def change_password(hub: Hub, caller: Caller, current: str, wanted: str, address: str) -> None:
    """Another password for the caller, who knows the present one; its other sessions end."""
    agent = caller.agent
    rules.password(wanted)
    with hub.throttle.attempt(agent.id, address):
        if not await hub.passwords.matches(await hub.log.password_hash(agent.id), current):
            raise Unauthorized("wrong_password", "this is not the present password")
    password_hash = await hub.passwords.hash(wanted)

    def decide() -> Decision:
        rules.known_agent(hub.directory, agent.id)
        note = noted(agent.id, "password.change", agent.id)
        return Decision((SetPassword(agent.id, password_hash), *_ended(hub, agent.id, caller.credential), note))

    await hub.writer.submit(decide)


def sessions(hub: Hub, caller: Caller) -> list[Session]:
    """The caller's sessions, for an admin everybody's; those that are over are left out."""
    now = now_ms()
    return [
        msgspec.structs.replace(
            session,
            current=session.id == caller.credential,
            last_used_at=hub.uses.last(session.id, session.last_used_at),
        )
        for session in hub.directory.sessions()
        if session.expires_at > now and (caller.admin or session.agent_id == caller.agent.id)
    ]


def session(hub: Hub, caller: Caller, session_id: str) -> Session:
    """One of them."""
    session_id = rules.uuid("id", session_id)
    for found in sessions(hub, caller):
        if found.id == session_id:
            return found
    raise NotFound("session_not_found", "there is no such session, or none of yours")


async def end_sessions(hub: Hub, caller: Caller) -> None:
    """Sign the caller out everywhere, here too; their streams end."""

    def decide() -> Decision:
        ended = _ended(hub, caller.agent.id)
        note = noted(caller.agent.id, "session.end", caller.agent.id, sessions=str(len(ended)))
        return Decision((*ended, note)) if ended else Decision()

    await hub.writer.submit(decide)


async def end_session(hub: Hub, caller: Caller, session_id: str) -> None:
    """End a session and its streams; its person or an admin may."""
    session_id = rules.uuid("id", session_id)

    def decide() -> Decision:
        found = session(hub, caller, session_id)
        note = noted(caller.agent.id, "session.end", found.agent_id, session=session_id)
        return Decision((DropSession(session_id), note))

    await hub.writer.submit(decide)
