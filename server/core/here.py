"""Who is here and who types, as members say and see it."""

import msgspec

from server.core import rules
from server.core.clock import now_ms
from server.core.events import PresencePart, Status
from server.core.hub import Hub
from server.core.model import Caller

CUSTOM_STATUS_LENGTH = 140


class Mood(msgspec.Struct, frozen=True):
    """How somebody says to be."""

    status: Status
    custom_status: str | None = None


async def put_presence(hub: Hub, caller: Caller, channel_id: str, mood: Mood, arrived_s: float) -> PresencePart:
    """Say how one is; it lasts while one is heard of. Members only, and not in an archived channel."""
    channel_id = rules.uuid("id", channel_id)
    words = mood.custom_status
    custom_status = None if words is None else rules.line("customStatus", words, CUSTOM_STATUS_LENGTH, empty=True)
    rules.may_write(hub.directory, caller, channel_id)
    presence = PresencePart(
        agent_id=caller.agent.id,
        status=mood.status,
        custom_status=custom_status or None,
        avatar=caller.agent.avatar,
        last_seen=now_ms(),
    )
    await hub.presences.put(channel_id, presence, arrived_s)
    return presence


async def presence(hub: Hub, caller: Caller, channel_id: str) -> list[PresencePart]:
    """The members of a channel that are heard of, in order of their ids."""
    channel_id = rules.uuid("id", channel_id)
    rules.may_read(hub.directory, caller, channel_id)
    found = await hub.presences.of(channel_id)
    return sorted(found, key=lambda presence: presence.agent_id)


async def put_typing(
    hub: Hub, caller: Caller, channel_id: str, thread_id: str | None, *, started: bool, arrived_s: float
) -> None:
    """Say that one types, which lasts ten seconds, or no longer does."""
    channel_id = rules.uuid("id", channel_id)
    thread_id = None if thread_id is None else rules.uuid("threadId", thread_id)
    rules.may_write(hub.directory, caller, channel_id)
    say = hub.typists.start if started else hub.typists.stop
    await say(channel_id, caller.agent.id, thread_id, arrived_s)


async def typing(hub: Hub, caller: Caller, channel_id: str) -> list[str]:
    """Ids of the members that type now."""
    channel_id = rules.uuid("id", channel_id)
    rules.may_read(hub.directory, caller, channel_id)
    return await hub.typists.of(channel_id)
