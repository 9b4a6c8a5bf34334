"""Read markers: how far an agent has read each of its channels and threads, the same on all of its devices."""

import msgspec

from server.core import rules, threads
from server.core.changes import Decision, MoveMarker, ReadThread
from server.core.errors import Invalid
from server.core.hub import Hub
from server.core.model import Caller, Resource, Thread, Unread, UnreadReplies


class AllUnread(Resource, frozen=True, kw_only=True):
    """What the caller has not read: by channel, and by thread of those that it follows and has not read to the end."""

    channels: dict[str, Unread]
    threads: dict[str, UnreadReplies]


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


async def read(hub: Hub, caller: Caller, thread_id: str, message_id: str) -> Thread:
    """The replies of a thread up to this one are read; it is the caller's own affair, so nobody is told."""
    thread = await threads.get(hub, caller, thread_id)
    message = await hub.log.message(rules.uuid("messageId", message_id))
    if message is None or message.thread_id != thread.id:
        raise Invalid("messageId", "there is no such reply in this thread")
    change = ReadThread(thread.id, caller.agent.id, message.seq)
    await hub.writer.submit(lambda: Decision((change,)), shares=True)
    return thread


async def unread(hub: Hub, caller: Caller) -> AllUnread:
    """What the caller has not read, of the channels that it is a member of."""
    own = hub.directory.channels_of(caller.agent.id)
    counts = await hub.records.unread(caller.agent.id)
    replies = await hub.records.replies(caller.agent.id)
    return AllUnread(
        channels={channel_id: count for channel_id, count in counts.items() if channel_id in own},
        threads={found.thread_id: found for found in replies if found.channel_id in own},
    )
