"""Where the hub listens: plain HTTP, or HTTPS that also answers those who came to its port without TLS.

Whoever types a hub's name and port into a browser comes without TLS, and would see a broken connection. So the first
byte of a connection decides: a TLS handshake begins with 22, and no request does.
"""

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

from aiohttp import web

BACKLOG = 4096
HANDSHAKE = b"\x16"
FIRST_BYTE_S = 10.0
PAUSE_S = 0.1
"""How long accepting rests when the machine has no descriptor left for another connection."""


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate. Raises OSError (ssl.SSLError is one) when the files do not do."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def pinned(cert: Path) -> ssl.SSLContext:
    """For a client on this machine: believes this very certificate, whatever name it calls the hub by, and no other."""
    context = ssl.create_default_context(cafile=str(cert))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


async def open_site(runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext | None) -> int:
    """Listen, with TLS where there is a context, until the runner ends; the port. Raises OSError when it is taken."""
    site = (
        web.TCPSite(runner, host, port, backlog=BACKLOG) if context is None else EitherSite(runner, host, port, context)
    )
    await site.start()
    return int(runner.addresses[0][1])


class EitherSite(web.BaseSite):
    """Listens for TLS and for plain HTTP on one port; what a request without TLS gets is the application's to say."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(runner, ssl_context=context, backlog=BACKLOG)
        self._host, self._port, self._context = host, port, context

    @property
    def name(self) -> str:
        """For aiohttp's messages."""
        return f"https://{self._host}:{self._port}"

    async def start(self) -> None:
        """Bind every address of the host."""
        await super().start()
        assert self._runner.server is not None
        sockets = await _bound(self._host, self._port)
        # All that aiohttp wants of a server are its sockets, and that it closes.
        self._server = Door(self._runner.server, sockets, self._context)  # type: ignore[assignment]


class Door:
    """Accepts connections and finds out which kind each is."""

    def __init__(self, protocols: web.Server, sockets: list[socket.socket], context: ssl.SSLContext) -> None:
        self.sockets = sockets
        self._protocols = protocols
        self._context = context
        self._looking: set[asyncio.Task[None]] = set()
        self._accepting = [asyncio.create_task(self._accept(one)) for one in sockets]

    def close(self) -> None:
        """Stop accepting; connections that are made already live on."""
        for task in (*self._accepting, *self._looking):
            task.cancel()
        for one in self.sockets:
            one.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(PAUSE_S)
                continue
            task = loop.create_task(self._take(connection))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def _take(self, connection: socket.socket) -> None:
        """Hand the connection over; one that is gone, silent or no TLS after all is nobody's loss."""
        loop = asyncio.get_running_loop()
        taken = False
        try:
            async with asyncio.timeout(FIRST_BYTE_S):
                first = await _first_byte(connection)
                context = self._context if first == HANDSHAKE else None
                if first:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    await loop.connect_accepted_socket(self._protocols, connection, ssl=context)
                    taken = True
        except (OSError, TimeoutError):
            pass
        finally:
            if not taken:
                connection.close()


async def _first_byte(connection: socket.socket) -> bytes:
    """What the other end says first, left to be read; nothing when it said nothing and went."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(connection, _settle, readable)
    try:
        await readable
        return connection.recv(1, socket.MSG_PEEK)
    finally:
        loop.remove_reader(connection)


def _settle(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)


async def _bound(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address that the host has, all on one port, as asyncio's own servers have."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as undoing:
        for family, _, _, _, address in dict.fromkeys(found):
            chosen = (address[0], sockets[0].getsockname()[1] if sockets else port, *address[2:])
            one = socket.create_server(chosen, family=family, backlog=BACKLOG)
            undoing.callback(one.close)
            one.setblocking(False)
            sockets.append(one)
        undoing.pop_all()
    return sockets
