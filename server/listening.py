"""Where the hub listens: plain HTTP, or HTTPS that also answers those who came to its port without TLS.

Whoever types a hub's name and port into a browser comes without TLS, and would see a broken connection. So the first
byte of a connection decides: a TLS handshake begins with 22, and no request does.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from aiohttp import web

BACKLOG = 4096
HANDSHAKE = b"\x16"
FIRST_BYTE_S = 10.0
FRESH_S = 2.0
NETWORK_BYTES = 8
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


async def open_site(runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext | None, most: int = 0) -> int:
    """Listen, with TLS where there is a context, until the runner ends; the port. Raises OSError when it is taken.

    With TLS at most `most` connections of one address may be on their way in at the same time; 0 is no limit.
    """
    site: web.BaseSite
    if context is None:
        site = web.TCPSite(runner, host, port, backlog=BACKLOG)
    else:
        site = EitherSite(runner, (host, port), context, most)
    await site.start()
    return int(runner.addresses[0][1])


class EitherSite(web.BaseSite):
    """Listens for TLS and for plain HTTP on one port; what a request without TLS gets is the application's to say."""

    def __init__(self, runner: web.AppRunner, place: tuple[str, int], context: ssl.SSLContext, most: int) -> None:
        super().__init__(runner, ssl_context=context, backlog=BACKLOG)
        self._host, self._port = place
        self._context = context
        self._most = most

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
        self._server = Door(self._runner.server, sockets, self._context, self._most)  # type: ignore[assignment]


class Arrival(NamedTuple):
    """A connection that is not in yet: whose it is, and since when."""

    whose: bytes
    at_s: float


class Door:
    """Accepts connections and finds out which kind each is.

    Of more than `most` of one address (of one network of IPv6) that are not in yet, the oldest goes, unless it has just
    come: a thousand clients of one machine that return together are no attack.
    """

    def __init__(self, protocols: web.Server, sockets: list[socket.socket], context: ssl.SSLContext, most: int) -> None:
        self.sockets = sockets
        self._protocols = protocols
        self._context = context
        self._most = most
        self._looking: dict[asyncio.Task[None], Arrival] = {}
        self._of: Counter[bytes] = Counter()
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
                connection, peer = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(PAUSE_S)
                continue
            task = loop.create_task(self._take(connection))
            whose = _whose(peer[0])
            self._looking[task] = Arrival(whose, monotonic())
            self._of[whose] += 1
            task.add_done_callback(self._forget)
            if self._most and self._of[whose] > self._most:
                self._turn_away(whose)

    def _forget(self, task: asyncio.Task[None]) -> None:
        whose = self._looking.pop(task).whose
        self._of[whose] -= 1
        if not self._of[whose]:
            del self._of[whose]

    def _turn_away(self, whose: bytes) -> None:
        task, arrival = next((task, one) for task, one in self._looking.items() if one.whose == whose)
        if monotonic() - arrival.at_s > FRESH_S:
            task.cancel()

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


def _whose(address: str) -> bytes:
    """What is counted as one: an IPv4 address, or what one household has of IPv6."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).packed[:NETWORK_BYTES]


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
