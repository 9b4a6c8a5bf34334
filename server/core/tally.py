"""Numbers instead of words: what readers get of channels that they do not look at, at most four times a second."""

import asyncio
from contextlib import suppress

import msgspec

from server.core.errors import HubError
from server.core.events import live_frame
from server.core.hub import Hub
from server.core.stream import Stream

PERIOD_S = 0.25


class Count(msgspec.Struct, frozen=True):
    """A channel as one who does not look at it sees it: the newest event, and what is unread."""

    seq: int
    unread: int
    mentions: int


class Counters(msgspec.Struct, frozen=True):
    """The frame `hub.counters`, by channel id."""

    channels: dict[str, Count]


async def run(hub: Hub) -> None:
    """Tell numbers for as long as the hub runs."""
    while True:
        await asyncio.sleep(PERIOD_S)
        for streams, stale in hub.dispatch.take_stale():
            with suppress(HubError):  # the database is away; the next message in these channels counts again
                await _tell(hub, streams, stale)


async def _tell(hub: Hub, streams: list[Stream], stale: dict[str, int]) -> None:
    for agent_id in {stream.agent_id for stream in streams}:
        unread = await hub.records.unread(agent_id)
        counts = {
            channel_id: Count(seq, unread[channel_id].unread, unread[channel_id].mentions)
            for channel_id, seq in stale.items()
            if channel_id in unread
        }
        if not counts:
            continue
        frame = live_frame("hub.counters", msgspec.json.encode(Counters(counts)))
        for stream in streams:
            if stream.agent_id == agent_id and not stream.ended.done():
                stream.write(frame)
