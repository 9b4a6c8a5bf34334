"""What is valid and who may do it, as pure functions that return what was asked for or raise a HubError."""

import re
from collections.abc import Iterable

from server.core.directory import Directory
from server.core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from server.core.events import Role
from server.core.model import PROBE, Agent, Caller, Channel, Member

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_AGENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_MENTION = re.compile(r"(?<![\w@./-])@([A-Za-z0-9][A-Za-z0-9._-]{0,63})", re.ASCII)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f1e5\U0001f200-\U0001faff]\ufe0f?\u20e3?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*"
)
_EMOJI = re.compile(
    f"{_PICTURE}(?:\u200d{_PICTURE})*|[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|:[a-z0-9_+-]{{1,32}}:"
)
_EXTERNAL = re.compile(r"external:(?=.{3,64}\Z)[a-z0-9][a-z0-9_-]*:[!-~]+", re.ASCII)
_EVERYONE = frozenset({"all", "channel"})
_RANK: dict[Role, int] = {"member": 0, "moderator": 1, "owner": 2}

EMOJI_LENGTH = 34
PASSWORD_LENGTH = 12
PASSWORD_LENGTH_MOST = 1024


def uuid(field: str, value: str) -> str:
    """The UUID in lower case."""
    lowered = value.lower()
    if not _UUID.fullmatch(lowered):
        raise Invalid(field, f"{field} must be a UUID")
    return lowered


def agent_id(field: str, value: str) -> str:
    """The agent id as it is."""
    if not _AGENT_ID.fullmatch(value):
        raise Invalid(field, f"{field} must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit")
    return value


def line(field: str, value: str, longest: int, *, empty: bool = False) -> str:
    """One line of text without control characters, trimmed, at most `longest` characters."""
    trimmed = value.strip()
    if not trimmed and not empty:
        raise Invalid(field, f"{field} must not be empty")
    if len(trimmed) > longest:
        raise Invalid(field, f"{field} must be at most {longest} characters")
    if _CONTROL.search(trimmed):
        raise Invalid(field, f"{field} must not hold line breaks or control characters")
    return trimmed


def text(field: str, value: str, longest: int) -> str:
    """Text of several lines, at most `longest` characters."""
    if len(value) > longest:
        raise Invalid(field, f"{field} must be at most {longest} characters")
    if "\x00" in value:
        raise Invalid(field, f"{field} must not hold U+0000")
    return value


def content(value: str, max_bytes: int) -> str:
    """The words of a message."""
    if not value or value.isspace():
        raise Invalid("content", "content must not be empty")
    if "\x00" in value:
        raise Invalid("content", "content must not hold U+0000")
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise Invalid("content", "content must not hold half of a surrogate pair") from None
    if size > max_bytes:
        raise TooLarge("content_too_large", f"content is {size} bytes, at most {max_bytes} are taken", field="content")
    return value


def emoji(value: str) -> str:
    """One emoji, however many code points it takes, or a `:shortcode:`."""
    if len(value) > EMOJI_LENGTH or not _EMOJI.fullmatch(value):
        raise Invalid("emoji", "emoji must be a single emoji or a :shortcode:")
    return value


def password(value: str) -> str:
    """A password that is long enough; length is what counts."""
    if not PASSWORD_LENGTH <= len(value) <= PASSWORD_LENGTH_MOST:
        raise Invalid("password", f"password must have {PASSWORD_LENGTH} to {PASSWORD_LENGTH_MOST} characters")
    if len(set(value)) < 4:
        raise Invalid("password", "password must not be the same few characters over and over")
    return value


def mentions(words: str, directory: Directory, channel_id: str) -> tuple[str, ...]:
    """Ids of the agents that `words` calls by `@id`, outside code; `@all` and `@channel` call every member."""
    if "@" not in words:
        return ()
    found: dict[str, None] = {}
    for word in _MENTION.findall(_CODE.sub(" ", words)):
        found.update(dict.fromkeys(_called(word, directory, channel_id)))
    return tuple(found)


def _called(word: str, directory: Directory, channel_id: str) -> Iterable[str]:
    while word:
        agent = directory.agent_named(word)
        if agent is not None and agent.id != PROBE:
            return (agent.id,)
        if word.lower() in _EVERYONE:
            return sorted(directory.members.get(channel_id, {}))
        # "@maya." ends a sentence; the full stop is not hers
        shorter = word.rstrip("._-")
        word = shorter if shorter != word else ""
    return ()


def may_read(directory: Directory, caller: Caller, channel_id: str) -> Channel:
    """The channel, if the caller may know what is in it: a public one, or one of its own."""
    channel = directory.channels.get(channel_id)
    if channel is None or (channel.is_private and directory.member(channel_id, caller.agent.id) is None):
        raise NotFound("channel_not_found", "there is no such channel, or none that you may see")
    return channel


def member_of(directory: Directory, caller: Caller, channel_id: str) -> Channel:
    """The channel, if the caller is a member."""
    channel = may_read(directory, caller, channel_id)
    if directory.member(channel_id, caller.agent.id) is None:
        raise Forbidden("not_a_member", f"join {channel.name} first: PUT /api/channels/{channel_id}/members/…")
    return channel


def may_write(directory: Directory, caller: Caller, channel_id: str) -> Channel:
    """The channel, if the caller is a member and it is not archived."""
    return still_open(member_of(directory, caller, channel_id))


def still_open(channel: Channel) -> Channel:
    """The channel, unless it is archived."""
    if channel.archived_at is not None:
        raise Conflict("channel_archived", f"{channel.name} is archived and read-only")
    return channel


def holds(directory: Directory, caller: Caller, channel_id: str, role: Role) -> bool:
    """Whether the caller has at least this role in the channel."""
    member = directory.member(channel_id, caller.agent.id)
    return member is not None and _RANK[member.role] >= _RANK[role]


def may_govern(directory: Directory, caller: Caller, channel_id: str, role: Role) -> Channel:
    """The channel, if the caller has at least `role` in it or is an admin."""
    channel = may_read(directory, caller, channel_id)
    if not (caller.admin or holds(directory, caller, channel_id, role)):
        raise Forbidden("role_required", f"this takes the role {role} in {channel.name}")
    return channel


def sender(caller: Caller, named: str | None) -> str:
    """Who a message is from: the caller, or whom a bridge names on the other side."""
    if named is None:
        return caller.agent.id
    if caller.agent.kind != "bridge":
        reason = "who sends is known by the credentials; only a bridge names somebody else"
        raise Invalid("senderId", reason, code="unknown_field")
    if not _EXTERNAL.fullmatch(named):
        raise Invalid(
            "senderId", "senderId must be external:PLATFORM:ID, with at most 64 characters behind `external:`"
        )
    return named


def speaks_as(caller: Caller, sender_id: str) -> bool:
    """Whether the caller is this sender, or a bridge to where it is."""
    return sender_id == caller.agent.id or (caller.agent.kind == "bridge" and is_external(sender_id))


def is_external(sender_id: str) -> bool:
    """Whether a bridge spoke for somebody who has no account here."""
    return sender_id.startswith("external:")


def may_delete(directory: Directory, caller: Caller, channel_id: str, sender_id: str) -> None:
    """Refuse unless the caller wrote the message or keeps order in the channel."""
    may_write(directory, caller, channel_id)
    if not speaks_as(caller, sender_id) and not holds(directory, caller, channel_id, "moderator"):
        raise Forbidden("not_author", "a message is deleted by its author, a moderator or an owner")


def may_seat(directory: Directory, caller: Caller, channel_id: str, wanted: Member) -> None:
    """Refuse unless the caller may give `wanted` its place and role in the channel."""
    channel = may_read(directory, caller, channel_id)
    still_open(channel)
    present = directory.member(channel_id, wanted.agent_id)
    if wanted.role != (present.role if present else "member"):
        _may_promote(directory, caller, channel_id, present)
    elif present is None and not _may_add(directory, caller, channel, wanted.agent_id):
        raise Forbidden("role_required", f"adding others to {channel.name} takes a moderator or an owner")


def _may_promote(directory: Directory, caller: Caller, channel_id: str, present: Member | None) -> None:
    if not (caller.admin or holds(directory, caller, channel_id, "owner")):
        raise Forbidden("role_required", "roles are given by an owner")
    if present is not None and present.role == "owner":
        keep_an_owner(directory, channel_id, present.agent_id)


def _may_add(directory: Directory, caller: Caller, channel: Channel, newcomer_id: str) -> bool:
    if holds(directory, caller, channel.id, "moderator"):
        return True
    return not channel.is_private and (caller.admin or newcomer_id == caller.agent.id)


def may_unseat(directory: Directory, caller: Caller, channel_id: str, member: Member) -> None:
    """Refuse unless the caller may end this membership: its own, or one of no higher role than its own."""
    may_read(directory, caller, channel_id)
    if member.agent_id != caller.agent.id and not caller.admin:
        needed: Role = "owner" if member.role == "owner" else "moderator"
        if not holds(directory, caller, channel_id, needed):
            raise Forbidden("role_required", f"removing a {member.role} takes the role {needed}")
    if member.role == "owner":
        keep_an_owner(directory, channel_id, member.agent_id)


def keep_an_owner(directory: Directory, channel_id: str, leaving_id: str) -> None:
    """Refuse when nobody would own the channel without `leaving_id`."""
    others = (m for m in directory.members[channel_id].values() if m.agent_id != leaving_id)
    if not any(other.role == "owner" for other in others):
        raise Conflict("last_owner", "a channel keeps at least one owner; name another one first")


def require_admin(caller: Caller) -> None:
    """Refuse unless the caller is an admin with a credential that allows it."""
    if not caller.admin:
        raise Forbidden("admin_required", "only an admin may do this")


def known_agent(directory: Directory, wanted_id: str) -> Agent:
    """The agent, or NotFound."""
    agent = directory.agents.get(wanted_id)
    if agent is None or agent.id == PROBE:
        raise NotFound("agent_not_found", f"there is no agent {wanted_id}")
    return agent
