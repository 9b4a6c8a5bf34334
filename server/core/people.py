"""People: the first one by a one-time link, then signing in and out."""

import msgspec

from server.core import rules
from server.core.accounts import Enrolment, agent_of, arriving
from server.core.changes import Decision, DropSession, PutSession, PutWelcome, SetPassword, UseWelcome
from server.core.clock import now_ms
from server.core.errors import Forbidden, Unauthorized
from server.core.hub import Hub
from server.core.ids import digest_of, new_code, new_id
from server.core.model import Agent, Caller, Session

WELCOME_MS = 15 * 60 * 1000
SESSION_MS = 30 * 24 * 3600 * 1000


class Arrival(msgspec.Struct, frozen=True):
    """The first human, with the code of the one-time link."""

    code: str
    id: str
    display_name: str
    password: str


class SignedIn(msgspec.Struct, frozen=True):
    """An account and the secret of its new session, for a cookie of `lifetime_s`."""

    agent: Agent
    secret: str
    lifetime_s: int = SESSION_MS // 1000


async def invite_first(hub: Hub) -> str | None:
    """A fresh one-time code while there is no human yet, valid 15 minutes; else None."""
    if hub.has_human():
        return None
    code = new_code()
    change = PutWelcome(digest_of(code), now_ms() + WELCOME_MS)
    await hub.writer.submit(lambda: Decision((change,)))
    return code


async def welcome(hub: Hub, arrival: Arrival) -> SignedIn:
    """Make the first human, an admin, and sign it in. Without the right code: Forbidden."""
    if hub.has_human() or not await hub.log.welcome_open(digest_of(arrival.code), now_ms()):
        raise Forbidden("welcome_closed", "this link is spent or too old; the hub prints a fresh one when it starts")
    rules.password(arrival.password)
    agent = agent_of(Enrolment(arrival.id, "human", arrival.display_name, admin=True))
    password_hash = await hub.passwords.hash(arrival.password)
    session, secret = _session_of(agent)

    def decide() -> Decision:
        if hub.has_human():
            raise Forbidden("welcome_closed", "somebody else was first; ask an admin for an account")
        changes, events = arriving(hub.directory, agent, agent.id)
        credentials = (SetPassword(agent.id, password_hash), PutSession(session, digest_of(secret)), UseWelcome())
        return Decision((*changes, *credentials), events)

    await hub.writer.submit(decide)
    return SignedIn(agent, secret)


async def login(hub: Hub, wanted_id: str, password: str) -> SignedIn:
    """Sign a person in; a wrong name and a wrong password are the same answer in the same time."""
    agent = hub.directory.agent_named(wanted_id)
    known_hash = await hub.log.password_hash(agent.id) if agent is not None else None
    right = await hub.passwords.matches(known_hash, password)
    if agent is None or not right:
        raise Unauthorized("wrong_login", "this name and password do not go together")
    session, secret = _session_of(agent)

    def decide() -> Decision:
        rules.known_agent(hub.directory, agent.id)
        return Decision((PutSession(session, digest_of(secret)),))

    await hub.writer.submit(decide)
    return SignedIn(agent, secret)


def _session_of(agent: Agent) -> tuple[Session, str]:
    now = now_ms()
    return Session(id=new_id(), agent_id=agent.id, created_at=now, expires_at=now + SESSION_MS), new_code()


async def logout(hub: Hub, caller: Caller) -> None:
    """End the caller's session and its streams; a token is not a session and stays."""
    if hub.directory.session(caller.credential) is None:
        return
    await hub.writer.submit(lambda: Decision((DropSession(caller.credential),)))
