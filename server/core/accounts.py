"""Accounts and their tokens: making, changing and ending them."""

import msgspec

from server.core import rules
from server.core.audit import noted
from server.core.changes import Change, Decision, DropAgent, DropToken, Outgoing, PutAgent, PutToken
from server.core.channels import joining, leaving
from server.core.clock import now_ms
from server.core.directory import Directory
from server.core.errors import Conflict, Forbidden, Invalid, NotFound
from server.core.events import AuthTokenRevoked, GlobalPart
from server.core.hub import GENERAL, OPERATOR, Hub
from server.core.ids import digest_of, new_id, new_token
from server.core.model import DEFAULT_SCOPES, PROBE, Agent, Caller, Kind, Limits, Member, Scope, Token

DISPLAY_NAME_LENGTH = 80
AVATAR_LENGTH = 16
LATEST_MS = (1 << 53) - 1
"""The last moment that every JSON parser reads exactly."""

AVATARS: dict[Kind, str] = {"agent": "🤖", "human": "🙂", "bridge": "🌉"}


class Enrolment(msgspec.Struct, frozen=True):
    """An account that an admin wants."""

    id: str
    kind: Kind = "agent"
    display_name: str | None = None
    avatar: str | None = None
    admin: bool = False
    limits: Limits | None = None


class Revision(msgspec.Struct, frozen=True):
    """What is to be different about an account; None means as it is."""

    display_name: str | None = None
    avatar: str | None = None
    admin: bool | None = None
    limits: Limits | None = None


class Issued(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A token with its secret, which is shown this once."""

    id: str
    agent_id: str
    name: str
    expires_at: int | None
    scopes: tuple[Scope, ...]
    token: str


def agent_of(enrolment: Enrolment) -> Agent:
    """The account as it will be, checked."""
    wanted_id = rules.agent_id("id", enrolment.id)
    name = enrolment.display_name
    avatar = enrolment.avatar
    return Agent(
        id=wanted_id,
        kind=enrolment.kind,
        display_name=wanted_id if name is None else rules.line("displayName", name, DISPLAY_NAME_LENGTH),
        avatar=AVATARS[enrolment.kind] if avatar is None else rules.line("avatar", avatar, AVATAR_LENGTH),
        admin=enrolment.admin,
        limits=checked(enrolment.limits),
        created_at=now_ms(),
    )


def checked(limits: Limits | None) -> Limits | None:
    """The limits, unless one is below zero."""
    if limits is not None:
        for name, value in msgspec.structs.asdict(limits).items():
            if value is not None and not 0 <= value <= 1_000_000:
                raise Invalid(f"limits.{name}", f"limits.{name} must be 0 (no limit) to 1000000")
    return limits


def arriving(directory: Directory, agent: Agent, by: str) -> tuple[tuple[Change, ...], tuple[Outgoing, ...]]:
    """What makes an account, which joins `general`; refused when the id is taken in any case."""
    if directory.agent_named(agent.id) is not None:
        raise Conflict("id_taken", f"there is an agent {agent.id} already", field="id")
    general = directory.channel_named(GENERAL)
    if general is None or general.archived_at is not None:
        return (PutAgent(agent),), ()
    first_human = agent.kind == "human" and not directory.has_human()
    member = Member(agent.id, agent.created_at, "owner" if first_human else "member")
    changes, event = joining(general.id, member, by)
    return (PutAgent(agent), *changes), (event,)


def listed(hub: Hub) -> list[Agent]:
    """Every account, by id."""
    everybody = (agent for agent in hub.directory.agents.values() if agent.id != PROBE)
    return sorted(everybody, key=lambda agent: agent.id.lower())


async def enrol(hub: Hub, caller: Caller, enrolment: Enrolment) -> Agent:
    """Make an account; admins only."""
    rules.require_admin(caller)
    agent = agent_of(enrolment)

    def decide() -> Decision:
        rules.require_admin(caller)
        changes, events = arriving(hub.directory, agent, caller.agent.id)
        note = noted(caller.agent.id, "agent.create", agent.id, kind=agent.kind, **_power(agent.admin))
        return Decision((*changes, note), events)

    await hub.writer.submit(decide)
    return agent


async def revise(hub: Hub, caller: Caller, agent_id: str, revision: Revision) -> Agent:
    """Change an account: its name and avatar by itself, the rest by an admin."""
    if caller.agent.id != agent_id or revision.admin is not None or revision.limits is not None:
        rules.require_admin(caller)
    name, avatar = revision.display_name, revision.avatar
    asked = Revision(
        display_name=None if name is None else rules.line("displayName", name, DISPLAY_NAME_LENGTH),
        avatar=None if avatar is None else rules.line("avatar", avatar, AVATAR_LENGTH),
        admin=revision.admin,
        limits=checked(revision.limits),
    )
    news = {key: value for key, value in msgspec.structs.asdict(asked).items() if value is not None}

    def decide() -> Decision:
        before = rules.known_agent(hub.directory, agent_id)
        if revision.admin is False:
            _keep_an_admin(hub.directory, agent_id)
        if not news:
            return Decision()
        change = PutAgent(msgspec.structs.replace(before, **news))
        if caller.agent.id == agent_id and not caller.admin:
            return Decision((change,))
        note = noted(caller.agent.id, "agent.change", agent_id, fields=" ".join(news), **_power(revision.admin))
        return Decision((change, note))

    await hub.writer.submit(decide)
    return rules.known_agent(hub.directory, agent_id)


def _power(admin: bool | None) -> dict[str, str]:
    """What the audit log says of somebody who becomes an admin or no longer is one."""
    return {} if admin is None else {"admin": "yes" if admin else "no"}


async def dismiss(hub: Hub, caller: Caller, agent_id: str) -> None:
    """End an account, its memberships, tokens and streams; what it wrote stays. Admins only."""
    rules.require_admin(caller)

    def decide() -> Decision:
        rules.known_agent(hub.directory, agent_id)
        if agent_id == OPERATOR:
            raise Forbidden("built_in", f"{OPERATOR} belongs to the hub and stays")
        _keep_an_admin(hub.directory, agent_id)
        at = now_ms()
        changes: list[Change] = []
        events: list[Outgoing] = []
        for channel_id in sorted(hub.directory.channels_of(agent_id)):
            more, event = leaving(channel_id, agent_id, caller.agent.id, at)
            changes.extend(more)
            events.append(event)
        note = noted(caller.agent.id, "agent.end", agent_id)
        ended = (*changes, DropAgent(agent_id, at), note)
        return Decision(ended, (*events, _revoked(agent_id, caller.agent.id, at)))

    await hub.writer.submit(decide)


def _keep_an_admin(directory: Directory, agent_id: str) -> None:
    leaving_agent = rules.known_agent(directory, agent_id)
    others = [agent for agent in directory.agents.values() if agent.id not in (agent_id, OPERATOR)]
    if leaving_agent.admin and leaving_agent.kind == "human" and not any(agent.admin for agent in others):
        raise Conflict("last_admin", "the hub keeps at least one admin; name another one first")


def _revoked(agent_id: str, by: str, at: int) -> Outgoing:
    event = AuthTokenRevoked(data=GlobalPart(message="a token was revoked", affected_agents=(agent_id,)))
    return Outgoing(event, at, by)


def tokens(hub: Hub, caller: Caller) -> list[Token]:
    """The caller's tokens, for an admin everybody's."""
    return [
        msgspec.structs.replace(token, last_used_at=hub.uses.last(token.id, token.last_used_at))
        for token in hub.directory.tokens()
        if (caller.admin and token.agent_id != PROBE) or token.agent_id == caller.agent.id
    ]


class Wish(msgspec.Struct, frozen=True):
    """A token that somebody wants."""

    agent_id: str
    name: str = ""
    expires_at: int | None = None
    scopes: tuple[Scope, ...] | None = None


async def issue(hub: Hub, caller: Caller, wish: Wish) -> Issued:
    """Make a token, for oneself or as an admin for anybody; nobody gives more than it has."""
    if wish.agent_id != caller.agent.id:
        rules.require_admin(caller)
    agent = rules.known_agent(hub.directory, wish.agent_id)
    token = Token(
        id=new_id(),
        agent_id=agent.id,
        name=rules.line("name", wish.name, DISPLAY_NAME_LENGTH, empty=True),
        scopes=_scopes(caller, agent, wish.scopes),
        created_at=now_ms(),
        expires_at=_later(wish.expires_at),
    )
    secret = new_token()

    def decide() -> Decision:
        rules.known_agent(hub.directory, agent.id)
        scopes = " ".join(token.scopes)
        note = noted(caller.agent.id, "token.issue", agent.id, token=token.id, name=token.name, scopes=scopes)
        return Decision((PutToken(token, digest_of(secret)), note))

    await hub.writer.submit(decide)
    return Issued(
        id=token.id,
        agent_id=token.agent_id,
        name=token.name,
        expires_at=token.expires_at,
        scopes=token.scopes,
        token=secret,
    )


def _scopes(caller: Caller, agent: Agent, wanted: tuple[Scope, ...] | None) -> tuple[Scope, ...]:
    if wanted is None:
        return tuple(scope for scope in DEFAULT_SCOPES if caller.admin or scope in caller.scopes)
    if not caller.admin and not set(wanted) <= {*caller.scopes, "admin"}:
        raise Invalid("scopes", "a token gives no scope that the one it is made with does not have")
    if not wanted:
        raise Invalid("scopes", "scopes must name at least one of read, write, admin")
    if "admin" in wanted and not (agent.admin and caller.admin):
        raise Invalid("scopes", f"{agent.id} is not an admin; its tokens cannot be")
    return tuple(dict.fromkeys(wanted))


def _later(expires_at: int | None) -> int | None:
    if expires_at is not None and not now_ms() < expires_at <= LATEST_MS:
        raise Invalid("expiresAt", "expiresAt must lie in the future (ms since the epoch)")
    return expires_at


async def revoke(hub: Hub, caller: Caller, token_id: str) -> None:
    """Make a token void and end its streams; its agent or an admin may."""
    token_id = rules.uuid("id", token_id)

    def decide() -> Decision:
        token = hub.directory.token(token_id)
        if token is None or (token.agent_id != caller.agent.id and not caller.admin):
            raise NotFound("token_not_found", "there is no such token, or none of yours")
        note = noted(caller.agent.id, "token.revoke", token.agent_id, token=token_id, name=token.name)
        return Decision((DropToken(token_id), note), (_revoked(token.agent_id, caller.agent.id, now_ms()),))

    await hub.writer.submit(decide)
