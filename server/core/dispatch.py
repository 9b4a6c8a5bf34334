"""The one way out: every event leaves through here, in order, to every reader that may see it.

Readers that see the same are one `Group`: its frames are joined once a batch and the same bytes go to every
connection, so that a delivery costs one write and nothing else.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from time import perf_counter

import msgspec

from server.core.changes import Entry
from server.core.directory import Directory
from server.core.group import Group, Key, key_of
from server.core.ports import Head
from server.core.stats import SIGNAL_KINDS, Stats
from server.core.stream import DELETE, LEAVE, Stream, audience, chunk_of

RING_BYTES = 16 << 20
"""How much of the newest log stays encoded in memory, where there is enough."""

ENTRY_BYTES = 400
"""What Python needs for an entry beside its frame."""

TURN_BYTES = 256 << 10
"""How much one turn of the loop hands to a connection before sockets get to send."""

LONGEST_REST_S = 0.008
SHORTEST_REST_S = 0.0005
"""After a batch the dispatcher rests about as long as writing it took, within these bounds: what is committed meanwhile
goes out in one write per reader instead of several. After a lone message nobody waits."""


class Dispatch:
    """The newest log in memory (`head`), how far readers have been told (`position`), and the readers.

    `oldest` is the first event that the database can still replay.
    """

    def __init__(self, directory: Directory, stats: Stats, unsent_bytes: int, ring_bytes: int = RING_BYTES) -> None:
        self.epoch = ""
        self.head = 0
        self.position = 0
        self.oldest = 1
        self.on_ahead: Callable[[], None] = lambda: None
        self.on_channel: Callable[[Entry], None] = lambda _entry: None
        self.on_first: Callable[[str], None] = lambda _agent_id: None
        self.on_last: Callable[[str], None] = lambda _agent_id: None
        self._directory = directory
        self._stats = stats
        self._unsent_bytes = unsent_bytes
        self._ring_most = ring_bytes
        self._ring: dict[int, Entry] = {}
        self._ring_bytes = 0
        self._ring_oldest = 1
        self._target = 0
        self._scheduled = False
        self._rested_s = 0.0
        self._groups: dict[Key, Group] = {}
        self._by_channel: dict[str, set[Group]] = {}
        self._by_agent: dict[str, set[Stream]] = {}
        self._dirty: list[Group] = []
        self._stamps: dict[str, int] = {}
        self._stamp_at_start = 0
        self._signals: list[tuple[str, float]] = []

    def start(self, head: Head) -> None:
        """Begin behind the newest event of a stored log, and know nothing older."""
        self.epoch = head.epoch
        self.oldest = head.oldest
        self.head = self.position = self._target = head.seq
        self._ring, self._ring_bytes, self._ring_oldest = {}, 0, head.seq + 1
        self._stamps, self._stamp_at_start = {}, head.seq

    # ---- what is known

    def learn(self, entries: Iterable[Entry]) -> None:
        """Take in committed entries, in order; those known already are passed over."""
        for entry in entries:
            if entry.seq != self.head + 1:
                continue
            self._ring[entry.seq] = entry
            self._ring_bytes += len(entry.frame) + ENTRY_BYTES
            self.head = entry.seq
            if entry.channel_id is not None:
                self._stamps[entry.channel_id] = entry.seq
                if entry.kind != "channel.message":
                    self.on_channel(entry)
        self._forget()

    def stamp(self, channel_id: str) -> int:
        """The seq of the last event that changed this channel, as far as is known here."""
        return self._stamps.get(channel_id, self._stamp_at_start)

    def _forget(self) -> None:
        while self._ring_bytes > self._ring_most and self._ring_oldest <= self.position:
            self._ring_bytes -= len(self._ring.pop(self._ring_oldest).frame) + ENTRY_BYTES
            self._ring_oldest += 1

    def recent(self, after: int, until: int) -> list[Entry] | None:
        """The entries with after < seq <= until, or None when memory does not reach back so far."""
        if after + 1 < self._ring_oldest:
            return None
        return [self._ring[seq] for seq in range(after + 1, until + 1)]

    def unsent_bytes_most(self) -> int:
        """What waits for the reader that is furthest behind."""
        return max((stream.sink.get_write_buffer_size() for stream in self.streams()), default=0)

    def entry(self, seq: int) -> Entry | None:
        """One entry, while memory holds it."""
        return self._ring.get(seq)

    # ---- who reads

    def join(self, stream: Stream, channels: frozenset[str]) -> None:
        """From the present position on, `stream` gets what it may see."""
        stream.channels = channels
        self._enter(stream)
        own = self._by_agent.setdefault(stream.agent_id, set())
        own.add(stream)
        if len(own) == 1:
            self.on_first(stream.agent_id)

    def leave(self, stream: Stream) -> None:
        """Nothing more goes to `stream`."""
        self._exit(stream)
        own = self._by_agent.get(stream.agent_id)
        if own is not None:
            own.discard(stream)
            if not own:
                del self._by_agent[stream.agent_id]
                self.on_last(stream.agent_id)

    def present(self) -> list[str]:
        """Ids of the agents that have a stream open."""
        return list(self._by_agent)

    def streams(self) -> list[Stream]:
        """Every open stream."""
        return list(chain.from_iterable(group.streams for group in self._groups.values()))

    def end(self, credentials: Iterable[str], reason: str) -> None:
        """End the streams that were opened with one of these tokens or sessions."""
        ended = frozenset(credentials)
        for stream in self.streams():
            if stream.credential in ended:
                self.leave(stream)
                stream.end(reason)

    def _enter(self, stream: Stream) -> None:
        key = key_of(stream)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key)
            for channel_id in group.key.channels:
                self._by_channel.setdefault(channel_id, set()).add(group)
        group.streams.add(stream)

    def _exit(self, stream: Stream) -> None:
        group = self._groups.get(key_of(stream))
        if group is None or stream not in group.streams:
            return
        group.streams.discard(stream)
        if not group.streams:
            del self._groups[group.key]
            for channel_id in group.key.channels:
                self._by_channel[channel_id].discard(group)
                if not self._by_channel[channel_id]:
                    del self._by_channel[channel_id]

    def _move(self, stream: Stream, channels: frozenset[str]) -> None:
        if channels != stream.channels:
            owed = self._owed(stream)
            self._exit(stream)
            stream.channels = channels
            self._enter(stream)
            self.count(stream, {channel_id: seq for channel_id, seq in owed.items() if channel_id in channels})

    def reshape(self, stream: Stream, bodies: frozenset[str] | None) -> None:
        """From the present position on, `stream` gets the words of these channels."""
        self.advance()
        joined = stream in self._by_agent.get(stream.agent_id, ())
        owed = self._owed(stream)
        if joined:
            self._flush()
            self._exit(stream)
        stream.interest = msgspec.structs.replace(stream.interest, bodies=bodies)
        if joined:
            self._enter(stream)
            self.count(stream, owed)

    def _owed(self, stream: Stream) -> dict[str, int]:
        """The numbers that its group is still to get: they go with a reader that moves to another."""
        group = self._groups.get(key_of(stream))
        return dict(group.stale) if group is not None and stream in group.streams else {}

    def count(self, stream: Stream, stale: dict[str, int]) -> None:
        """`stream` is to get the numbers of these channels, of which it got no words."""
        group = self._groups.get(key_of(stream))
        if group is not None:
            group.stale.update(stale)

    def take_stale(self) -> list[tuple[list[Stream], dict[str, int]]]:
        """The readers that are to get numbers, and the newest seq of each channel; nothing when asked again."""
        found = [(list(group.streams), group.stale) for group in self._groups.values() if group.stale]
        for group in self._groups.values():
            if group.stale:
                group.stale = {}
        return found

    # ---- what goes out

    def ring(self, seq: int) -> None:
        """Readers are to hear of everything up to `seq`; several rings in one turn of the loop are one batch."""
        if seq > self.head:
            self.on_ahead()
            return
        if seq > self._target:
            self._target = seq
            self._schedule()

    def advance(self) -> None:
        """Tell readers everything that is known, at once."""
        self._target = self.head
        while self.position < self._target:
            self._turn()

    def live(
        self, channel_id: str | None, agent_id: str | None, kind: str, frame: bytes, arrived_s: float = 0.0
    ) -> None:
        """Send an event that is not in the log to the readers of a channel, of an agent, or to all.

        With `arrived_s`, how long it took from then on is counted when it has been written.
        """
        if arrived_s:
            self._signals.append((kind, arrived_s))
        if channel_id is not None:
            self._collect(self._by_channel.get(channel_id, ()), kind, frame, channel_id)
        elif agent_id is None:
            self._collect(self._groups.values(), kind, frame)
        else:
            self._send(self._by_agent.get(agent_id, ()), kind, frame)
        self._schedule()

    def beat(self, silence_s: float) -> None:
        """Move the cursors of readers that heard nothing for `silence_s`."""
        now_s = perf_counter()
        frame = b"id: %b:%d\n\n" % (self.epoch.encode(), self.position)
        for group in list(self._groups.values()):
            if now_s - group.written_s >= silence_s:
                self._write(group, frame)

    def _schedule(self) -> None:
        if self._scheduled:
            return
        self._scheduled = True
        loop = asyncio.get_running_loop()
        rest_s = self._rested_s - perf_counter()
        if rest_s < SHORTEST_REST_S:
            loop.call_soon(self._wake)
        else:
            loop.call_later(rest_s, self._wake)

    def _wake(self) -> None:
        self._scheduled = False
        began_s, before = perf_counter(), self.position
        self._turn()
        if self.position > before + 1:
            # the sockets are written to after this callback; the next one sees what that took
            asyncio.get_running_loop().call_soon(self._rest, began_s)

    def _rest(self, began_s: float) -> None:
        now_s = perf_counter()
        self._rested_s = now_s + min(now_s - began_s, LONGEST_REST_S)
        if self.position < self._target:
            self._schedule()

    def _turn(self) -> None:
        """One batch: at most TURN_BYTES of entries, joined per group, written once per connection."""
        batch: list[Entry] = []
        size = 0
        while self.position < self._target and size < TURN_BYTES:
            entry = self._ring[self.position + 1]
            self._route(entry)
            self.position = entry.seq
            size += len(entry.frame)
            batch.append(entry)
        self._flush()
        self._observe(batch)
        if self._signals:
            self._stats.signalled(self._signals, perf_counter())
            self._signals.clear()

    def _observe(self, batch: Sequence[Entry]) -> None:
        now_s = perf_counter()
        for entry in batch:
            if entry.stored_s:
                entry.fanned_out_s = now_s
                self._stats.fanned_out.observe(entry.arrived_s, entry.stored_s, now_s)
            elif entry.arrived_s and entry.kind in SIGNAL_KINDS:
                self._stats.signalled([(entry.kind, entry.arrived_s)], now_s)

    def _route(self, entry: Entry) -> None:
        channel_id = entry.channel_id
        if channel_id is None:
            if entry.agent_id is None:
                self._collect(self._groups.values(), entry.kind, entry.frame)
            else:
                both = self._by_agent.get(entry.agent_id, set()) | self._by_agent.get(entry.sender_id, set())
                self._send(both, entry.kind, entry.frame)
            return
        if entry.kind == "channel.member.join" and entry.agent_id is not None:
            self._admit(channel_id, entry.agent_id)
        self._collect(self._by_channel.get(channel_id, ()), entry.kind, entry.frame, channel_id)
        if entry.kind in _ENDING:
            self._dismiss(channel_id, entry)

    def _admit(self, channel_id: str, agent_id: str) -> None:
        self._flush()
        for stream in list(self._by_agent.get(agent_id, ())):
            if stream.interest.wants_channel(channel_id):
                self._move(stream, stream.channels | {channel_id})

    def _dismiss(self, channel_id: str, entry: Entry) -> None:
        """Apply what ends somebody's right to a channel: a leave, a deletion, becoming private."""
        readers = [s for group in self._by_channel.get(channel_id, ()) for s in group.streams]
        concerned: Iterable[Stream] = ()
        if entry.kind == LEAVE and entry.agent_id is not None:
            concerned = self._by_agent.get(entry.agent_id, ())
            leaving = [s for s in concerned if channel_id in s.channels]
        elif entry.kind == DELETE:
            members = self._directory.bereaved.get(channel_id, frozenset())
            concerned = [s for agent_id in members for s in self._by_agent.get(agent_id, ())]
            leaving = readers
        else:
            leaving = [s for s in readers if channel_id not in audience(self._directory, s.agent_id, s.interest)]
        # who joined between the commit and this turn has the channel no more, but is told its end
        late = [s for s in concerned if channel_id not in s.channels and s.is_own_end(entry)]
        self._send(late, entry.kind, entry.frame)
        for stream in leaving:
            self._move(stream, stream.channels - {channel_id})

    def _collect(self, groups: Iterable[Group], kind: str, frame: bytes, channel_id: str | None = None) -> None:
        for group in groups:
            if not group.wants(kind):
                continue
            if channel_id is not None and group.only_counts(channel_id, kind):
                group.stale[channel_id] = self.position + 1
                continue
            if not group.pending:
                self._dirty.append(group)
            group.pending.append(frame)

    def _send(self, streams: Iterable[Stream], kind: str, frame: bytes) -> None:
        """Write to some readers alone, after what their groups still hold, so that order is kept."""
        self._flush()
        for stream in streams:
            if stream.interest.wants_type(kind):
                stream.write(frame)

    def _flush(self) -> None:
        for group in self._dirty:
            frames = b"".join(group.pending)
            group.pending.clear()
            self._write(group, frames)
        self._dirty.clear()

    def _write(self, group: Group, frames: bytes) -> None:
        data = chunk_of(frames) if group.key.chunked else frames
        slow: list[Stream] = []
        for stream in group.streams:
            sink = stream.sink
            if sink.get_write_buffer_size() > self._unsent_bytes:
                slow.append(stream)
            elif not sink.is_closing():
                sink.write(data)
        group.written_s = perf_counter()
        self._stats.sent_bytes += len(data) * (len(group.streams) - len(slow))
        for stream in slow:
            self._cut(stream)

    def _cut(self, stream: Stream) -> None:
        """Drop a reader that does not read; it resumes by its cursor when it can."""
        self._stats.cuts["slow"] += 1
        self.leave(stream)
        stream.end("slow")
        stream.sink.abort()


_ENDING = frozenset({LEAVE, DELETE, "channel.update"})
