"""The oracle: writers record every 201, readers every event; whatever is done to the hub, the two must agree."""

import asyncio
import contextlib
from collections import defaultdict
from itertools import pairwise
from uuid import uuid4

import aiohttp

from hubctl.sse import FrameTooLargeError, Parser
from tests.hub import HubProcess, Json, envelope

RETRY_S = 0.05
POST_TIMEOUT_S = 5.0


class Writer:
    """An agent that says numbered things and notes what was acknowledged."""

    def __init__(self, hub: HubProcess, token: str, channel_id: str) -> None:
        self.acknowledged: dict[str, int] = {}
        self.refused = 0
        self._hub = hub
        self._token = token
        self._channel_id = channel_id

    async def run(self, pause_s: float) -> None:
        """Post until cancelled; a post without an answer is tried again with the same id, as clients do."""
        headers = {"Authorization": f"Bearer {self._token}"}
        timeout = aiohttp.ClientTimeout(total=POST_TIMEOUT_S)
        async with aiohttp.ClientSession(self._hub.url, headers=headers, timeout=timeout) as session:
            while True:
                await self._say(session, str(uuid4()))
                await asyncio.sleep(pause_s)

    async def _say(self, session: aiohttp.ClientSession, message_id: str) -> None:
        body = {"channelId": self._channel_id, "content": f"words of {message_id}", "id": message_id}
        while True:
            try:
                async with session.post("/api/messages", json=body) as response:
                    if response.status in (200, 201):
                        self.acknowledged[message_id] = (await response.json())["seq"]
                        return
                    self.refused += 1
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(RETRY_S)


class Reader:
    """An agent that reads everything, reconnects with its cursor, and notes each event."""

    def __init__(self, hub: HubProcess, token: str, cursor: str | None = None) -> None:
        self.events: list[Json] = []
        self.resets = 0
        self.connects = 0
        self.cursor = cursor
        self.joined = asyncio.Event()
        self._hub = hub
        self._token = token

    async def run(self) -> None:
        """Read until cancelled."""
        headers = {"Authorization": f"Bearer {self._token}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=POST_TIMEOUT_S)
        async with aiohttp.ClientSession(self._hub.url, headers=headers, timeout=timeout) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, FrameTooLargeError):
                    await self._read(session)
                await asyncio.sleep(RETRY_S)

    async def _read(self, session: aiohttp.ClientSession) -> None:
        headers = {"Last-Event-ID": self.cursor} if self.cursor else {}
        async with session.get("/api/events", headers=headers) as response:
            if response.status != 200:
                return
            parser = Parser()
            async for chunk in response.content.iter_any():
                for frame in parser.feed(chunk):
                    if frame.event == "hub.hello":
                        self.connects += 1
                        self.joined.set()
                    elif frame.event == "hub.reset":
                        self.resets += 1
                    elif frame.id is not None and frame.data is not None:
                        self.events.append(envelope(frame))
                    self.cursor = frame.id or self.cursor

    def message_ids(self) -> list[str]:
        """Ids of the messages that were read, in order."""
        return [event["event"]["message"]["id"] for event in self.events if event["event"]["type"] == "channel.message"]


def verdict(writers: list[Writer], readers: list[Reader]) -> list[str]:
    """What is wrong, in words; nothing when all agree."""
    wrong: list[str] = []
    acknowledged = {message_id: seq for writer in writers for message_id, seq in writer.acknowledged.items()}
    for number, reader in enumerate(readers):
        seen = reader.message_ids()
        lost = acknowledged.keys() - set(seen)
        if lost:
            wrong.append(f"reader {number} misses {len(lost)} of {len(acknowledged)} acknowledged")
        if len(seen) != len(set(seen)):
            wrong.append(f"reader {number} saw {len(seen) - len(set(seen))} messages twice")
        seqs = [event["seq"] for event in reader.events]
        if any(later <= earlier for earlier, later in pairwise(seqs)):
            wrong.append(f"reader {number} saw seq go back")
        wrong.extend(f"reader {number}: {gap}" for gap in _channel_gaps(reader))
    return wrong


def _channel_gaps(reader: Reader) -> list[str]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for event in reader.events:
        if "channelSeq" in event:
            numbers[event["channelId"]].append(event["channelSeq"])
    return [
        f"channel {channel_id} has a gap"
        for channel_id, found in numbers.items()
        if found != list(range(found[0], found[0] + len(found)))
    ]


async def settle(writers: list[Writer], readers: list[Reader], timeout_s: float = 15.0) -> list[str]:
    """Wait until every reader has every acknowledged message, or the time is over; then the verdict."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while any("misses" in words for words in verdict(writers, readers)):
                await asyncio.sleep(0.1)
    return verdict(writers, readers)
