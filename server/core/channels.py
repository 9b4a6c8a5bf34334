"""Channels and their members: making, changing, archiving, joining, leaving."""

from typing import Any

import msgspec

from server.core import rules
from server.core.audit import overruling
from server.core.changes import Change, Decision, DropChannel, DropMember, Outgoing, PutChannel, PutMember
from server.core.clock import now_ms
from server.core.directory import Directory
from server.core.errors import Conflict, NotFound
from server.core.events import (
    ChannelArchive,
    ChannelDelete,
    ChannelMemberJoin,
    ChannelMemberLeave,
    ChannelMemberUpdate,
    ChannelPart,
    ChannelUpdate,
    Role,
)
from server.core.hub import Hub
from server.core.ids import new_id
from server.core.model import Caller, Channel, Member

NAME_LENGTH = 64
TOPIC_LENGTH = 250
DESCRIPTION_LENGTH = 2000
RETENTION_DAYS = 3650

NOTICE_MS = 24 * 3600 * 1000
"""After a retention was chosen nothing is removed for so long: whoever mistook it has a day to take it back."""


class Making(msgspec.Struct, frozen=True):
    """A channel that somebody wants."""

    name: str
    topic: str = ""
    description: str = ""
    is_private: bool = False
    retention_days: int | None = None


class Alteration(msgspec.Struct, frozen=True):
    """What is to be different about a channel; None means as it is, and a retention of None for ever."""

    name: str | None = None
    topic: str | None = None
    description: str | None = None
    is_private: bool | None = None
    retention_days: int | msgspec.UnsetType | None = msgspec.UNSET


def shown(directory: Directory, caller: Caller, channel: Channel) -> Channel:
    """The channel as the caller gets it: with the number of members and its own role."""
    members = directory.members.get(channel.id, {})
    own = members.get(caller.agent.id)
    return msgspec.structs.replace(channel, member_count=len(members), role=own.role if own else None)


def visible(hub: Hub, caller: Caller) -> list[Channel]:
    """Every channel that the caller may see, by name."""
    found = [
        shown(hub.directory, caller, channel)
        for channel in hub.directory.channels.values()
        if not channel.is_private or hub.directory.member(channel.id, caller.agent.id) is not None
    ]
    return sorted(found, key=lambda channel: channel.name.lower())


def get(hub: Hub, caller: Caller, channel_id: str) -> Channel:
    """One channel, or NotFound."""
    channel = rules.may_read(hub.directory, caller, rules.uuid("id", channel_id))
    hub.mirror.loaded(channel.id)
    return shown(hub.directory, caller, channel)


async def create(hub: Hub, caller: Caller, making: Making) -> Channel:
    """Make a channel; the maker becomes its owner. Raises Conflict when the name is taken."""
    at = now_ms()
    channel = Channel(
        id=new_id(),
        name=_name(making.name),
        topic=rules.line("topic", making.topic, TOPIC_LENGTH, empty=True),
        description=rules.text("description", making.description, DESCRIPTION_LENGTH),
        is_private=making.is_private,
        created_at=at,
        created_by=caller.agent.id,
        retention_days=making.retention_days,
        retention_from=None if making.retention_days is None else at,
    )

    def decide() -> Decision:
        _free(hub.directory, channel.name, channel.id)
        changes, event = joining(channel.id, Member(caller.agent.id, channel.created_at, "owner"), caller.agent.id)
        return Decision((PutChannel(channel), *changes), (event,))

    await hub.writer.submit(decide)
    return shown(hub.directory, caller, channel)


def joining(channel_id: str, member: Member, by: str) -> tuple[tuple[Change, ...], Outgoing]:
    """What makes `member` one of the channel, and the event that tells it."""
    event = ChannelMemberJoin(channel_id=channel_id, member=member)
    return (PutMember(channel_id, member),), Outgoing(event, member.joined_at, by, channel_id, member.agent_id)


def leaving(channel_id: str, agent_id: str, by: str, at: int) -> tuple[tuple[Change, ...], Outgoing]:
    """What ends a membership, and the event that tells it."""
    event = ChannelMemberLeave(channel_id=channel_id, agent_id=agent_id, left_at=at)
    return (DropMember(channel_id, agent_id),), Outgoing(event, at, by, channel_id, agent_id)


def _name(value: str) -> str:
    return rules.line("name", value.strip().removeprefix("#"), NAME_LENGTH)


def _free(directory: Directory, name: str, channel_id: str) -> None:
    holder = directory.channel_named(name)
    if holder is not None and holder.id != channel_id:
        raise Conflict("name_taken", f"there is a channel {name} already", field="name")


async def alter(hub: Hub, caller: Caller, channel_id: str, alteration: Alteration) -> Channel:
    """Change what a channel is called and about; or who may see it and how long it keeps, which takes an owner.

    Of an archived one only the last can be changed: it goes on removing until somebody says otherwise.
    """
    channel_id = rules.uuid("id", channel_id)
    wanted = _checked(alteration)

    def decide() -> Decision:
        keeps = wanted.retention_days is not msgspec.UNSET
        role: Role = "owner" if keeps or wanted.is_private is not None else "moderator"
        channel = rules.may_govern(hub.directory, caller, channel_id, role)
        if not keeps or wanted != Alteration(retention_days=wanted.retention_days):
            rules.still_open(channel)
        if wanted.name is not None:
            _free(hub.directory, wanted.name, channel_id)
        at = now_ms()
        news = _news(channel, wanted, at)
        if not news:
            return Decision()
        event = ChannelUpdate(channel_id=channel_id, channel=ChannelPart(**news))
        outgoing = Outgoing(event, at, caller.agent.id, channel_id)
        note = overruling(hub.directory, caller, channel_id, "channel.change", fields=" ".join(news))
        return Decision((PutChannel(msgspec.structs.replace(channel, **news)), *note), (outgoing,))

    await hub.writer.submit(decide)
    # not `get`: an admin who makes it private does not see it from then on
    channel = hub.directory.channels.get(channel_id)
    return get(hub, caller, channel_id) if channel is None else shown(hub.directory, caller, channel)


def _news(channel: Channel, wanted: Alteration, at: int) -> dict[str, Any]:
    """The fields that become different; another retention counts after the notice."""
    asked = {key: value for key, value in msgspec.structs.asdict(wanted).items() if value is not None}
    days = asked.pop("retention_days", None)
    news = {key: value for key, value in asked.items() if value != getattr(channel, key)}
    if days is not msgspec.UNSET and days != channel.retention_days:
        news |= {"retention_days": days, "retention_from": None if days is None else at + NOTICE_MS}
    return news


def _checked(alteration: Alteration) -> Alteration:
    name, topic, description = alteration.name, alteration.topic, alteration.description
    return msgspec.structs.replace(
        alteration,
        name=None if name is None else _name(name),
        topic=None if topic is None else rules.line("topic", topic, TOPIC_LENGTH, empty=True),
        description=None if description is None else rules.text("description", description, DESCRIPTION_LENGTH),
    )


async def archive(hub: Hub, caller: Caller, channel_id: str) -> Channel:
    """Make a channel read-only; takes an owner or an admin. Twice is once."""
    channel_id = rules.uuid("id", channel_id)

    def decide() -> Decision:
        channel = rules.may_govern(hub.directory, caller, channel_id, "owner")
        if channel.archived_at is not None:
            return Decision()
        at = now_ms()
        archived = msgspec.structs.replace(channel, archived_at=at, archived_by=caller.agent.id)
        event = ChannelArchive(channel_id=channel_id, archived_by=caller.agent.id, archived_at=at)
        note = overruling(hub.directory, caller, channel_id, "channel.archive")
        return Decision((PutChannel(archived), *note), (Outgoing(event, at, caller.agent.id, channel_id),))

    await hub.writer.submit(decide)
    return get(hub, caller, channel_id)


async def delete(hub: Hub, caller: Caller, channel_id: str) -> None:
    """End a channel for everyone; takes an owner or an admin."""
    channel_id = rules.uuid("id", channel_id)

    def decide() -> Decision:
        rules.may_govern(hub.directory, caller, channel_id, "owner")
        at = now_ms()
        event = ChannelDelete(channel_id=channel_id, deleted_by=caller.agent.id, deleted_at=at)
        note = overruling(hub.directory, caller, channel_id, "channel.delete")
        return Decision((DropChannel(channel_id, at), *note), (Outgoing(event, at, caller.agent.id, channel_id),))

    await hub.writer.submit(decide)


def members(hub: Hub, caller: Caller, channel_id: str) -> list[Member]:
    """Who is in the channel, longest first."""
    channel = rules.may_read(hub.directory, caller, rules.uuid("id", channel_id))
    return sorted(hub.directory.members[channel.id].values(), key=lambda member: (member.joined_at, member.agent_id))


async def seat(hub: Hub, caller: Caller, channel_id: str, agent_id: str, role: Role | None) -> Member:
    """Add somebody to a channel, or give a member another role; without a role, a member keeps its own.

    Anyone joins a public channel; adding others takes a moderator, giving roles an owner.
    """
    channel_id = rules.uuid("id", channel_id)
    rules.agent_id("agentId", agent_id)

    def decide() -> Decision:
        rules.may_read(hub.directory, caller, channel_id)
        agent = rules.known_agent(hub.directory, agent_id)
        present = hub.directory.member(channel_id, agent.id)
        wanted = Member(
            agent.id,
            present.joined_at if present else now_ms(),
            role or (present.role if present else "member"),
        )
        rules.may_seat(hub.directory, caller, channel_id, wanted)
        if wanted == present:
            return Decision()
        note = overruling(hub.directory, caller, channel_id, "member.change", agent=agent.id, role=wanted.role)
        if present is None:
            changes, event = joining(channel_id, wanted, caller.agent.id)
            return Decision((*changes, *note), (event,))
        update = ChannelMemberUpdate(channel_id=channel_id, member=wanted)
        outgoing = Outgoing(update, now_ms(), caller.agent.id, channel_id, agent.id)
        return Decision((PutMember(channel_id, wanted), *note), (outgoing,))

    await hub.writer.submit(decide)
    return _seated(hub.directory, channel_id, agent_id)


def _seated(directory: Directory, channel_id: str, agent_id: str) -> Member:
    member = directory.member(channel_id, agent_id)
    if member is None:
        raise NotFound("member_not_found", f"{agent_id} is not a member of this channel")
    return member


async def unseat(hub: Hub, caller: Caller, channel_id: str, agent_id: str) -> None:
    """End a membership: one's own, or as a moderator another's. The last owner stays."""
    channel_id = rules.uuid("id", channel_id)

    def decide() -> Decision:
        rules.may_read(hub.directory, caller, channel_id)
        member = _seated(hub.directory, channel_id, agent_id)
        rules.may_unseat(hub.directory, caller, channel_id, member)
        changes, event = leaving(channel_id, agent_id, caller.agent.id, now_ms())
        note = overruling(hub.directory, caller, channel_id, "member.remove", agent=agent_id)
        return Decision((*changes, *note), (event,))

    await hub.writer.submit(decide)
