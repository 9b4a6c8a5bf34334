"""One reader of events: what it may and wants to see, and the connection it reads from."""

import asyncio
from typing import NamedTuple
from uuid import uuid4

import msgspec

from server.core.changes import Entry
from server.core.directory import Directory
from server.core.ports import Sink

LEAVE = "channel.member.leave"
DELETE = "channel.delete"


WORDS = frozenset(
    {
        "channel.message",
        "channel.message.edit",
        "channel.message.delete",
        "channel.reaction.add",
        "channel.reaction.remove",
        "channel.typing",
        "thread.message",
    }
)
"""What is said in a channel, and what becomes of it: `?bodies=` is about these."""


class Interest(msgspec.Struct, frozen=True):
    """What a reader asked for; None means all that it is entitled to.

    Of channels that are not in `bodies` a reader gets numbers instead of what is said there; with `meant` also the
    words that are meant for it.
    """

    channels: frozenset[str] | None = None
    types: frozenset[str] | None = None
    bodies: frozenset[str] | None = None
    meant: bool = False

    def wants_channel(self, channel_id: str) -> bool:
        """Whether events of this channel are asked for."""
        return self.channels is None or channel_id in self.channels

    def wants_type(self, kind: str) -> bool:
        """Whether events of this type are asked for."""
        return self.types is None or kind in self.types

    def wants_words(self, channel_id: str, kind: str) -> bool:
        """Whether what is said in this channel is asked for; all that is not saying always is."""
        return self.bodies is None or channel_id in self.bodies or kind not in WORDS


class Meant(NamedTuple):
    """Words that call somebody, or are said in a thread."""

    sender_id: str
    mentions: tuple[str, ...]
    thread_id: str | None


def audience(directory: Directory, agent_id: str, interest: Interest) -> frozenset[str]:
    """Ids of the channels whose events this agent gets now: its own and those looked at, or those named."""
    own = directory.channels_of(agent_id)
    if interest.channels is not None:
        return (own & interest.channels) | _public(directory, interest.channels)
    return own if interest.bodies is None else own | _public(directory, interest.bodies)


def _public(directory: Directory, channel_ids: frozenset[str]) -> frozenset[str]:
    return frozenset(c for c in channel_ids if c in directory.channels and not directory.channels[c].is_private)


class Stream:
    """An open stream. `ended` resolves with a reason when it is to be closed from this side."""

    __slots__ = ("agent_id", "channels", "chunked", "credential", "ended", "follows", "id", "interest", "lost", "sink")

    def __init__(self, sink: Sink, agent_id: str, credential: str, interest: Interest, *, chunked: bool) -> None:
        self.id = str(uuid4())
        self.sink = sink
        self.agent_id = agent_id
        self.credential = credential
        self.interest = interest
        self.chunked = chunked
        self.channels: frozenset[str] = frozenset()
        self.lost: frozenset[str] = frozenset()
        """Channels that ended while this reader was a member; set for a replay."""
        self.follows: set[str] | None = None
        """Ids of the threads that this reader follows, once that was asked for."""
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def sees(self, entry: Entry) -> bool:
        """Whether this reader gets the entry, judged by `channels` as they stand."""
        if not self.interest.wants_type(entry.kind):
            return False
        if entry.channel_id is None:
            return entry.agent_id is None or self.agent_id in (entry.agent_id, entry.sender_id)
        if not self.interest.wants_words(entry.channel_id, entry.kind):
            return False
        return entry.channel_id in self.channels or self.is_own_end(entry)

    def only_counts(self, entry: Entry) -> bool:
        """Whether the entry changes a number of a channel whose words this reader does not get."""
        channel_id = entry.channel_id
        return channel_id in self.channels and not self.interest.wants_words(channel_id or "", entry.kind)

    def is_meant(self, meant: Meant) -> bool:
        """Whether words are meant for this reader, who did not say them."""
        if not self.interest.meant or meant.sender_id == self.agent_id:
            return False
        return self.agent_id in meant.mentions or meant.thread_id in (self.follows or ())

    def is_own_end(self, entry: Entry) -> bool:
        """Whether the entry tells this reader that a channel is over for it: the last it gets of that channel."""
        if entry.channel_id is None or not self.interest.wants_channel(entry.channel_id):
            return False
        if entry.kind == LEAVE:
            return entry.agent_id == self.agent_id
        return entry.kind == DELETE and entry.channel_id in self.lost

    def write(self, frames: bytes) -> None:
        """Send frames now, in the connection's own framing."""
        if not self.sink.is_closing():
            self.sink.write(chunk_of(frames) if self.chunked else frames)

    def end(self, reason: str) -> None:
        """Ask for the end, once."""
        if not self.ended.done():
            self.ended.set_result(reason)


def chunk_of(frames: bytes) -> bytes:
    """The frames as one HTTP/1.1 chunk."""
    return b"%x\r\n%b\r\n" % (len(frames), frames)
