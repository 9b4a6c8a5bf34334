"""The canary: posts through real HTTP and reads its own stream, so that a quiet hub too knows whether it works."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from uuid import uuid4

import aiohttp
import msgspec

from server.core.stats import Stats

TIMEOUT_S = 5.0
"""When a message that is not back counts as lost."""

FORGET_EVERY = 20
"""Messages between two times of forgetting them."""

ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what is looked for, not listened on


class Canary:
    """Speaks every `every_s` seconds, and writes down how that went."""

    def __init__(
        self,
        stats: Stats,
        place: tuple[str, str],
        forget: Callable[[str], Awaitable[None]],
        every_s: float,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self._stats = stats
        self._channel_id, self._token = place
        self._forget = forget
        self._every_s = every_s
        self._trusted = trusted
        self._expected = b""
        self._heard = asyncio.Event()

    async def run(self, host: str, port: int) -> None:
        """Speak until cancelled; a stream that breaks is a failure and is opened again."""
        shown = f"[{host}]" if ":" in host else host
        base = f"http{'s' if self._trusted else ''}://{ANYWHERE.get(host, shown)}:{port}"
        headers = {"Authorization": f"Bearer {self._token}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT_S)
        connector = aiohttp.TCPConnector(ssl=self._trusted or True)
        async with aiohttp.ClientSession(base, connector=connector, headers=headers, timeout=timeout) as session:
            while True:
                try:
                    await self._follow(session)
                except (aiohttp.ClientError, OSError, TimeoutError):
                    self._stats.probe_success = False
                await asyncio.sleep(self._every_s)

    async def once(self, session: aiohttp.ClientSession) -> str:
        """Speak once and hear it; the id of the message. Raises what went wrong."""
        async with self._listening(session):
            await self._speak(session)
        return self._expected.decode()

    async def _follow(self, session: aiohttp.ClientSession) -> None:
        async with self._listening(session) as listening:
            while not listening.done():
                await self._forget(self._channel_id)
                for _ in range(FORGET_EVERY):
                    await self._speak(session)
                    await asyncio.wait([listening], timeout=self._every_s)
                    if listening.done():
                        break

    @asynccontextmanager
    async def _listening(self, session: aiohttp.ClientSession) -> AsyncIterator[asyncio.Task[None]]:
        query = {"channels": self._channel_id, "types": "channel.message"}
        async with session.get("/api/events", params=query) as response:
            response.raise_for_status()
            await response.content.readuntil(b"\n\n")
            listening = asyncio.create_task(self._listen(response))
            try:
                yield listening
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, response: aiohttp.ClientResponse) -> None:
        async for line in response.content:
            if self._expected and self._expected in line:
                self._heard.set()

    async def _speak(self, session: aiohttp.ClientSession) -> None:
        message_id = str(uuid4())
        self._expected = message_id.encode()
        self._heard.clear()
        began_s = perf_counter()
        body = msgspec.json.encode({"channelId": self._channel_id, "content": "probe", "id": message_id})
        async with asyncio.timeout(TIMEOUT_S):
            async with session.post("/api/messages", data=body, headers={"Content-Type": "application/json"}) as said:
                said.raise_for_status()
            await self._heard.wait()
        self._stats.probe_latency_s = perf_counter() - began_s
        self._stats.probe_success = True
