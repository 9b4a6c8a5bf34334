"""Publishing what was committed, and hearing Redis: one connection for each, for the whole process.

A client library's own subscription reconnects in silence and waits for a frozen server for ever. Here the hub
speaks to itself every ECHO_S: after UNHEARD times unheard it is no connection, whatever the socket says. Times
are counted and not seconds: a process that got no processor for a while has not listened either.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from uuid import uuid4

import structlog
from redis.exceptions import RedisError

from server.bus.keys import Keys, Names
from server.bus.line import Line
from server.bus.link import COMMAND_TIMEOUT_S, Link
from server.bus.patience import Patience
from server.bus.wire import Command, Wire
from server.core.changes import Entry
from server.core.stats import Stats

CANCEL_AGAIN_S = 0.2
ECHO_S = 1.0
UNHEARD = 3
LONGEST_RETRY_S = 1.0

Heard = Callable[[bytes, bytes], None]
"""Takes the name of the Redis channel and what was published there."""

logger = structlog.get_logger()


class RedisBell:
    """Fulfils `core.ports.Bell`; tells `heard` of everything that is published on the hub's channels."""

    def __init__(self, link: Link, prefix: str, stats: Stats, heard: Heard) -> None:
        self._link = link
        self._line = Line(link)
        self._keys = Keys(prefix)
        self._names = Names(prefix)
        self._echo = self._names.echo(str(uuid4()))
        self._stats = stats
        self._heard = heard
        self._unheard = 0
        self._subscription: Wire | None = None
        self._unconfirmed = 0
        self._confirmed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def up(self) -> bool:
        """Whether Redis takes what is published and the hub hears it."""
        return self._subscription is not None and not self._link.breaker.open and not self._silent()

    async def start(self) -> None:
        """Begin to listen; returns once the first attempt has succeeded or failed."""
        first = asyncio.Event()
        self._tasks = [asyncio.create_task(self._listen(first)), asyncio.create_task(self._probe())]
        await first.wait()

    async def stop(self) -> None:
        """Hang up."""
        await ended(self._tasks)
        await self._hang_up()
        await self._line.close()

    # ---- speaking

    async def publish(self, entries: Sequence[Entry]) -> bool:
        """See `core.ports.Bell.publish`."""
        changed = {entry.channel_id for entry in entries if entry.channel_id is not None}
        messages = [(self._name_of(entry), entry.payload) for entry in entries]
        stale = [name for channel_id in changed for name in self._pages(channel_id)]
        return await self._send(messages, stale) and self.up

    async def tell(self, messages: Sequence[tuple[str, bytes]], letter: bytes = b"") -> bool:
        """See `core.ports.Bell.tell`."""
        letters = [(self._names.hubs, letter)] if letter else []
        return await self._send(
            [*letters, *((self._names.channel(channel_id), payload) for channel_id, payload in messages)]
        )

    async def _send(self, messages: Sequence[tuple[bytes, bytes]], stale: Sequence[bytes] = ()) -> bool:
        if self._link.breaker.open:
            return False
        commands: list[Command] = [(b"PUBLISH", name, payload) for name, payload in messages]
        if stale:
            commands.append((b"DEL", *stale))
        if await self._line.ask("publish", commands) is None:
            self._noted(up=False, error="publishing failed")
            return False
        return True

    def _pages(self, channel_id: str) -> tuple[bytes, bytes]:
        return self._keys.recent(channel_id).encode(), self._keys.seal(channel_id).encode()

    def _name_of(self, entry: Entry) -> bytes:
        if entry.channel_id is not None:
            return self._names.channel(entry.channel_id)
        return self._names.everyone if entry.agent_id is None else self._names.agent(entry.agent_id)

    # ---- hearing

    async def _listen(self, first: asyncio.Event) -> None:
        retry_s = 0.05
        while True:
            try:
                await self._hear(first)
            except (RedisError, OSError, TimeoutError) as error:
                self._stats.redis_errors["subscribe"] += 1
                self._noted(up=False, error=str(error))
            if self._subscription is not None:
                retry_s = 0.05
                await self._hang_up()
            first.set()
            await asyncio.sleep(random.uniform(retry_s / 2, retry_s))  # noqa: S311 - spreads retries, hides nothing
            retry_s = min(LONGEST_RETRY_S, retry_s * 2)

    async def _hear(self, first: asyncio.Event) -> None:
        async with Patience(COMMAND_TIMEOUT_S):
            wire = await Wire.open(self._link, self._take)
        try:
            async with Patience(COMMAND_TIMEOUT_S):
                await self._subscribe(wire)
        except BaseException:
            await wire.close()
            raise
        self._subscription = wire
        self._unheard = 0
        self._noted(up=True)
        first.set()
        await wire.lost

    async def _subscribe(self, wire: Wire) -> None:
        patterns, names = self._names.patterns, (self._names.everyone, self._names.hubs, self._echo)
        self._unconfirmed = len(patterns) + len(names)
        self._confirmed.clear()
        wire.send([(b"PSUBSCRIBE", *patterns), (b"SUBSCRIBE", *names)])
        await self._confirmed.wait()

    def _take(self, reply: object) -> None:
        self._unheard = 0
        if isinstance(reply, Exception):
            logger.warning("redis refused a subscription", error=str(reply))
        elif isinstance(reply, list) and reply[0] in (b"pmessage", b"message"):
            name, payload = reply[-2:]
            if name != self._echo:
                self._heard(name, payload)
        else:
            self._unconfirmed -= 1
            if self._unconfirmed == 0:
                self._confirmed.set()

    async def _hang_up(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await subscription.close()

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(ECHO_S)
            self._unheard += 1
            await self._send([(self._echo, b"")])
            if self._subscription is not None and self._silent():
                self._noted(up=False, error="the subscription went silent")
                await self._hang_up()
                # or it is this one that leads to a server which is the master no more, and keeps what it is told
                await self._line.close()
            self._noted(up=self.up)

    def _silent(self) -> bool:
        return self._unheard > UNHEARD

    def _noted(self, *, up: bool, error: str = "") -> None:
        if up != self._stats.redis_up:
            self._stats.redis_up = up
            if up:
                logger.info("redis is up")
            else:
                logger.warning("redis is away; messages go on", error=error)


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel these until they have ended: what they wait for may take a cancellation for a timeout of its own."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
