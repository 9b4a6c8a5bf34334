"""The one way out: every event leaves through here, in order, to every reader that may see it.

Readers that see the same are one `Group`: its frames are joined once a batch and the same bytes go to every
connection, so that a delivery costs one write and nothing else.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

import msgspec

from server.core.changes import Entry
from server.core.directory import Directory
from server.core.following import FOLLOWING, follow, meant_by
from server.core.ports import Head
from server.core.readers import Group, Readers
from server.core.ring import RING_BYTES, Ring
from server.core.stats import SIGNAL_KINDS, Stats
from server.core.stream import DELETE, LEAVE, Stream, audience, chunk_of

TURN_BYTES = 256 << 10
"""How much one turn of the loop hands to a connection before sockets get to send."""

LONGEST_HOLD_S = 0.008
SHORTEST_HOLD_S = 0.0005
"""After a batch the next one is held while more is being stored, but no longer than writing the last one took, within
these bounds: both then leave in one write per reader. When nothing else comes, nobody waits."""


class Dispatch:
    """The newest log in memory (`head`), how far readers have been told (`position`), and the readers.

    `oldest` is the first event that the database can still replay. `is_more_coming` says whether something is being
    stored.
    """

    def __init__(self, directory: Directory, stats: Stats, unsent_bytes: int, ring_bytes: int = RING_BYTES) -> None:
        self.epoch = ""
        self.head = 0
        self.position = 0
        self.oldest = 1
        self.is_more_coming: Callable[[], bool] = lambda: False
        self.on_ahead: Callable[[], None] = lambda: None
        self.on_channel: Callable[[Entry], None] = lambda _entry: None
        self.on_first: Callable[[str], None] = lambda _agent_id: None
        self.on_last: Callable[[str], None] = lambda _agent_id: None
        self._directory = directory
        self._stats = stats
        self._unsent_bytes = unsent_bytes
        self._ring = Ring(ring_bytes)
        self._readers = Readers()
        self._target = 0
        self._scheduled = False
        self._held_until_s = 0.0
        self._hold: asyncio.TimerHandle | None = None
        self._dirty: list[Group] = []
        self._stamps: dict[str, int] = {}
        self._stamp_at_start = 0
        self._removals = 0
        self._signals: list[tuple[str, float]] = []

    def start(self, head: Head) -> None:
        """Begin behind the newest event of a stored log, and know nothing older."""
        self.epoch = head.epoch
        self.oldest = head.oldest
        self.head = self.position = self._target = head.seq
        self._ring.start(head.seq)
        self._stamps, self._stamp_at_start = {}, head.seq

    # ---- what is known

    def learn(self, entries: Iterable[Entry]) -> None:
        """Take in committed entries, in order; those known already are passed over."""
        for entry in entries:
            if entry.seq != self.head + 1:
                continue
            self._ring.add(entry)
            self.head = entry.seq
            if entry.channel_id is not None:
                self._stamps[entry.channel_id] = entry.seq
                if entry.kind != "channel.message":
                    self.on_channel(entry)
        self._ring.forget(self.position)

    def stamp(self, channel_id: str) -> int:
        """What is another after each change of this channel: the seq of the last event of it that is known here."""
        return self._stamps.get(channel_id, self._stamp_at_start)

    def restamp(self, channel_id: str) -> None:
        """Messages of it went without an event: until the next one it has a stamp that no event ever is."""
        self._removals += 1
        self._stamps[channel_id] = -self._removals

    def recent(self, after: int, until: int) -> list[Entry] | None:
        """The entries with after < seq <= until, or None when memory does not reach back so far."""
        return self._ring.span(after, until)

    def entry(self, seq: int) -> Entry | None:
        """One entry, while memory holds it."""
        return self._ring.get(seq)

    # ---- who reads

    def join(self, stream: Stream, channels: frozenset[str]) -> None:
        """From the present position on, `stream` gets what it may see."""
        stream.channels = channels
        if self._readers.add(stream):
            self.on_first(stream.agent_id)

    def leave(self, stream: Stream) -> None:
        """Nothing more goes to `stream`."""
        if self._readers.drop(stream):
            self.on_last(stream.agent_id)

    def end(self, credentials: Iterable[str], reason: str) -> None:
        """End the streams that were opened with one of these tokens or sessions."""
        ended = frozenset(credentials)
        for stream in self.streams():
            if stream.credential in ended:
                self.leave(stream)
                stream.end(reason)

    def reshape(self, stream: Stream, bodies: frozenset[str] | None) -> None:
        """From the present position on, `stream` gets the words of these channels."""
        self.advance()
        self._flush()
        interest = msgspec.structs.replace(stream.interest, bodies=bodies)
        self._readers.reshape(stream, interest, audience(self._directory, stream.agent_id, interest))

    def present(self) -> list[str]:
        """Ids of the agents that have a stream open."""
        return self._readers.agents()

    def streams(self) -> list[Stream]:
        """Every open stream."""
        return self._readers.streams()

    def unsent_bytes_most(self) -> int:
        """What waits for the reader that is furthest behind."""
        return max((stream.sink.get_write_buffer_size() for stream in self.streams()), default=0)

    def count(self, stream: Stream, stale: dict[str, int]) -> None:
        """`stream` is to get the numbers of these channels, of which it got no words."""
        self._readers.owe(stream, stale)

    def take_stale(self) -> list[tuple[list[Stream], dict[str, int]]]:
        """The readers that are to get numbers, and the newest seq of each channel; nothing when asked again."""
        return self._readers.take_owed()

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
            self._collect(self._readers.of_channel(channel_id), kind, frame, channel_id)
        elif agent_id is None:
            self._collect(self._readers.groups(), kind, frame)
        else:
            self._send(self._readers.of_agent(agent_id), kind, frame)
        self._schedule()

    def beat(self, silence_s: float) -> None:
        """Move the cursors of readers that heard nothing for `silence_s`."""
        now_s = perf_counter()
        frame = b"id: %b:%d\n\n" % (self.epoch.encode(), self.position)
        for group in list(self._readers.groups()):
            if now_s - group.written_s >= silence_s:
                self._write(group, frame)

    @property
    def is_holding(self) -> bool:
        """Whether a batch waits for what is on its way."""
        return self._hold is not None

    def _schedule(self) -> None:
        """Write in the next turn of the loop; a batch that is held is looked at anew each time that this is called."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        elif self._scheduled:
            return
        self._scheduled = True
        loop = asyncio.get_running_loop()
        hold_s = self._held_until_s - perf_counter()
        if hold_s >= SHORTEST_HOLD_S and self.is_more_coming():
            self._hold = loop.call_later(hold_s, self._wake)
        else:
            loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._scheduled = False
        self._hold = None
        began_s, before = perf_counter(), self.position
        self._turn()
        if self.position > before:
            # the sockets are written to after this callback; the next one sees what that took
            asyncio.get_running_loop().call_soon(self._written, began_s)

    def _written(self, began_s: float) -> None:
        now_s = perf_counter()
        if self.position < self._target:  # more than a turn may hand over is there already
            self._held_until_s = now_s
            self._schedule()
            return
        self._held_until_s = now_s + min(now_s - began_s, LONGEST_HOLD_S)

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
                self._stats.told(entry)
            elif entry.arrived_s and entry.kind in SIGNAL_KINDS:
                self._stats.signalled([(entry.kind, entry.arrived_s)], now_s)

    def _route(self, entry: Entry) -> None:
        channel_id = entry.channel_id
        if channel_id is None:
            if entry.agent_id is None:
                self._collect(self._readers.groups(), entry.kind, entry.frame)
            else:
                both = {*self._readers.of_agent(entry.agent_id), *self._readers.of_agent(entry.sender_id)}
                self._send(both, entry.kind, entry.frame)
            return
        if entry.kind == "channel.member.join" and entry.agent_id is not None:
            self._admit(channel_id, entry.agent_id)
        if entry.kind in FOLLOWING:
            for agent_id in (entry.sender_id, entry.agent_id or ""):
                follow(entry, self._readers.of_agent(agent_id))
        if self._collect(self._readers.of_channel(channel_id), entry.kind, entry.frame, channel_id):
            self._tell_meant(channel_id, entry)
        if entry.kind in _ENDING:
            self._dismiss(channel_id, entry)

    def _admit(self, channel_id: str, agent_id: str) -> None:
        self._flush()
        for stream in list(self._readers.of_agent(agent_id)):
            if stream.interest.wants_channel(channel_id):
                self._readers.move(stream, stream.channels | {channel_id})

    def _dismiss(self, channel_id: str, entry: Entry) -> None:
        """Apply what ends somebody's right to a channel: a leave, a deletion, becoming private."""
        readers = [s for group in self._readers.of_channel(channel_id) for s in group.streams]
        concerned: Iterable[Stream] = ()
        if entry.kind == LEAVE and entry.agent_id is not None:
            concerned = self._readers.of_agent(entry.agent_id)
            leaving = [s for s in concerned if channel_id in s.channels]
        elif entry.kind == DELETE:
            members = self._directory.bereaved.get(channel_id, frozenset())
            concerned = [s for agent_id in members for s in self._readers.of_agent(agent_id)]
            leaving = readers
        else:
            leaving = [s for s in readers if channel_id not in audience(self._directory, s.agent_id, s.interest)]
        # who joined between the commit and this turn has the channel no more, but is told its end
        late = [s for s in concerned if channel_id not in s.channels and s.is_own_end(entry)]
        self._send(late, entry.kind, entry.frame)
        for stream in leaving:
            self._readers.move(stream, stream.channels - {channel_id})

    def _tell_meant(self, channel_id: str, entry: Entry) -> None:
        """Words of a channel that they do not look at go to those alone for whom they are meant."""
        meant = meant_by(entry)
        if meant is None:
            return
        groups = [
            g for g in self._readers.of_channel(channel_id) if g.key.meant and g.only_counts(channel_id, entry.kind)
        ]
        for group in groups:
            streams = [stream for stream in group.streams if stream.is_meant(meant)]
            if streams and group.wants(entry.kind):
                self._empty(group)  # what came before goes first
                for stream in streams:
                    stream.write(entry.frame)

    def _collect(self, groups: Iterable[Group], kind: str, frame: bytes, channel_id: str | None = None) -> bool:
        """Put a frame down for groups; whether some of those who only count it get what is meant for them."""
        sought = False
        for group in groups:
            if not group.wants(kind):
                continue
            if channel_id is not None and group.only_counts(channel_id, kind):
                group.stale[channel_id] = self.position + 1
                sought = sought or group.key.meant
                continue
            if not group.pending:
                self._dirty.append(group)
            group.pending.append(frame)
        return sought

    def _send(self, streams: Iterable[Stream], kind: str, frame: bytes) -> None:
        """Write to some readers alone, after what their groups still hold, so that order is kept."""
        self._flush()
        for stream in streams:
            if stream.interest.wants_type(kind):
                stream.write(frame)

    def _flush(self) -> None:
        for group in self._dirty:
            self._empty(group)
        self._dirty.clear()

    def _empty(self, group: Group) -> None:
        if group.pending:
            frames = b"".join(group.pending)
            group.pending.clear()
            self._write(group, frames)

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
