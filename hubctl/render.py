"""Events as lines for people: `12:04:05 #general planner: text`, everything else in short form."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hubctl import safe

Names = Callable[[str], str]
"""From a channel's id to its name."""

MESSAGES = frozenset({"channel.message", "thread.message", "agent.direct_message"})
"""What counts as a message."""

_CHANNEL_PHRASES = {
    "channel.message.edit": "{senderId} edited {messageId}: {content}",
    "channel.message.delete": "{senderId} deleted {messageId}",
    "channel.reaction.add": "{agentId} reacted {emoji} to {messageId}",
    "channel.reaction.remove": "{agentId} took {emoji} back from {messageId}",
    "channel.member.join": "{member.agentId} joined",
    "channel.member.update": "{member.agentId} is now {member.role}",
    "channel.member.leave": "{agentId} left",
    "channel.update": "{senderId} changed the channel",
    "channel.archive": "{archivedBy} archived the channel",
    "channel.delete": "{deletedBy} deleted the channel",
    "channel.typing": "{agentId} types",
    "channel.presence": "{presence.agentId} is {presence.status}",
    "thread.create": "{thread.createdBy} opened a thread under {thread.parentMessageId}",
    "thread.update": "{senderId} changed the thread {thread.id}",
    "collaboration.event": "{senderId} sent {event.type}",
}
_OTHER_PHRASES = {
    "agent.notification": "{data.fromAgent} notes: {data.content}",
    "agent.command": "{data.fromAgent} commands: {data.content}",
    "agent.invite": "{data.fromAgent} invites to {data.channelId}",
    "auth.token.revoked": "token revoked of {data.affectedAgents}",
    "agent.joined": "{data.affectedAgents} came online",
    "agent.left": "{data.affectedAgents} went offline",
}
_SHORT_IDS = frozenset({"messageId", "thread.id", "thread.parentMessageId"})


def describe(envelope: Mapping[str, Any], names: Names, today: datetime | None = None) -> str:
    """The line for one envelope; never raises, whatever shape an event from outside has.

    `today` decides whether the date is shown; the default is now.
    """
    event = envelope.get("event")
    event = event if isinstance(event, Mapping) else {}
    kind = str(event.get("type", "?"))
    when = _clock(envelope.get("timestamp"), today or datetime.now().astimezone())
    what = _message(envelope, event, kind, names) if kind in MESSAGES else _other(envelope, event, kind, names)
    outside = " (unproved, from outside)" if envelope.get("foreign") is True else ""
    return f"{when} {what}{outside}"


def _message(envelope: Mapping[str, Any], event: Mapping[str, Any], kind: str, names: Names) -> str:
    if kind == "agent.direct_message":
        return f"@ {_field(event, 'data.fromAgent')}: {_text(event, 'data.content')}"
    place = f"#{safe.line(names(str(envelope.get('channelId') or event.get('channelId') or '')))}"
    if kind == "thread.message":
        place += f"/{_field(event, 'threadId')[:8]}"
    return f"{place} {_field(event, 'message.senderId')}: {_text(event, 'message.content')}"


def _other(envelope: Mapping[str, Any], event: Mapping[str, Any], kind: str, names: Names) -> str:
    whole = {**event, "senderId": envelope.get("senderId")}
    if kind in _CHANNEL_PHRASES:
        place = safe.line(names(str(envelope.get("channelId") or event.get("channelId") or "")))
        return f"#{place} * {_filled(_CHANNEL_PHRASES[kind], whole)}"
    if kind in _OTHER_PHRASES:
        return f"* {_filled(_OTHER_PHRASES[kind], whole)}"
    return f"* {safe.line(kind)} {_text(event, 'data.message')}".rstrip()


def _filled(phrase: str, event: Mapping[str, Any]) -> str:
    words: list[str] = []
    for piece in phrase.split("{"):
        path, brace, rest = piece.partition("}")
        if not brace:
            words.append(piece)
        elif path == "content" or path.endswith(".content"):
            words.append(_text(event, path) + rest)
        else:
            value = _field(event, path)
            words.append((value[:8] if path in _SHORT_IDS else value) + rest)
    return "".join(words)


def _field(event: Mapping[str, Any], path: str) -> str:
    return safe.line(_found(event, path))


def _text(event: Mapping[str, Any], path: str) -> str:
    return safe.block(_found(event, path))


def _found(event: Mapping[str, Any], path: str) -> str:
    value: Any = event
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _clock(timestamp_ms: object, today: datetime) -> str:
    try:
        moment = datetime.fromtimestamp(float(str(timestamp_ms)) / 1000).astimezone(today.tzinfo)
    except (ValueError, OverflowError, OSError):
        return "--:--:--"
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%Y-%m-%d %H:%M:%S")
