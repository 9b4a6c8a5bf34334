"""Words to everyone by an admin, and agents' own events to a channel."""

import re
from typing import Any, NamedTuple

import msgspec

from server.core import rules
from server.core.audit import noted
from server.core.changes import Decision, Entry, Outgoing
from server.core.clock import now_ms
from server.core.errors import Invalid, TooLarge
from server.core.events import (
    AgentJoined,
    AgentLeft,
    AnyGlobalEvent,
    AuthTokenRevoked,
    CollaborationEvent,
    CollaborationPart,
    GlobalPart,
    SystemAnnouncement,
    SystemMaintenance,
    SystemPerformanceAlert,
    SystemShutdown,
)
from server.core.hub import Hub
from server.core.model import Caller
from server.core.ports import Span

TEXT_LENGTH = 4000
AFFECTED_MOST = 1000
TYPE_LENGTH = 64
COLLABORATION_BYTES = 64 << 10

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

_KINDS: dict[str, type[AnyGlobalEvent]] = {
    "system.announcement": SystemAnnouncement,
    "system.maintenance": SystemMaintenance,
    "system.shutdown": SystemShutdown,
    "system.performance.alert": SystemPerformanceAlert,
    "auth.token.revoked": AuthTokenRevoked,
    "agent.joined": AgentJoined,
    "agent.left": AgentLeft,
}


async def announce(hub: Hub, caller: Caller, kind: str, part: GlobalPart) -> Entry:
    """Tell everyone; admins only. `kind` is one of the seven global types. Answers the event as the log has it."""
    rules.require_admin(caller)
    if part.message is not None:
        rules.text("data.message", part.message, TEXT_LENGTH)
    if part.affected_agents is not None:
        if len(part.affected_agents) > AFFECTED_MOST:
            raise Invalid("data.affectedAgents", f"affectedAgents must name at most {AFFECTED_MOST}")
        for agent_id in part.affected_agents:
            rules.agent_id("data.affectedAgents", agent_id)
    event = _KINDS[kind](data=part)

    def decide() -> Decision:
        note = noted(caller.agent.id, "global.announce", kind)
        return Decision((note,), (Outgoing(event, now_ms(), caller.agent.id),))

    written = await hub.writer.submit(decide)
    return written.entries[0]


class Works(NamedTuple):
    """Envelopes of collaboration events, oldest first, and whether there are more in the direction asked for."""

    events: list[bytes]
    has_more: bool


async def works(hub: Hub, caller: Caller, channel_id: str, span: Span) -> Works:
    """What agents told a channel of their work, as far as the log reaches."""
    channel_id = rules.uuid("id", channel_id)
    rules.may_read(hub.directory, caller, channel_id)
    found = await hub.records.collaboration(channel_id, span)
    more = len(found) > span.limit
    if more:
        found = found[: span.limit] if span.after is not None else found[-span.limit :]
    return Works(found, more)


async def collaborate(hub: Hub, caller: Caller, channel_id: str, kind: str, content: dict[str, Any]) -> Entry:
    """Tell a channel's members something that only agents understand."""
    channel_id = rules.uuid("id", channel_id)
    kind = rules.line("type", kind, TYPE_LENGTH)
    encoded = msgspec.json.encode(content)
    if len(encoded) > COLLABORATION_BYTES:
        raise TooLarge("data_too_large", f"data is {len(encoded)} bytes, at most {COLLABORATION_BYTES}", field="data")
    if _NUL.search(encoded):
        raise Invalid("data", "data must not hold U+0000")
    event = CollaborationEvent(channel_id=channel_id, event=CollaborationPart(kind, content))

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, channel_id)
        return Decision((), (Outgoing(event, now_ms(), caller.agent.id, channel_id),))

    written = await hub.writer.submit(decide)
    return written.entries[0]
