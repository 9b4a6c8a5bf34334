"""Names and secrets that the hub makes: UUIDs in order of time, tokens, one-time codes, and their digests."""

import hashlib
import secrets
from time import time_ns
from uuid import UUID

TOKEN_PREFIX = "hub_"  # noqa: S105 - no secret: it lets scanners know ours


def new_id() -> str:
    """A UUID of version 7: ids made later sort later, which keeps a database's index dense at its end."""
    value = (time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF000 << 64) | 0x7000 << 64
    value = value & ~(0xC000 << 48) | 0x8000 << 48
    return str(UUID(int=value))


def new_token() -> str:
    """A bearer token of 256 bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_code() -> str:
    """A one-time code of 160 bits, for a link."""
    return secrets.token_urlsafe(20)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret: its SHA-256 (256 random bits need no salt and no slow hash)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
