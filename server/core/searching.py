"""Finding messages by their words, in what the caller may read at this moment."""

import msgspec

from server.core import messages, rules
from server.core.errors import Invalid
from server.core.hub import Hub
from server.core.messages import Page
from server.core.model import Caller
from server.core.records import Search

QUERY_LENGTH = 256


class Query(msgspec.Struct, frozen=True):
    """What to look for; `before` is a message's id."""

    words: str
    limit: int
    channel_id: str | None = None
    sender_id: str | None = None
    before: str | None = None


async def search(hub: Hub, caller: Caller, query: Query) -> Page:
    """Messages and replies that hold every word, newest first."""
    if not query.words.strip():
        raise Invalid("q", "q must not be empty")
    rules.text("q", query.words, QUERY_LENGTH)
    if query.sender_id is not None:
        rules.line("senderId", query.sender_id, 73)
    before = await messages.seq_of(hub, caller, "before", query.before)
    wanted = Search(query.words, _readable(hub, caller, query.channel_id), query.limit, query.sender_id, before)
    found = await hub.records.search(wanted)
    shown = await messages.seen_by(hub, caller, found[: query.limit])
    return Page(shown, len(found) > query.limit)


def _readable(hub: Hub, caller: Caller, channel_id: str | None) -> tuple[str, ...]:
    if channel_id is not None:
        return (rules.may_read(hub.directory, caller, rules.uuid("channelId", channel_id)).id,)
    public = (channel.id for channel in hub.directory.channels.values() if not channel.is_private)
    return tuple(hub.directory.channels_of(caller.agent.id).union(public))
