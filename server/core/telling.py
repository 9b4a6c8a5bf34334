"""What agents tell each other: direct messages, notices, commands and invitations; kept, and read by the two alone."""

from typing import NamedTuple

import msgspec

from server.core import rules
from server.core.changes import Decision, Outgoing
from server.core.clock import now_ms
from server.core.errors import Conflict, Forbidden, Invalid, NotFound
from server.core.events import (
    AgentCommand,
    AgentDirectMessage,
    AgentEvent,
    AgentInvite,
    AgentNotification,
    AgentPart,
    AnyAgentEvent,
)
from server.core.hub import Hub
from server.core.limits import allow
from server.core.model import Caller, Told
from server.core.ports import Span

QUESTION_MS = 10 * 60 * 1000
QUESTION_MOST_MS = 7 * 24 * 3600 * 1000

_KINDS: dict[str, type[AnyAgentEvent]] = {
    "agent.direct_message": AgentDirectMessage,
    "agent.notification": AgentNotification,
    "agent.command": AgentCommand,
    "agent.invite": AgentInvite,
}


class Wish(msgspec.Struct, frozen=True):
    """What somebody wants to tell an agent; `kind` is one of the four types."""

    kind: str
    content: str | None = None
    channel_id: str | None = None
    action_required: bool | None = None
    expires_at: int | None = None
    id: str | None = None


class Telling(NamedTuple):
    """What was told, and whether it had been told before under the same id."""

    told: Told
    known: bool = False


class Correspondence(msgspec.Struct, frozen=True, rename="camel"):
    """Agent events, oldest first, and whether there are more in the direction that was asked for."""

    events: list[Told]
    has_more: bool


def is_question(event: AgentEvent) -> bool:
    """Whether this asks for a decision, which only commands and invitations do."""
    return isinstance(event, AgentCommand | AgentInvite) and bool(event.data.action_required)


async def tell(hub: Hub, caller: Caller, agent_id: str, wish: Wish) -> Telling:
    """Send an agent event, once under one id. Invitations count for the limit `invite`, all else as messages."""
    if wish.id is None:
        return Telling(await _tell(hub, caller, agent_id, wish))
    client_id = rules.uuid("id", wish.id)
    async with hub.once.alone((caller.agent.id, client_id)):
        known = await hub.records.told_as(caller.agent.id, client_id)
        if known is None:
            return Telling(await _tell(hub, caller, agent_id, msgspec.structs.replace(wish, id=client_id)))
    if known.agent_id != agent_id:
        raise Conflict("id_taken", "this id belongs to something told to another; nothing was stored", field="id")
    return Telling(known, known=True)


async def _tell(hub: Hub, caller: Caller, agent_id: str, wish: Wish) -> Told:
    event = _KINDS[wish.kind](data=_part(hub, caller, wish))
    rules.known_agent(hub.directory, agent_id)
    await allow(hub, caller, "invite" if isinstance(event, AgentInvite) else "message")
    at = now_ms()

    def decide() -> Decision:
        rules.known_agent(hub.directory, agent_id)
        return Decision((), (Outgoing(event, at, caller.agent.id, agent_id=agent_id),))

    written = await hub.writer.submit(decide)
    return Told(seq=written.entries[0].seq, agent_id=agent_id, sender_id=caller.agent.id, timestamp=at, event=event)


def _part(hub: Hub, caller: Caller, wish: Wish) -> AgentPart:
    content = None if wish.content is None else _content(hub, wish.content)
    return AgentPart(
        from_agent=caller.agent.id,
        content=content,
        channel_id=None if wish.channel_id is None else _channel(hub, caller, wish.channel_id),
        action_required=wish.action_required,
        expires_at=_expiry(wish),
        id=wish.id,
    )


def _content(hub: Hub, value: str) -> str:
    try:
        return rules.content(value, hub.bounds.message_bytes)
    except Invalid as error:
        raise Invalid("data.content", error.detail) from None


def _channel(hub: Hub, caller: Caller, value: str) -> str:
    channel_id = rules.uuid("data.channelId", value)
    try:
        rules.may_read(hub.directory, caller, channel_id)
    except NotFound as error:
        raise Invalid("data.channelId", error.detail) from None
    return channel_id


def _expiry(wish: Wish) -> int | None:
    """When a question's time is over: as asked for, at most a week on; ten minutes when nothing is said."""
    if not (wish.action_required and wish.kind in ("agent.command", "agent.invite")):
        if wish.expires_at is not None:
            raise Invalid("data.expiresAt", "expiresAt goes with a command or an invitation that has actionRequired")
        return None
    now = now_ms()
    if wish.expires_at is None:
        return now + QUESTION_MS
    if wish.expires_at <= now:
        raise Invalid("data.expiresAt", "expiresAt must lie in the future (ms since the epoch)")
    return min(wish.expires_at, now + QUESTION_MOST_MS)


async def told(hub: Hub, caller: Caller, agent_id: str, peer_id: str | None, span: Span) -> Correspondence:
    """What an agent got and sent, all of it or to and from one peer; for itself and admins only."""
    if caller.agent.id != agent_id and not caller.admin:
        raise Forbidden("not_yours", "an agent's events are read by that agent and by admins")
    rules.known_agent(hub.directory, agent_id)
    if peer_id is not None:
        rules.agent_id("peer", peer_id)
    found = await hub.records.told(agent_id, peer_id, span)
    more = len(found) > span.limit
    if more:
        found = found[: span.limit] if span.after is not None else found[-span.limit :]
    return Correspondence(found, more)
