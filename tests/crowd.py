"""Readers that cost little: a thousand at once, and one from any place in the log."""

import asyncio
import random

from hubctl.load.wire import Address, Connection, Decoder, Piece, connect
from tests.hub import HubProcess
from tests.oracle import Company


class Crowd:
    """Readers with one token, each with its own cursor and its own list of messages."""

    def __init__(self, hub: HubProcess, count: int) -> None:
        self.heard: list[list[str]] = [[] for _ in range(count)]
        self._cursors = [""] * count
        self._hub = hub
        self._decoder = Decoder()
        self._connections: list[Connection] = []

    async def come(self) -> None:
        """All at once, each from where it was; returns when all are there."""
        self._connections = await asyncio.gather(*(self._open(number) for number in range(len(self.heard))))

    async def _open(self, number: int) -> Connection:
        def take(piece: Piece, _came_ns: int) -> None:
            self._cursors[number] = piece.cursor or self._cursors[number]
            assert not piece.reset
            self.heard[number] += [
                event.event.message.id
                for event in piece.events
                if event.event.type == "channel.message" and event.event.message is not None
            ]

        return await connect(Address(self._hub.url), self._hub.admin_token, self._cursors[number], self._decoder, take)

    async def until_all_heard(self, ids: list[str]) -> None:
        async with asyncio.timeout(30):
            while any(len(heard) < len(ids) for heard in self.heard):
                await asyncio.sleep(0.05)

    def go(self) -> None:
        """All at once."""
        for connection in self._connections:
            connection.abort()


async def exact_rest(hub: HubProcess, talkers: Company) -> None:
    """Connect from a random place of what was said: what comes is all that followed, once and in order."""
    reader = talkers.readers[0]
    known = [event for event in reader.events if event.get("channelId") == talkers.channel_id]
    first, last = sorted(random.sample(known, 2), key=lambda event: int(event["seq"]))
    assert reader.cursor is not None
    cursor = f"{reader.cursor.partition(':')[0]}:{first['seq']}"
    numbers = await channel_seqs(hub, talkers.channel_id, cursor, until=last["channelSeq"] + 20)
    begin = first["channelSeq"] + 1
    assert numbers == list(range(begin, begin + len(numbers)))


async def channel_seqs(hub: HubProcess, channel_id: str, cursor: str, until: int) -> list[int]:
    """The numbers of what a stream with this cursor gets, to the first that is `until` or more."""
    found: list[int] = []
    done = asyncio.get_running_loop().create_future()

    def take(piece: Piece, _came_ns: int) -> None:
        found.extend(event.channel_seq for event in piece.events if event.channel_id == channel_id)
        if found and found[-1] >= until and not done.done():
            done.set_result(None)

    connection = await connect(Address(hub.url), hub.admin_token, cursor, Decoder(), take)
    try:
        await asyncio.wait_for(done, 30)
    finally:
        connection.abort()
    return found
