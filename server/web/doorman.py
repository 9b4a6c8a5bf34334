"""Connections that keep the hub waiting: shown out after a while, and only so many of one address at a time.

aiohttp bounds the pause between two requests, and neither the wait for a first head nor how slowly a later one comes.
A connection waits while no whole request of it is here: before its first one, between two, in the middle of a head or
of a body. One that has an answer on its way, an open stream above all, does not wait.
"""

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic
from typing import NamedTuple

import structlog
from aiohttp import web

from server.web.connection import Connection

HEAD_S = 10.0
LOOK_S = 1.0
TELL_S = 60.0
FRESH_S = 3.0
"""Who came or asked within this time does not count as one too many: a thousand readers that come back at once are no
flood, and on a busy machine their requests are read only after a look."""

NETWORK_BITS = 64
"""Of an IPv6 address: what one household has, and any of its machines may choose from."""

_BYTES_RECEIVED = slice(128, 136)
"""Where Linux keeps `tcpi_bytes_received` in the answer to TCP_INFO."""

logger = structlog.get_logger()


class Wait(NamedTuple):
    """A connection waits since then, having received so many bytes; `head_s` is when it began to send a head."""

    since_s: float
    received: int
    head_s: float | None = None
    in_body: bool = False


class Doorman:
    """Looks once a second at the connections that are open.

    `waiting_most` may wait at the same time for one address, or for one network of IPv6; 0 is no limit. Of more, those
    that wait longest go. Addresses that `is_proxy` knows speak for many and are not counted.
    """

    def __init__(self, waiting_most: int, is_proxy: Callable[[str], bool]) -> None:
        self._waiting_most = waiting_most
        self._is_proxy = is_proxy
        self._spoken: set[web.RequestHandler] = set()
        self._lately: set[web.RequestHandler] = set()
        self._waits: dict[Connection, Wait] = {}
        self._told_s = -TELL_S

    def heard(self, connection: web.RequestHandler) -> None:
        """A whole request head came on this connection."""
        self._lately.add(connection)

    async def run(self, connections: Callable[[], list[Connection]]) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._look(connections(), monotonic())

    def _look(self, connections: list[Connection], now_s: float) -> None:
        lately, self._lately = self._lately, set()
        self._spoken |= lately
        self._spoken.intersection_update(connections)
        waiting = [connection for connection in connections if connection.waits]
        self._waits = {connection: self._wait(connection, now_s, anew=connection in lately) for connection in waiting}
        for connection, wait in self._waits.items():
            if wait.head_s is not None and now_s - wait.head_s >= HEAD_S:
                connection.force_close()
        if self._waiting_most:
            self._thin_out(now_s)

    def _wait(self, connection: Connection, now_s: float, *, anew: bool) -> Wait:
        if connection not in self._spoken:
            return self._waits.get(connection) or Wait(now_s, 0, now_s)
        received = _bytes_received(connection)
        before = self._waits.get(connection)
        if connection.in_body:
            return Wait(before.since_s if before else now_s, received, in_body=True)
        if before is None or anew or before.in_body:
            return Wait(now_s, received)
        if before.head_s is None and received > before.received:
            return before._replace(head_s=now_s)
        return before

    def _thin_out(self, now_s: float) -> None:
        by_address: defaultdict[str, list[Connection]] = defaultdict(list)
        for connection in sorted(self._waits, key=lambda one: self._waits[one].since_s):
            address = _address(connection)
            if address is not None and not self._is_proxy(address):
                by_address[_whose(address)].append(connection)
        for whose, all_of_it in by_address.items():
            stale = [connection for connection in all_of_it if now_s - self._waits[connection].since_s >= FRESH_S]
            over = min(len(all_of_it) - self._waiting_most, len(stale))
            _close(stale[: max(0, over)])
            if over > 0 and now_s - self._told_s >= TELL_S:
                self._told_s = now_s
                logger.warning("too many connections of one address wait; the oldest are closed", address=whose)


def _close(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.force_close()


def _address(connection: Connection) -> str | None:
    peer = connection.transport.get_extra_info("peername") if connection.transport is not None else None
    return peer[0] if isinstance(peer, tuple) else None


def _whose(address: str) -> str:
    """What is counted as one: an IPv4 address, or a network of IPv6."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, NETWORK_BITS), strict=False))
    return str(found)


def _bytes_received(connection: Connection) -> int:
    line = connection.transport.get_extra_info("socket") if connection.transport is not None else None
    if line is None:
        return 0
    try:
        info: bytes = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.stop)
    except OSError:
        return 0  # it has just gone
    return int.from_bytes(info[_BYTES_RECEIVED], "little")
