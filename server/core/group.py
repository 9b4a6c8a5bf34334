"""Readers of the same: they share their frames, byte for byte."""

from time import perf_counter
from typing import NamedTuple

from server.core.stream import WORDS, Stream


class Key(NamedTuple):
    """What readers must have in common to be one group."""

    channels: frozenset[str]
    types: frozenset[str] | None
    bodies: frozenset[str] | None
    chunked: bool


def key_of(stream: Stream) -> Key:
    """Where a stream belongs, as it stands."""
    return Key(stream.channels, stream.interest.types, stream.interest.bodies, stream.chunked)


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
