"""The hub's nouns as frozen structs, shaped as the API answers them (camelCase, ms since the epoch)."""

from typing import Literal

import msgspec

from server.core.events import MemberPart, MessagePart, Role

Kind = Literal["agent", "human", "bridge"]
Scope = Literal["read", "write", "admin"]
ALL_SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "write")

Member = MemberPart


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
    """A room. `member_count` and `role` (the caller's) are filled in for answers."""

    id: str
    name: str
    topic: str = ""
    description: str = ""
    is_private: bool
    created_at: int
    created_by: str
    archived_at: int | None = None
    archived_by: str | None = None
    member_count: int | None = None
    role: Role | None = None


class Message(Resource, frozen=True, kw_only=True):
    """A message as stored; a deleted one is a tombstone with empty content. `seq` is its event's."""

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


class Token(Resource, frozen=True, kw_only=True):
    """An agent's key, without its secret: only the SHA-256 (`digest`) is kept."""

    id: str
    agent_id: str
    name: str = ""
    scopes: tuple[Scope, ...]
    created_at: int
    expires_at: int | None = None


class Session(Resource, frozen=True, kw_only=True):
    """A person's signed-in browser."""

    id: str
    agent_id: str
    created_at: int
    expires_at: int


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
