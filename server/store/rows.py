"""Between rows and structs: the only place that knows how a noun lies in its table."""

from sys import intern
from typing import Any, get_args

import msgspec
from sqlalchemy import Row

from server.core.changes import Entry, Outgoing, PutMember
from server.core.events import AgentEvent, AnyAgentEvent, Role, frame_of
from server.core.model import (
    Agent,
    Channel,
    Code,
    Deed,
    Limits,
    Member,
    Message,
    Replies,
    Session,
    Thread,
    Token,
    Told,
)

_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}
_encode = msgspec.json.encode
_agent_event: msgspec.json.Decoder[AnyAgentEvent] = msgspec.json.Decoder(AnyAgentEvent)


def agent_row(agent: Agent) -> dict[str, Any]:
    """The agent's columns."""
    return {
        "id": agent.id,
        "kind": agent.kind,
        "display_name": agent.display_name,
        "avatar": agent.avatar,
        "admin": agent.admin,
        "limits": None if agent.limits is None else _encode(agent.limits).decode(),
        "created_at": agent.created_at,
        "removed_at": None,
    }


def agent_of(row: Row[Any]) -> Agent:
    """The agent in a row."""
    return Agent(
        id=row.id,
        kind=row.kind,
        display_name=row.display_name,
        avatar=row.avatar,
        admin=row.admin,
        limits=None if row.limits is None else msgspec.json.decode(row.limits, type=Limits),
        created_at=row.created_at,
    )


def channel_row(channel: Channel) -> dict[str, Any]:
    """The channel's columns, without its counter."""
    return {
        "id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "description": channel.description,
        "is_private": channel.is_private,
        "created_at": channel.created_at,
        "created_by": channel.created_by,
        "archived_at": channel.archived_at,
        "archived_by": channel.archived_by,
        "retention_days": channel.retention_days,
        "retention_from": channel.retention_from,
    }


def channel_of(row: Row[Any]) -> Channel:
    """The channel in a row."""
    return Channel(
        id=row.id,
        name=row.name,
        topic=row.topic,
        description=row.description,
        is_private=row.is_private,
        created_at=row.created_at,
        created_by=row.created_by,
        archived_at=row.archived_at,
        archived_by=row.archived_by,
        retention_days=row.retention_days,
        retention_from=row.retention_from,
    )


def seat_of(row: Row[Any]) -> PutMember:
    """The membership in a row; who is in a thousand channels has one name in memory, and so has each channel."""
    channel_id, agent_id, role, joined_at = tuple(row)
    return PutMember(intern(channel_id), Member(intern(agent_id), joined_at, _ROLES[role]))


def token_of(row: Row[Any]) -> Token:
    """The token in a row."""
    return Token(
        id=row.id,
        agent_id=row.agent_id,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def session_of(row: Row[Any]) -> Session:
    """The session in a row."""
    return Session(
        id=row.id,
        agent_id=row.agent_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        device=row.device,
        last_used_at=row.last_used_at,
    )


def code_of(row: Row[Any]) -> Code:
    """The one-time code in a row."""
    return Code(row.purpose, row.expires_at, row.agent_id)


def deed_row(deed: Deed) -> dict[str, Any]:
    """The columns of a line of the audit log, which numbers itself."""
    return {
        "timestamp": deed.timestamp,
        "agent_id": deed.agent_id,
        "action": deed.action,
        "target": deed.target,
        "details": _encode(deed.details).decode(),
    }


def deed_of(row: Row[Any]) -> Deed:
    """The line of the audit log in a row."""
    return Deed(
        id=row.id,
        timestamp=row.timestamp,
        agent_id=row.agent_id,
        action=row.action,
        target=row.target,
        details=msgspec.json.decode(row.details, type=dict[str, str]),
    )


MESSAGE_COLUMNS = ("seq", "id", "channel_id", "thread_id", "sender_id", "content", "mentions", "timestamp")


def message_row(message: Message) -> tuple[object, ...]:
    """A new message's MESSAGE_COLUMNS."""
    return (
        message.seq,
        message.id,
        message.channel_id,
        message.thread_id,
        message.sender_id,
        message.content,
        " ".join(message.mentions),
        message.timestamp,
    )


def message_of(row: Row[Any]) -> Message:
    """The message in a whole row of its table; a tombstone shows nothing of what it said."""
    # by place: a page has two hundred, and each look at a column by its name takes as long as half of the rest
    seq, message_id, channel_id, thread_id, sender_id, content, mentions, timestamp, edited_at, deleted_at = tuple(row)
    deleted = deleted_at is not None
    return Message(
        id=message_id,
        channel_id=channel_id,
        content="" if deleted else content,
        sender_id=sender_id,
        timestamp=timestamp,
        mentions=() if deleted else tuple(mentions.split()),
        seq=seq,
        thread_id=thread_id,
        edited=edited_at is not None,
        edited_at=edited_at,
        deleted=deleted,
        deleted_at=deleted_at,
    )


def replies_of(row: Row[Any]) -> Replies:
    """What a message shows of the thread in a row."""
    return Replies(id=row.id, reply_count=row.reply_count, last_reply_at=row.last_reply_at)


def thread_row(thread: Thread) -> dict[str, Any]:
    """The thread's columns, which are its fields."""
    return msgspec.structs.asdict(thread)


def thread_of(row: Row[Any]) -> Thread:
    """The thread in a row."""
    return Thread(
        id=row.id,
        channel_id=row.channel_id,
        parent_message_id=row.parent_message_id,
        title=row.title,
        created_by=row.created_by,
        created_at=row.created_at,
        resolved=row.resolved,
        reply_count=row.reply_count,
        last_reply_at=row.last_reply_at,
    )


TOLD_COLUMNS = ("seq", "agent_id", "sender_id", "timestamp", "event", "expires_at", "client_id")


def told_row(out: Outgoing, event: AgentEvent, seq: int) -> tuple[object, ...]:
    """A new agent event's TOLD_COLUMNS; a question is one that can expire."""
    data = event.data
    return (seq, out.agent_id, out.sender_id, out.timestamp, _encode(event).decode(), data.expires_at, data.id)


def told_of(row: Row[Any]) -> Told:
    """The agent event in a row."""
    return Told(
        seq=row.seq,
        agent_id=row.agent_id,
        sender_id=row.sender_id,
        timestamp=row.timestamp,
        event=_agent_event.decode(row.event),
        decision=row.decision,
        decided_at=row.decided_at,
    )


def entry_of(row: Row[Any], epoch: str) -> Entry:
    """The log entry in a row."""
    payload = bytes(row.payload)
    return Entry(
        seq=row.seq,
        channel_id=row.channel_id,
        agent_id=row.agent_id,
        sender_id=row.sender_id,
        kind=row.type,
        frame=frame_of(epoch, row.seq, row.type, payload),
    )
