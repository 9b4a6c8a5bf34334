"""Whose certificates this client believes: the system's, a private authority's, or the installed hub's very own."""

import ssl
from pathlib import Path
from typing import NamedTuple


class Trust(NamedTuple):
    """`file` is PEM: with `pinned` the one certificate that is believed, else an authority beside the system's."""

    file: Path
    pinned: bool


def context(trust: Trust) -> ssl.SSLContext:
    """What a connection is made with. Raises OSError when the file is none or has no certificate."""
    if trust.pinned:
        return pinned(trust.file)
    made = ssl.create_default_context()
    made.load_verify_locations(trust.file)
    return made


def pinned(file: Path) -> ssl.SSLContext:
    """Believes this very certificate, by whatever name or address the hub is called, and no other."""
    made = ssl.create_default_context(cafile=str(file))
    made.check_hostname = False
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made
