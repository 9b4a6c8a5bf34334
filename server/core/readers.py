"""Who reads: the open streams, and groups of those that see the same and so share their frames, byte for byte."""

from collections.abc import Collection
from itertools import chain
from time import perf_counter
from typing import NamedTuple

from server.core.stream import WORDS, Interest, Stream


class Key(NamedTuple):
    """What readers must have in common to be one group."""

    channels: frozenset[str]
    types: frozenset[str] | None
    bodies: frozenset[str] | None
    meant: bool
    chunked: bool


def key_of(stream: Stream) -> Key:
    """Where a stream belongs, as it stands."""
    interest = stream.interest
    return Key(stream.channels, interest.types, interest.bodies, interest.meant, stream.chunked)


class Group:
    """Readers with the same key; `stale` are channels whose words they do not get, with the newest seq of each."""

    __slots__ = ("key", "pending", "stale", "streams", "written_s")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.streams: set[Stream] = set()
        self.pending: list[bytes] = []
        self.stale: dict[str, int] = {}
        self.written_s = perf_counter()

    def wants(self, kind: str) -> bool:
        """Whether these readers asked for this type."""
        return self.key.types is None or kind in self.key.types

    def only_counts(self, channel_id: str | None, kind: str) -> bool:
        """Whether these readers want to know how many there are in this channel, and not what was said."""
        return self.key.bodies is not None and kind in WORDS and channel_id not in self.key.bodies


class Readers:
    """Every open stream, found by what it sees and by whose it is. Nothing is kept of what has left."""

    def __init__(self) -> None:
        self._groups: dict[Key, Group] = {}
        self._by_channel: dict[str, set[Group]] = {}
        self._by_agent: dict[str, set[Stream]] = {}

    def groups(self) -> Collection[Group]:
        """All groups, as they are at any moment."""
        return self._groups.values()

    def of_channel(self, channel_id: str) -> Collection[Group]:
        """The groups that see a channel."""
        return self._by_channel.get(channel_id, ())

    def of_agent(self, agent_id: str) -> Collection[Stream]:
        """An agent's streams."""
        return self._by_agent.get(agent_id, ())

    def agents(self) -> list[str]:
        """Ids of the agents that have a stream open."""
        return list(self._by_agent)

    def streams(self) -> list[Stream]:
        """Every open stream."""
        return list(chain.from_iterable(group.streams for group in self._groups.values()))

    def group_of(self, stream: Stream) -> Group | None:
        """The group that a stream is in, if it is open."""
        group = self._groups.get(key_of(stream))
        return group if group is not None and stream in group.streams else None

    def add(self, stream: Stream) -> bool:
        """Open a stream; whether it is its agent's first."""
        self._enter(stream)
        own = self._by_agent.setdefault(stream.agent_id, set())
        own.add(stream)
        return len(own) == 1

    def drop(self, stream: Stream) -> bool:
        """Forget a stream; whether it was its agent's last."""
        self._exit(stream)
        own = self._by_agent.get(stream.agent_id)
        if own is None:
            return False
        own.discard(stream)
        if own:
            return False
        del self._by_agent[stream.agent_id]
        return True

    def move(self, stream: Stream, channels: frozenset[str]) -> None:
        """An open stream sees these channels from now on."""
        if channels != stream.channels:
            self.reshape(stream, stream.interest, channels)

    def reshape(self, stream: Stream, interest: Interest, channels: frozenset[str]) -> None:
        """A stream sees something else from now on; numbers of channels that it still sees go with it."""
        is_open = self.group_of(stream) is not None
        owed = self.owed(stream)
        if is_open:
            self._exit(stream)
        stream.interest, stream.channels = interest, channels
        if is_open:
            self._enter(stream)
            self.owe(stream, {channel_id: seq for channel_id, seq in owed.items() if channel_id in channels})

    def owed(self, stream: Stream) -> dict[str, int]:
        """The numbers that a stream is still to get."""
        group = self.group_of(stream)
        return dict(group.stale) if group is not None else {}

    def owe(self, stream: Stream, stale: dict[str, int]) -> None:
        """A stream is to get the numbers of these channels, of which it got no words."""
        group = self.group_of(stream)
        if group is not None:
            group.stale.update(stale)

    def take_owed(self) -> list[tuple[list[Stream], dict[str, int]]]:
        """The streams that are to get numbers, and the newest seq of each channel; nothing when asked again."""
        found: list[tuple[list[Stream], dict[str, int]]] = []
        for group in self._groups.values():
            if group.stale:
                found.append((list(group.streams), group.stale))
                group.stale = {}
        return found

    def _enter(self, stream: Stream) -> None:
        key = key_of(stream)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key)
            for channel_id in group.key.channels:
                self._by_channel.setdefault(channel_id, set()).add(group)
        group.streams.add(stream)

    def _exit(self, stream: Stream) -> None:
        group = self.group_of(stream)
        if group is None:
            return
        group.streams.discard(stream)
        if not group.streams:
            del self._groups[group.key]
            for channel_id in group.key.channels:
                self._by_channel[channel_id].discard(group)
                if not self._by_channel[channel_id]:
                    del self._by_channel[channel_id]
