"""Reactions: one of each emoji an agent and message, however often it is asked for."""

from contextlib import suppress

from server.core import messages, rules
from server.core.changes import AddReaction, Decision, DropReaction, Outgoing
from server.core.clock import now_ms
from server.core.errors import Conflict, Unchanged
from server.core.events import ChannelReactionAdd, ChannelReactionRemove
from server.core.hub import Hub
from server.core.limits import allow
from server.core.model import Caller, Message


async def add(hub: Hub, caller: Caller, message_id: str, emoji: str, arrived_s: float) -> Message:
    """React to a message; the message as it is then. Twice is once, and told once."""
    emoji = rules.emoji(emoji)
    message = await _target(hub, caller, message_id)
    await allow(hub, caller, "reaction")
    agent_id, channel_id = caller.agent.id, message.channel_id

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, channel_id)
        event = ChannelReactionAdd(channel_id=channel_id, message_id=message.id, emoji=emoji, agent_id=agent_id)
        outgoing = Outgoing(event, now_ms(), agent_id, channel_id)
        return Decision((AddReaction(message.seq, emoji, agent_id),), (outgoing,))

    with suppress(Unchanged):
        await hub.writer.submit(decide, arrived_s)
    return await messages.get(hub, caller, message.id)


async def remove(hub: Hub, caller: Caller, message_id: str, emoji: str, arrived_s: float) -> None:
    """Take a reaction back; one that is not there is gone already."""
    emoji = rules.emoji(emoji)
    message = await _target(hub, caller, message_id)
    await allow(hub, caller, "reaction")
    agent_id, channel_id = caller.agent.id, message.channel_id

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, channel_id)
        event = ChannelReactionRemove(channel_id=channel_id, message_id=message.id, emoji=emoji, agent_id=agent_id)
        outgoing = Outgoing(event, now_ms(), agent_id, channel_id)
        return Decision((DropReaction(message.seq, emoji, agent_id),), (outgoing,))

    with suppress(Unchanged):
        await hub.writer.submit(decide, arrived_s)


async def _target(hub: Hub, caller: Caller, message_id: str) -> Message:
    message = await messages.find(hub, caller, message_id)
    rules.may_write(hub.directory, caller, message.channel_id)
    if message.deleted:
        raise Conflict("message_deleted", "the message is deleted; nobody reacts to it any more")
    return message
