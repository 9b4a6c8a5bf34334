"""Guessing passwords is made slow: failures are counted by account and by address, in this process alone.

Nobody is locked out: a wait is bounded, sessions stay, and from where a person has signed in before, strangers'
failures do not count.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from time import monotonic

from server.core.errors import TooMany, Unauthorized

FREE = 10
"""Failures within WINDOW_S that cost nothing."""

WINDOW_S = 15 * 60.0
FIRST_WAIT_S = 30.0
"""The wait after failure FREE; it doubles with each further one, up to WINDOW_S."""

KNOWN_MOST = 10_000
"""Names and addresses that are remembered; then the one that was quiet longest is forgotten."""

_Key = tuple[str, ...]


class Throttle:
    """Failures of the last quarter of an hour, by who is tried and by who tries."""

    def __init__(self) -> None:
        self._failures: OrderedDict[_Key, list[float]] = OrderedDict()
        self._proved: OrderedDict[_Key, None] = OrderedDict()

    @contextmanager
    def attempt(self, account: str, address: str) -> Iterator[None]:
        """Run one attempt to prove to be `account`; it is a failure if it raises Unauthorized.

        Raises TooMany before it begins when it comes too soon. It counts from its beginning, so that many at once
        are no way around.
        """
        now_s = monotonic()
        keys = self._keys(account, address)
        wait_s = max(self._wait_s(key, now_s) for key in keys)
        if wait_s > 0:
            raise TooMany("too_many_logins", "too many wrong passwords; wait before the next try", int(wait_s) + 1)
        for key in keys:
            self._count(key, now_s)
        try:
            yield
        except Unauthorized:
            raise
        except BaseException:
            self._uncount(keys, now_s)
            raise
        self._uncount(keys, now_s)
        self._prove(account, address)

    def _keys(self, account: str, address: str) -> tuple[_Key, ...]:
        place = network_of(address)
        name = _name(account)
        pair = ("pair", name, place)
        # a proxy that is not listed makes all people one address: who is known there does not wait for the others
        return (pair,) if pair in self._proved else (("account", name), ("address", place))

    def _wait_s(self, key: _Key, now_s: float) -> float:
        failures = self._failures.get(key)
        if failures is None:
            return 0.0
        failures[:] = [at for at in failures if now_s - at < WINDOW_S]
        if len(failures) < FREE:
            return 0.0
        wait_s = min(FIRST_WAIT_S * 2.0 ** (len(failures) - FREE), WINDOW_S)
        return failures[-1] + wait_s - now_s

    def _count(self, key: _Key, now_s: float) -> None:
        self._failures.setdefault(key, []).append(now_s)
        self._failures.move_to_end(key)
        if len(self._failures) > KNOWN_MOST:
            self._failures.popitem(last=False)

    def _uncount(self, keys: tuple[_Key, ...], now_s: float) -> None:
        for key in keys:
            failures = self._failures.get(key, [])
            if now_s in failures:
                failures.remove(now_s)
            if not failures:
                self._failures.pop(key, None)

    def _prove(self, account: str, address: str) -> None:
        self._failures.pop(("account", _name(account)), None)
        pair = ("pair", _name(account), network_of(address))
        self._failures.pop(pair, None)
        self._proved[pair] = None
        self._proved.move_to_end(pair)
        if len(self._proved) > KNOWN_MOST:
            self._proved.popitem(last=False)


def _name(account: str) -> str:
    return account[:64].lower()  # no longer than an id: what is remembered is bounded


def network_of(address: str) -> str:
    """Who an address counts as: an IPv6 customer has a whole /64."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return ip.exploded[:19] if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None else str(ip)
