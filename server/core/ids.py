"""Names and secrets that the hub makes: UUIDs in order of time, tokens, one-time codes, and their digests."""

import hashlib
import random
import secrets
from time import time_ns

TOKEN_PREFIX = "hub_"  # noqa: S105 - no secret: it lets scanners know ours


_spread = random.Random(secrets.randbits(256)).getrandbits  # noqa: S311 - an id tells things apart, it hides nothing


def new_id() -> str:
    """A UUID of version 7: ids made later sort later, which keeps a database's index dense at its end.

    Asking the kernel for each one's random bits costs more than all the rest of it.
    """
    bits = _spread(74)
    value = (time_ns() // 1_000_000) << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0x2 << 62 | bits & 0x3FFFFFFFFFFFFFFF
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_token() -> str:
    """A bearer token of 256 bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_code() -> str:
    """A one-time code of 160 bits, for a link."""
    return secrets.token_urlsafe(20)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret: its SHA-256 (256 random bits need no salt and no slow hash)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
