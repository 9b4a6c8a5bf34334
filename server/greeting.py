"""What the hub prints for whoever started it: its address and the one-time link, on standard output alone."""

import sys
from ipaddress import ip_address

import segno


def address_of(host: str, port: int, *, tls: bool) -> str:
    """The hub's address, with a closing slash."""
    shown = f"[{host}]" if ":" in host else host
    return f"http{'s' if tls else ''}://{shown}:{port}/"


def greet(address: str) -> None:
    """Say where the hub is."""
    _say("The hub is open at", address)


def offer(address: str, code: str) -> None:
    """Print the one-time link; on a terminal, where a phone could follow it, with a QR code."""
    link = f"{address}welcome#{code}"
    _say("Nobody is here yet; this link makes the first account, within 15 minutes:", link)
    if sys.stdout.isatty() and _from_elsewhere(address):
        segno.make(link, error="l", micro=False).terminal(sys.stdout, compact=True)


def _from_elsewhere(address: str) -> bool:
    """Whether the address leads here from another machine too."""
    host = address.partition("://")[2].rpartition(":")[0].strip("[]")
    try:
        ip = ip_address(host)
    except ValueError:
        return host != "localhost"
    return not ip.is_loopback and not ip.is_unspecified


def _say(words: str, line: str) -> None:
    """Print `line` by itself, for the person or script that started the hub, and never log it; a person gets words."""
    if sys.stdout.isatty():
        print(words, flush=True)  # noqa: T201
    print(line, flush=True)  # noqa: T201
