"""Writers that note every acknowledgement, readers that note every event, and what must be true of both."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

import msgspec

from hubctl.client import Call
from hubctl.errors import Failure, Unreachable
from hubctl.load.calls import Callers
from hubctl.load.guests import Guest
from hubctl.load.wire import Address, Connection, Decoder, Piece, connect

PAUSE_S = 0.02
RETRY_S = (0.05, 0.2)


class Writer:
    """An agent that posts all the while; what got no answer is posted again with the same id, as clients do."""

    def __init__(self, callers: Callers, guest: Guest, channel_id: str) -> None:
        self.acknowledged: set[str] = set()
        self.retries = 0
        self.stopping = False
        self._callers = callers
        self._guest = guest
        self._channel_id = channel_id

    async def run(self) -> None:
        """Post until `stopping`; the message under way is brought to its end first."""
        while not self.stopping:
            message_id = str(uuid4())
            body = {"channelId": self._channel_id, "content": f"drill {message_id}", "id": message_id}
            while not await self._posted(Call("POST", "/api/messages", body)):
                self.retries += 1
                await asyncio.sleep(random.uniform(*RETRY_S))  # noqa: S311 - spreads retries, hides nothing
            self.acknowledged.add(message_id)
            await asyncio.sleep(PAUSE_S)

    async def _posted(self, call: Call) -> bool:
        try:
            await self._callers.call(self._guest.token, call)
        except Failure:
            return False
        return True


class Reader:
    """An agent that reads everything and comes back by its cursor whenever the stream breaks."""

    def __init__(self, address: Address, guest: Guest, decoder: Decoder) -> None:
        self.heard: Counter[str] = Counter()
        self.connects = 0
        self.resets = 0
        self.gaps = 0
        self.backwards = 0
        self._address = address
        self._guest = guest
        self._decoder = decoder
        self._cursor = ""
        self._seq = 0
        self._channel_seqs: dict[str, int] = {}
        self._connection: Connection | None = None

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                try:
                    self._connection = await connect(
                        self._address, self._guest.token, self._cursor, self._decoder, self._take
                    )
                    await self._connection.closed
                except (Unreachable, Failure):
                    pass
                await asyncio.sleep(random.uniform(*RETRY_S))  # noqa: S311 - spreads reconnects, hides nothing
        finally:
            self.cut()

    def cut(self) -> None:
        """Break the stream off, as a lost network would."""
        if self._connection is not None:
            self._connection.abort()

    def _take(self, piece: Piece, _came_ns: int) -> None:
        self.connects += piece.hello
        self.resets += piece.reset
        for event in piece.events:
            if event.seq:
                self.backwards += event.seq <= self._seq
                self._seq = event.seq
            if event.channel_seq:
                last = self._channel_seqs.get(event.channel_id)
                self.gaps += last is not None and event.channel_seq > last + 1
                self._channel_seqs[event.channel_id] = event.channel_seq
            if event.event.message is not None and event.event.type == "channel.message":
                self.heard[event.event.message.id] += 1
        self._cursor = piece.cursor or self._cursor


class Audit(msgspec.Struct, frozen=True, rename="camel"):
    """What the two say of each other, over all readers."""

    acknowledged: int
    retries: int
    readers: int
    reconnects: int
    lost: int
    twice: int
    gaps: int
    backwards: int
    resets: int

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.twice or self.gaps or self.backwards or self.resets)


@dataclass(slots=True)
class Company:
    """Those who talk and those who listen."""

    writers: list[Writer]
    readers: list[Reader]

    def acknowledged(self) -> set[str]:
        """Ids of everything that the hub has taken."""
        return set().union(*(writer.acknowledged for writer in self.writers))

    def lost(self) -> int:
        """Deliveries of acknowledged messages that have not come (yet)."""
        acknowledged = self.acknowledged()
        return sum(len(acknowledged - reader.heard.keys()) for reader in self.readers)

    def audit(self) -> Audit:
        """The books compared."""
        readers = self.readers
        return Audit(
            acknowledged=len(self.acknowledged()),
            retries=sum(writer.retries for writer in self.writers),
            readers=len(readers),
            reconnects=sum(reader.connects - 1 for reader in readers),
            lost=self.lost(),
            twice=sum(count - 1 for reader in readers for count in reader.heard.values()),
            gaps=sum(reader.gaps for reader in readers),
            backwards=sum(reader.backwards for reader in readers),
            resets=sum(reader.resets for reader in readers),
        )
