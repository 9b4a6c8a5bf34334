"""A wire between browser and hub that counts what goes over it, and may be as long as a phone's."""

import asyncio
import re
import threading
from collections.abc import Callable

REQUEST = re.compile(rb"^[A-Z]+ (\S+) HTTP/1\.1\r\n", re.MULTILINE)
READ_BYTES = 1 << 16


class Wire:
    """Forwards connections to the hub at `port`; each byte is `delay_s` under way in either direction."""

    def __init__(self, port: int, delay_s: float = 0.0) -> None:
        self.asked: list[str] = []
        """The paths that were asked for, the shared worker's included."""
        self.received = 0
        """Bytes that went to the browser, heads included."""
        self._port = port
        self._open = True
        self._delay_s = delay_s
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def forget(self) -> None:
        """Begin to count anew."""
        self.asked.clear()
        self.received = 0

    def cut(self) -> None:
        """Cut all connections and take none."""
        self._open = False
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def mend(self) -> None:
        """Take connections again."""
        self._open = True

    def close(self) -> None:
        """Cut all connections for good."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        for source, target, count in ((reader, back, self._count_asked), (there, writer, self._count_received)):
            task = asyncio.ensure_future(self._carry(source, target, count))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, count: Callable[[bytes], None]
    ) -> None:
        try:
            while data := await source.read(READ_BYTES):
                count(data)
                if self._delay_s:
                    self._loop.call_later(self._delay_s, target.write, data)
                else:
                    target.write(data)
        except ConnectionError:
            pass  # one side is gone: so is the other
        finally:
            self._loop.call_later(self._delay_s, target.close)

    def _count_asked(self, data: bytes) -> None:
        self.asked.extend(path.decode() for path in REQUEST.findall(data))

    def _count_received(self, data: bytes) -> None:
        self.received += len(data)
