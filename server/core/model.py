"""The hub's nouns as frozen structs, shaped as the API answers them (camelCase, ms since the epoch)."""

from typing import Literal

import msgspec

from server.core.events import AnyAgentEvent, MemberPart, MessagePart, Role, ThreadPart, Verdict

Kind = Literal["agent", "human", "bridge"]
Scope = Literal["read", "write", "admin"]
Purpose = Literal["first", "account", "password"]
ALL_SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "write")

Member = MemberPart

PROBE = "hub-probe"
"""The canary's account, and its channel: there is no such thing for anybody else."""


class Resource(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A thing with an identity; what is None is absent on the wire."""


class Limits(Resource, frozen=True, kw_only=True):
    """An agent's own limits, actions a minute; None means the hub's, 0 means none."""

    message: int | None = None
    reaction: int | None = None
    invite: int | None = None


class Agent(Resource, frozen=True, kw_only=True):
    """An account: a program (`agent`), a person (`human`) or a door to elsewhere (`bridge`)."""

    id: str
    kind: Kind
    display_name: str
    avatar: str
    admin: bool = False
    limits: Limits | None = None
    created_at: int


class Channel(Resource, frozen=True, kw_only=True):
    """A room. `member_count` and `role` (the caller's) are filled in for answers.

    Messages older than `retention_days` are removed, from the moment `retention_from` on; without, none ever is.
    """

    id: str
    name: str
    topic: str = ""
    description: str = ""
    is_private: bool
    created_at: int
    created_by: str
    archived_at: int | None = None
    archived_by: str | None = None
    retention_days: int | None = None
    retention_from: int | None = None
    member_count: int | None = None
    role: Role | None = None


class Replies(Resource, frozen=True, kw_only=True):
    """The thread under a message, as the message shows it."""

    id: str
    reply_count: int
    last_reply_at: int | None = None


class Thread(Resource, frozen=True, kw_only=True):
    """A thread under a message, one at most. Deleted replies do not count."""

    id: str
    channel_id: str
    parent_message_id: str
    title: str | None = None
    created_by: str
    created_at: int
    resolved: bool
    reply_count: int
    last_reply_at: int | None = None

    def part(self) -> ThreadPart:
        """The thread as its events carry it."""
        return ThreadPart(
            id=self.id,
            parent_message_id=self.parent_message_id,
            created_by=self.created_by,
            created_at=self.created_at,
            reply_count=self.reply_count,
            title=self.title,
            resolved=self.resolved or None,
        )


class Message(Resource, frozen=True, kw_only=True):
    """A message as stored; a deleted one is a tombstone with empty content. `seq` is its event's.

    `reactions` counts by emoji, `reacted` are the caller's own; `thread` is what hangs under it.
    """

    id: str
    channel_id: str
    content: str
    sender_id: str
    timestamp: int
    mentions: tuple[str, ...]
    seq: int
    thread_id: str | None = None
    edited: bool = False
    edited_at: int | None = None
    deleted: bool = False
    deleted_at: int | None = None
    reactions: dict[str, int] | None = None
    reacted: tuple[str, ...] = ()
    thread: Replies | None = None

    def part(self) -> MessagePart:
        """The message as its event carries it."""
        return MessagePart(
            id=self.id,
            content=self.content,
            sender_id=self.sender_id,
            timestamp=self.timestamp,
            thread_id=self.thread_id,
            mentions=self.mentions,
        )


class Unread(Resource, frozen=True, kw_only=True):
    """What a member has not read of a channel: others' messages, and calls by name, after `read_seq`."""

    unread: int
    mentions: int
    read_seq: int


class UnreadReplies(Resource, frozen=True, kw_only=True):
    """What somebody has not read of a thread that it follows: others' replies after `read_seq`."""

    thread_id: str
    channel_id: str
    parent_message_id: str
    unread: int
    read_seq: int


class Told(Resource, frozen=True, kw_only=True):
    """An agent event as kept: from whom to whom, and for a question what became of it."""

    seq: int
    agent_id: str
    sender_id: str
    timestamp: int
    event: AnyAgentEvent
    decision: Verdict | None = None
    decided_at: int | None = None


class Token(Resource, frozen=True, kw_only=True):
    """An agent's key, without its secret: only the SHA-256 (`digest`) is kept."""

    id: str
    agent_id: str
    name: str = ""
    scopes: tuple[Scope, ...]
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None


class Session(Resource, frozen=True, kw_only=True):
    """A person's signed-in browser, which calls itself `device`. `current` is the one that asks, in answers."""

    id: str
    agent_id: str
    created_at: int
    expires_at: int
    device: str = ""
    last_used_at: int | None = None
    current: bool = False


class Code(msgspec.Struct, frozen=True):
    """What a one-time code is for: the first human, another one, or a new password for `agent_id`."""

    purpose: Purpose
    expires_at: int
    agent_id: str | None = None


class Deed(Resource, frozen=True, kw_only=True):
    """A line of the audit log: who did what to whom. `id` grows; it is set when the line is stored."""

    id: int = 0
    timestamp: int
    agent_id: str
    action: str
    target: str
    details: dict[str, str] = {}


class Caller(msgspec.Struct, frozen=True):
    """Who makes a request: the account, and what its credential allows."""

    agent: Agent
    scopes: tuple[Scope, ...]
    credential: str
    """The id of the token or session, which revoking ends."""

    @property
    def admin(self) -> bool:
        """Whether this call may do what only admins may."""
        return self.agent.admin and "admin" in self.scopes
