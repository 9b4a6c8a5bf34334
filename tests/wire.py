"""A hostile client: bytes on a connection as no library would send them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.hub import HubProcess


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def sends(self, raw: bytes) -> None:
        """Send as it is; a connection that is closed by now is no surprise."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(raw)
            await self._writer.drain()

    async def hears(self, timeout_s: float = 15.0) -> bytes:
        """All that comes until the other side closes."""
        async with asyncio.timeout(timeout_s):
            with contextlib.suppress(ConnectionError):
                return await self._reader.read()
        return b""

    async def hears_bytes(self, count: int, timeout_s: float = 15.0) -> bytes:
        """So many bytes."""
        async with asyncio.timeout(timeout_s):
            return await self._reader.readexactly(count)

    @property
    def is_closed(self) -> bool:
        """Whether the other side has closed."""
        return self._reader.at_eof() or self._reader.exception() is not None

    async def hears_head(self, timeout_s: float = 15.0) -> bytes:
        """The head of an answer."""
        async with asyncio.timeout(timeout_s):
            return await self._reader.readuntil(b"\r\n\r\n")


@contextlib.asynccontextmanager
async def wire(hub: HubProcess) -> AsyncIterator[Wire]:
    """An open connection to the hub."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def status_of(head: bytes) -> int:
    """The status in an answer's first line."""
    return int(head.split(b" ", 2)[1])
