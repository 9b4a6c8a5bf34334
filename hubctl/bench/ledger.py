"""What was sent and what each reader heard of it: latencies, and by ids and numbers what is lost or came twice."""

from dataclasses import dataclass, field

from hubctl.load.latencies import Latencies
from hubctl.load.wire import Heard, Piece

TYPING_TTL_S = 10.0


@dataclass(slots=True)
class Sent:
    """Something on its way: when it left, how many readers lack it, and whether it counts for latencies."""

    at_ns: int
    left: int
    counts: bool
    acknowledged: bool = False


@dataclass(slots=True)
class Lasting:
    """A typing that nobody stops: when it began, and how far from its time the hub ended it."""

    agent_id: str
    began_ns: int
    error_s: float | None = None


@dataclass
class Ledger:
    """The book of one run in one channel with so many `readers`."""

    channel_id: str
    readers: int
    post: Latencies = field(default_factory=Latencies)
    delivery: Latencies = field(default_factory=Latencies)
    presence: Latencies = field(default_factory=Latencies)
    typing: Latencies = field(default_factory=Latencies)
    answered: int = 0
    refused: int = 0
    deliveries: int = 0
    twice: int = 0
    skipped: int = 0
    last_delivery_ns: int = 0
    lasting: Lasting | None = None

    def __post_init__(self) -> None:
        self.counting = False
        self._messages: dict[str, Sent] = {}
        self._moods: dict[str, Sent] = {}
        self._typists: dict[tuple[str, bool], Sent] = {}
        self._reached = [0] * self.readers

    # ---- what leaves

    def message_leaves(self, message_id: str, at_ns: int) -> None:
        """A message is posted now."""
        self._messages[message_id] = Sent(at_ns, self.readers, self.counting)

    def message_answered(self, message_id: str, at_ns: int) -> None:
        """The hub has taken it."""
        sent = self._messages[message_id]
        sent.acknowledged = True
        self.answered += 1
        if sent.counts:
            self.post.add(at_ns - sent.at_ns)
        self._forget(message_id, sent)

    def message_refused(self, message_id: str) -> None:
        """The hub has not taken it, or nobody knows."""
        self.refused += 1
        self._messages.pop(message_id, None)

    def mood_leaves(self, words: str, at_ns: int) -> None:
        """A presence is put, known again by its words."""
        self._moods[words] = Sent(at_ns, self.readers, self.counting)

    def typing_leaves(self, agent_id: str, at_ns: int, *, started: bool) -> None:
        """An agent says that it types, or no longer."""
        self._typists[agent_id, started] = Sent(at_ns, self.readers, self.counting)

    # ---- what comes

    def hear(self, reader: int, piece: Piece, came_ns: int) -> None:
        """A reader got this."""
        for heard in piece.events:
            if heard.channel_id != self.channel_id:
                continue
            if heard.channel_seq and not self._moves_on(reader, heard.channel_seq):
                continue
            if heard.event.message is not None:
                self._message(heard.event.message.id, came_ns)
            else:
                self._signal(heard, came_ns)

    def _moves_on(self, reader: int, channel_seq: int) -> bool:
        """Whether this is the reader's next event of the channel; what it passes over, `lost` counts at the end."""
        reached = self._reached[reader]
        if reached and channel_seq <= reached:
            self.twice += 1
            return False
        if reached:
            self.skipped += channel_seq - reached - 1
        self._reached[reader] = channel_seq
        return True

    def _message(self, message_id: str, came_ns: int) -> None:
        self.deliveries += 1
        self.last_delivery_ns = came_ns
        sent = self._messages.get(message_id)
        if sent is None:
            return
        sent.left -= 1
        if sent.counts:
            self.delivery.add(came_ns - sent.at_ns)
        self._forget(message_id, sent)

    def _forget(self, message_id: str, sent: Sent) -> None:
        if sent.acknowledged and sent.left <= 0:
            del self._messages[message_id]

    def _signal(self, heard: Heard, came_ns: int) -> None:
        event = heard.event
        if event.presence is not None:
            self._count(self._moods.get(event.presence.custom_status or ""), self.presence, came_ns)
        elif event.type == "channel.typing":
            lasting = self.lasting
            if lasting is not None and event.agent_id == lasting.agent_id:
                if not event.started and lasting.error_s is None:
                    lasting.error_s = (came_ns - lasting.began_ns) / 1e9 - TYPING_TTL_S
                return
            self._count(self._typists.get((event.agent_id, event.started)), self.typing, came_ns)

    @staticmethod
    def _count(sent: Sent | None, latencies: Latencies, came_ns: int) -> None:
        if sent is not None and sent.counts and sent.left > 0:
            sent.left -= 1
            latencies.add(came_ns - sent.at_ns)

    # ---- what is missing

    @property
    def under_way(self) -> int:
        """How many messages are not answered or not with every reader yet."""
        return len(self._messages)

    @property
    def lost(self) -> int:
        """Deliveries of acknowledged messages that never came: by ids or by gaps in channelSeq, whichever is more."""
        by_id = sum(sent.left for sent in self._messages.values() if sent.acknowledged)
        short = sum(max(self._reached) - reached for reached in self._reached if reached)
        return max(by_id, self.skipped + short)
