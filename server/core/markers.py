"""Read markers: how far an agent has read each of its channels, the same on all of its devices."""

import msgspec

from server.core import rules
from server.core.changes import Decision, MoveMarker
from server.core.errors import Invalid
from server.core.hub import Hub
from server.core.model import Caller, Unread


class Marker(Unread, frozen=True, kw_only=True):
    """A channel's marker, and what is unread behind it."""

    channel_id: str


async def move(hub: Hub, caller: Caller, channel_id: str, message_id: str) -> Marker:
    """Everything up to this message is read, replies before it included; a marker never moves back."""
    channel_id = rules.uuid("id", channel_id)
    rules.member_of(hub.directory, caller, channel_id)
    message = await hub.log.message(rules.uuid("messageId", message_id))
    if message is None or message.channel_id != channel_id:
        raise Invalid("messageId", "there is no such message in this channel")
    change = MoveMarker(channel_id, caller.agent.id, message.seq)

    def decide() -> Decision:
        rules.member_of(hub.directory, caller, channel_id)
        return Decision((change,))

    await hub.writer.submit(decide, shares=True)
    found = await hub.records.unread(caller.agent.id, channel_id)
    now = found.get(channel_id) or Unread(unread=0, mentions=0, read_seq=message.seq)
    return Marker(channel_id=channel_id, **msgspec.structs.asdict(now))


async def unread(hub: Hub, caller: Caller) -> dict[str, Unread]:
    """What the caller has not read, for each channel that it is a member of."""
    found = await hub.records.unread(caller.agent.id)
    own = hub.directory.channels_of(caller.agent.id)
    return {channel_id: counts for channel_id, counts in found.items() if channel_id in own}
