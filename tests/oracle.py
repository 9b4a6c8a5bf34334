"""The oracle: writers record every 201, readers every event; whatever is done to the hub, the two must agree."""

import asyncio
import contextlib
import math
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import pairwise
from time import monotonic
from uuid import uuid4

import aiohttp

from hubctl.sse import FrameTooLargeError, Parser
from tests.hub import Client, HubProcess, Json, envelope

AGENTS = 111
RATE = 20.0
RETRY_S = 0.05
POST_TIMEOUT_S = 5.0
JOIN_TIMEOUT_S = 60.0
NO_REAL_LIMIT = 1_000_000
"""A limit that is checked and never reached."""


class Writer:
    """An agent that says numbered things and notes what was acknowledged, when it was asked, and how long that took."""

    def __init__(self, hub: HubProcess, token: str, channel_id: str) -> None:
        self.acknowledged: dict[str, int] = {}
        self.asked_s: dict[str, float] = {}
        self.answered_s: dict[str, float] = {}
        self.refused: dict[int, int] = {}
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.busy = False
        self._hub = hub
        self._token = token
        self._channel_id = channel_id

    async def run(self, pause_s: float) -> None:
        """Post until cancelled; a post without an answer is tried again with the same id, as clients do."""
        headers = {"Authorization": f"Bearer {self._token}"}
        timeout = aiohttp.ClientTimeout(total=POST_TIMEOUT_S)
        async with aiohttp.ClientSession(self._hub.url, headers=headers, timeout=timeout) as session:
            # not all in the same moment
            await asyncio.sleep(random.uniform(0, pause_s))
            while True:
                await self.may_write.wait()
                self.busy = True
                await self._say(session, str(uuid4()))
                self.busy = False
                await asyncio.sleep(pause_s)

    async def rest(self) -> None:
        """Write no more until `may_write` is set; returns when the message under way is acknowledged."""
        self.may_write.clear()
        while self.busy:
            await asyncio.sleep(RETRY_S)

    def close_chapter(self) -> None:
        """Forget what was acknowledged."""
        for book in (self.acknowledged, self.asked_s, self.answered_s):
            book.clear()
        self.may_write.set()

    async def _say(self, session: aiohttp.ClientSession, message_id: str) -> None:
        body = {"channelId": self._channel_id, "content": f"words of {message_id}", "id": message_id}
        while True:
            try:
                self.asked_s[message_id] = monotonic()
                async with session.post("/api/messages", json=body) as response:
                    if response.status in (200, 201):
                        self.acknowledged[message_id] = (await response.json())["seq"]
                        self.answered_s[message_id] = monotonic()
                        return
                    self.refused[response.status] = self.refused.get(response.status, 0) + 1
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(RETRY_S)


class Reader:
    """An agent that reads everything, reconnects with its cursor, and notes each event."""

    def __init__(self, hub: HubProcess, token: str, cursor: str | None = None) -> None:
        self.events: list[Json] = []
        self.heard_s: dict[str, float] = {}
        self.resets = 0
        self.connects = 0
        self.byes: list[str] = []
        self.foreign = 0
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
                    elif frame.event == "hub.bye":
                        self.byes.append(envelope(frame)["code"])
                    elif frame.id is not None and frame.data is not None:
                        self._note(envelope(frame))
                    elif frame.data is not None:
                        self.foreign += envelope(frame).get("foreign", False)
                    self.cursor = frame.id or self.cursor

    def _note(self, event: Json) -> None:
        self.events.append(event)
        if event["event"]["type"] == "channel.message":
            self.heard_s[event["event"]["message"]["id"]] = monotonic()

    def close_chapter(self) -> None:
        """Forget what was read but for the last event, by which order and gaps are judged further on."""
        self.heard_s.clear()
        del self.events[:-1]

    def message_ids(self) -> list[str]:
        """Ids of the messages that were read, in order."""
        return [event["event"]["message"]["id"] for event in self.events if event["event"]["type"] == "channel.message"]


class Company:
    """Those who write and those who read, and what may be asked of their books."""

    def __init__(self, writers: list[Writer], readers: list[Reader], channel_id: str) -> None:
        self.writers = writers
        self.readers = readers
        self.channel_id = channel_id
        self.taken = 0
        self.wrong: list[str] = []

    @property
    def acknowledged(self) -> int:
        """How many messages were acknowledged."""
        return sum(len(writer.acknowledged) for writer in self.writers)

    async def progress(self, more: int, within_s: float = 30.0) -> None:
        """Wait until so many more were acknowledged."""
        goal = self.acknowledged + more
        async with asyncio.timeout(within_s):
            while self.acknowledged < goal:
                await asyncio.sleep(0.01)

    def posts_s(self, since_s: float = 0.0, until_s: float = math.inf) -> list[float]:
        """How long each acknowledged post took of those that were asked in this time."""
        return [
            answered_s - writer.asked_s[message_id]
            for writer in self.writers
            for message_id, answered_s in writer.answered_s.items()
            if since_s <= writer.asked_s[message_id] < until_s
        ]

    def lags_s(self, since_s: float = 0.0, until_s: float = math.inf) -> list[float]:
        """How long after its asking each message was heard by each reader, of those asked in this time."""
        asked_s = {
            k: at_s for writer in self.writers for k, at_s in writer.asked_s.items() if since_s <= at_s < until_s
        }
        return [
            heard_s - asked_s[message_id]
            for reader in self.readers
            for message_id, heard_s in reader.heard_s.items()
            if message_id in asked_s
        ]

    def refusals(self) -> dict[int, int]:
        """How often posts were answered with each status other than 200 and 201."""
        counts: dict[int, int] = defaultdict(int)
        for writer in self.writers:
            for status, count in writer.refused.items():
                counts[status] += count
        return dict(counts)

    async def close_chapter(self, timeout_s: float = 60.0) -> None:
        """Compare the books, note what is `wrong`, and begin new ones, so that they do not grow for an hour.

        Nobody writes meanwhile.
        """
        await asyncio.gather(*(writer.rest() for writer in self.writers))
        self.wrong += await self.verdict(timeout_s)
        self.taken += self.acknowledged
        for reader in self.readers:
            reader.close_chapter()
        for writer in self.writers:
            writer.close_chapter()

    async def verdict(self, timeout_s: float = 30.0) -> list[str]:
        """What is wrong once all has settled, in words."""
        resets = [f"reader {number} was reset" for number, reader in enumerate(self.readers) if reader.resets]
        return await settle(self.writers, self.readers, timeout_s) + resets


@contextlib.asynccontextmanager
async def company(
    hub: HubProcess, agents: int = AGENTS, rate: float = RATE, channel_id: str | None = None
) -> AsyncIterator[Company]:
    """Agents that each read all and write in turn, `rate` messages a second in sum, until the block ends.

    The oracle's verdict is asked then; a test that ends otherwise has its own reason to fail.
    """
    async with hub.client() as admin:
        channel_id = channel_id or await admin.general()
        tokens = [await member(admin, channel_id) for _ in range(agents)]
    readers = [Reader(hub, token) for token in tokens]
    talkers = Company([Writer(hub, token, channel_id) for token in tokens], readers, channel_id)
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    writing: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(JOIN_TIMEOUT_S):
            for reader in readers:
                await reader.joined.wait()
        writing += [asyncio.create_task(writer.run(agents / rate)) for writer in talkers.writers]
        yield talkers
        await cancelled(writing)
        assert await talkers.verdict() == []
    finally:
        await cancelled([*reading, *writing])


async def member(admin: Client, channel_id: str) -> str:
    """A new agent in this channel, whose limit is checked and never reached; its token."""
    agent_id, token = await admin.agent(limits={"message": NO_REAL_LIMIT})
    await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {"role": "member"})
    return token


async def cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait for their ends."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def p99(values: Iterable[float]) -> float:
    """The value that 99 of 100 do not exceed."""
    found = sorted(values)
    return found[min(len(found) - 1, int(len(found) * 0.99))]


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
    acknowledged = {message_id for writer in writers for message_id in writer.acknowledged}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            for reader in readers:
                while not acknowledged <= reader.heard_s.keys():
                    await asyncio.sleep(0.1)
    return verdict(writers, readers)
