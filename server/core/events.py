"""The events of the customer's schema as tagged structs, the wrapper they travel in, and how they are read.

Field names are camelCase on the wire. A field with a default is absent when it has that default. Times are
ms since the epoch. Section numbers are those of the schema document (EPIC-003, "Pub/Sub Channels").
"""

from typing import Any, Literal

import msgspec

Role = Literal["member", "moderator", "owner"]
Status = Literal["online", "away", "dnd", "offline"]
Severity = Literal["info", "warning", "critical"]
Verdict = Literal["allow", "refuse", "expired"]


class Part(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A value inside an event."""


class Event(Part, frozen=True, tag_field="type", kw_only=True):
    """Something that happened; the tag is its `type`."""


class MessagePart(Part, frozen=True):
    """A message as events carry it (section 1, `ChannelMessage`); `mentions` holds agent ids."""

    id: str
    content: str
    sender_id: str
    timestamp: int
    thread_id: str | None = None
    edited: bool = False
    reactions: dict[str, int] | None = None
    mentions: tuple[str, ...] = ()


class PresencePart(Part, frozen=True, kw_only=True):
    """Who is here, and how (section 1)."""

    agent_id: str
    status: Status
    custom_status: str | None = None
    avatar: str
    last_seen: int


class MemberPart(Part, frozen=True):
    """A member of a channel (section 1)."""

    agent_id: str
    joined_at: int
    role: Role


class ChannelPart(Part, frozen=True):
    """What changed of a channel (section 1); null for a retention is that messages are kept for ever from now on."""

    name: str | None = None
    topic: str | None = None
    description: str | None = None
    is_private: bool | None = None
    retention_days: int | msgspec.UnsetType | None = msgspec.UNSET
    retention_from: int | msgspec.UnsetType | None = msgspec.UNSET


class ThreadPart(Part, frozen=True):
    """A thread under a message (section 1); a change tells `resolved` either way."""

    id: str
    parent_message_id: str
    created_by: str
    created_at: int
    reply_count: int
    title: str | None = None
    resolved: bool | None = None


class CollaborationPart(Part, frozen=True):
    """Agents' own event, opaque to the hub (section 1)."""

    type: str
    data: dict[str, Any]


class GlobalPart(Part, frozen=True):
    """What a system-wide event says (section 2)."""

    message: str | None = None
    severity: Severity | None = None
    affected_agents: tuple[str, ...] | None = None
    start_time: int | None = None
    estimated_duration: int | None = None


class AgentPart(Part, frozen=True):
    """What an agent is told (section 3), with the fields of a question to a person and of its answer."""

    from_agent: str | None = None
    content: str | None = None
    channel_id: str | None = None
    action_required: bool | None = None
    expires_at: int | None = None
    in_reply_to: int | None = None
    decision: Verdict | None = None
    by: str | None = None
    sha256: str | None = None
    id: str | None = None


class ChannelMessage(Event, frozen=True, tag="channel.message"):
    """A new message (section 1)."""

    channel_id: str
    message: MessagePart


class ChannelMessageEdit(Event, frozen=True, tag="channel.message.edit"):
    """New content for a message (section 1); `mentions` as resolved from the new content."""

    channel_id: str
    message_id: str
    content: str
    edited_at: int
    mentions: tuple[str, ...] = ()


class ChannelMessageDelete(Event, frozen=True, tag="channel.message.delete"):
    """A message became a tombstone (section 1)."""

    channel_id: str
    message_id: str
    deleted_at: int


class ChannelReactionAdd(Event, frozen=True, tag="channel.reaction.add"):
    """An agent reacted (section 1)."""

    channel_id: str
    message_id: str
    emoji: str
    agent_id: str


class ChannelReactionRemove(Event, frozen=True, tag="channel.reaction.remove"):
    """An agent took its reaction back (section 1)."""

    channel_id: str
    message_id: str
    emoji: str
    agent_id: str


class ChannelTyping(Event, frozen=True, tag="channel.typing"):
    """An agent writes, or stopped (section 1); live only."""

    channel_id: str
    agent_id: str
    started: bool
    thread_id: str | None = None


class ChannelPresence(Event, frozen=True, tag="channel.presence"):
    """An agent's presence in a channel (section 1); live only."""

    channel_id: str
    presence: PresencePart


class ChannelMemberJoin(Event, frozen=True, tag="channel.member.join"):
    """An agent became a member (section 1)."""

    channel_id: str
    member: MemberPart


class ChannelMemberUpdate(Event, frozen=True, tag="channel.member.update"):
    """A member's role changed (named in the overview, shaped like the join)."""

    channel_id: str
    member: MemberPart


class ChannelMemberLeave(Event, frozen=True, tag="channel.member.leave"):
    """A member left or was removed (section 1)."""

    channel_id: str
    agent_id: str
    left_at: int | None = None


class ChannelUpdate(Event, frozen=True, tag="channel.update"):
    """A channel was changed (section 1)."""

    channel_id: str
    channel: ChannelPart


class ChannelArchive(Event, frozen=True, tag="channel.archive"):
    """A channel became read-only (section 1)."""

    channel_id: str
    archived_by: str
    archived_at: int


class ChannelDelete(Event, frozen=True, tag="channel.delete"):
    """A channel ended (section 1)."""

    channel_id: str
    deleted_by: str
    deleted_at: int


class ThreadCreate(Event, frozen=True, tag="thread.create"):
    """A thread was opened under a message (section 1)."""

    channel_id: str
    thread: ThreadPart


class ThreadUpdate(Event, frozen=True, tag="thread.update"):
    """A thread was renamed or resolved (extension, shaped like the creation)."""

    channel_id: str
    thread: ThreadPart


class ThreadMessage(Event, frozen=True, tag="thread.message"):
    """A reply in a thread (section 1)."""

    channel_id: str
    thread_id: str
    message: MessagePart


class CollaborationEvent(Event, frozen=True, tag="collaboration.event"):
    """Agents' own kind of event (section 1)."""

    channel_id: str
    event: CollaborationPart


class GlobalEvent(Event, frozen=True):
    """What all seven global types share (section 2)."""

    data: GlobalPart


class SystemAnnouncement(GlobalEvent, frozen=True, tag="system.announcement"):
    """A word to everyone (section 2)."""


class SystemMaintenance(GlobalEvent, frozen=True, tag="system.maintenance"):
    """Planned work (section 2)."""


class SystemShutdown(GlobalEvent, frozen=True, tag="system.shutdown"):
    """The hub stops on purpose (section 2)."""


class SystemPerformanceAlert(GlobalEvent, frozen=True, tag="system.performance.alert"):
    """An objective burns too fast, or no longer (section 2)."""


class AuthTokenRevoked(GlobalEvent, frozen=True, tag="auth.token.revoked"):
    """Tokens of the named agents are void (section 2)."""


class AgentJoined(GlobalEvent, frozen=True, tag="agent.joined"):
    """The first stream of an agent opened (section 2)."""


class AgentLeft(GlobalEvent, frozen=True, tag="agent.left"):
    """The last stream of an agent ended (section 2)."""


class AgentEvent(Event, frozen=True):
    """What all four agent types share (section 3)."""

    data: AgentPart


class AgentDirectMessage(AgentEvent, frozen=True, tag="agent.direct_message"):
    """A private message (section 3)."""


class AgentNotification(AgentEvent, frozen=True, tag="agent.notification"):
    """A notice, the answer to a question among them (section 3)."""


class AgentCommand(AgentEvent, frozen=True, tag="agent.command"):
    """A command, or a question whether to run one (section 3)."""


class AgentInvite(AgentEvent, frozen=True, tag="agent.invite"):
    """An invitation (section 3)."""


AnyChannelEvent = (
    ChannelMessage
    | ChannelMessageEdit
    | ChannelMessageDelete
    | ChannelReactionAdd
    | ChannelReactionRemove
    | ChannelTyping
    | ChannelPresence
    | ChannelMemberJoin
    | ChannelMemberUpdate
    | ChannelMemberLeave
    | ChannelUpdate
    | ChannelArchive
    | ChannelDelete
    | ThreadCreate
    | ThreadUpdate
    | ThreadMessage
    | CollaborationEvent
)
AnyGlobalEvent = (
    SystemAnnouncement
    | SystemMaintenance
    | SystemShutdown
    | SystemPerformanceAlert
    | AuthTokenRevoked
    | AgentJoined
    | AgentLeft
)
AnyAgentEvent = AgentDirectMessage | AgentNotification | AgentCommand | AgentInvite
AnyEvent = AnyChannelEvent | AnyGlobalEvent | AnyAgentEvent


class Envelope(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """The wrapper on every Redis channel and in every stream.

    `seq` stands first so that whoever only needs the number (see `claimed_seq`) need not read the rest.
    """

    seq: int | None = None
    channel_seq: int | None = None
    event: AnyEvent
    timestamp: int
    channel_id: str | None = None
    sender_id: str | None = None
    foreign: bool = False


encode = msgspec.json.Encoder().encode


def type_of(event: Event) -> str:
    """The event's `type`, e.g. `channel.message`."""
    return str(event.__struct_config__.tag)


def frame_of(epoch: str, seq: int, kind: str, payload: bytes) -> bytes:
    """The SSE frame of a durable event: its id, its type and the envelope, byte for byte."""
    return b"id: %b:%d\nevent: %b\ndata: %b\n\n" % (epoch.encode(), seq, kind.encode(), payload)


def payload_of(frame: bytes) -> bytes:
    """The envelope in a frame of `frame_of`."""
    return frame[frame.index(b"\ndata: ") + 7 : -2]


def live_frame(kind: str, payload: bytes) -> bytes:
    """The SSE frame of an event that is not in the log: it has no id, so it moves no cursor."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), payload)
