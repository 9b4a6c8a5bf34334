"""Who is at the other end: address, TLS and host, by the connection itself or as a listed proxy tells it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec
from aiohttp import hdrs, web

_Network = IPv4Network | IPv6Network

FORWARDING = frozenset({"forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip"})


class Peer(msgspec.Struct, frozen=True):
    """The other end of a request. `proxied` says that a listed proxy is in between."""

    address: str
    secure: bool
    host: str | None
    proxied: bool = False


class Proxies:
    """The listed proxies, whose forwarding headers are believed; nobody else's are.

    Raises ValueError for what is no address and no network.
    """

    def __init__(self, trusted: Sequence[str] = (), login_header: str = "") -> None:
        self._trusted: tuple[_Network, ...] = tuple(ip_network(word.strip(), strict=False) for word in trusted)
        self._login_header = login_header

    def peer(self, request: web.Request) -> Peer:
        """Who sent this request."""
        address, host = request.remote or "", request.headers.get(hdrs.HOST)
        if not self._trusted or not self.listed(address):
            return Peer(address, request.secure, host)
        scheme = _last(request, "X-Forwarded-Proto")
        return Peer(
            self._client(request, address),
            request.secure if scheme is None else scheme.lower() == "https",
            _last(request, "X-Forwarded-Host") or host,
            proxied=True,
        )

    def person(self, request: web.Request, peer: Peer) -> str | None:
        """Whom a listed proxy has signed in, if it is trusted with that."""
        if not peer.proxied or not self._login_header:
            return None
        return request.headers.get(self._login_header)

    def _client(self, request: web.Request, address: str) -> str:
        """The nearest address that is no listed proxy: what stands left of it anybody may have written."""
        for word in reversed(",".join(request.headers.getall("X-Forwarded-For", ())).split(",")):
            hop = word.strip()
            if _address(hop) is None:
                break
            address = hop
            if not self.listed(hop):
                break
        return address

    def listed(self, address: str) -> bool:
        """Whether this is one of them."""
        ip = _address(address)
        return ip is not None and any(ip in network for network in self._trusted)


def is_forwarded(request: web.Request) -> bool:
    """Whether any proxy, listed or not, says that it stands in between."""
    return any(name.lower() in FORWARDING or name.lower().startswith("x-forwarded-") for name in request.headers)


def _last(request: web.Request, name: str) -> str | None:
    """The value that the nearest proxy has set."""
    values = request.headers.getall(name, ())
    return values[-1].rpartition(",")[2].strip() or None if values else None


def _address(word: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(word)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip
