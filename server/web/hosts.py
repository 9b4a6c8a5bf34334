"""Names by which the hub may be called; all others are refused, or a foreign page's name could be bent to its address.

A browser takes what a page of `evil.example` asks of `evil.example` for the page's own, wherever that name points to
by now; the header Host still says the name.
"""

import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

REMEMBERED = 256
"""Verdicts that are kept: the few names in use cost one look-up, and inventing names costs no memory."""


def own_names() -> set[str]:
    """What this machine calls itself: its name, and others that it gives itself in /etc/hosts."""
    name = socket.gethostname().lower()
    names = {name, name.partition(".")[0]}
    with suppress(OSError, UnicodeDecodeError):
        for line in Path("/etc/hosts").read_text("utf-8").lower().splitlines():
            words = line.partition("#")[0].split()[1:]
            # only with our own name beside them: blockers of advertisements list thousands of strangers
            if name in words:
                names.update(words)
    return names


class Hosts:
    """Judges the header Host: addresses, this machine's names, `.local` and what the settings allow; any port."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._names = {"localhost", *own_names(), *(_bare(name) for name in allowed)}
        self._verdicts: dict[str, bool] = {}

    def knows(self, host: str) -> bool:
        """Whether a request for this host is meant for this hub."""
        verdict = self._verdicts.get(host)
        if verdict is None:
            verdict = self._judge(host)
            if len(self._verdicts) < REMEMBERED:
                self._verdicts[host] = verdict
        return verdict

    def _judge(self, host: str) -> bool:
        name = _bare(host)
        if name in self._names or name.endswith((".local", ".localhost")):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True


def _bare(host: str) -> str:
    """The name or address without port, brackets and the final dot."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".") if host.count(":") < 2 else host
