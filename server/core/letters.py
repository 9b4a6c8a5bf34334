"""What hubs on one database say to each other over Redis: live events and who has streams open.

Others may publish there too, so a letter proves its writer: by a key that only the hubs can read (in the database they
share), and by its number and time, so that it counts once and not much later.
"""

from hashlib import blake2b
from hmac import compare_digest

import msgspec

from server.core.clock import now_ms
from server.core.peers import Peers

SEAL_BYTES = 32
LARGEST_BYTES = 4 << 20
LATE_MS = 60_000
"""How old a letter may be, by two clocks."""


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """`live` are envelopes as published, each with its channel id; `present` all who have streams open at this hub,
    `seen` who else was heard of there lately.
    """

    hub: str
    number: int
    at_ms: int
    live: tuple[tuple[str, bytes], ...] = ()
    present: tuple[str, ...] | None = None
    seen: tuple[str, ...] = ()


_encode = msgspec.msgpack.encode
_decoder = msgspec.msgpack.Decoder(Letter)


class Forged(Exception):
    """This is no letter of a hub, or one that was there before."""


class Letters:
    """Writes letters under this hub's key and reads those of its peers."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._number = 0
        self._read: dict[str, int] = {}

    @property
    def wanted(self) -> bool:
        """Whether there is anybody to write to."""
        return not self._peers.alone

    def seal(
        self,
        live: tuple[tuple[str, bytes], ...] = (),
        present: tuple[str, ...] | None = None,
        seen: tuple[str, ...] = (),
    ) -> bytes:
        """A letter to all other hubs."""
        self._number += 1
        words = _encode(Letter(self._peers.me, self._number, now_ms(), live, present, seen))
        return _seal(words, self._peers.key) + words

    def open(self, payload: bytes) -> Letter | None:
        """A peer's letter; None for an own one that comes back. Raises Forged."""
        if len(payload) > LARGEST_BYTES:
            raise Forged
        seal, words = payload[:SEAL_BYTES], payload[SEAL_BYTES:]
        try:
            letter = _decoder.decode(words)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise Forged from None
        key = self._peers.key if letter.hub == self._peers.me else self._peers.keys.get(letter.hub)
        if key is None or not compare_digest(seal, _seal(words, key)):
            raise Forged
        if letter.hub == self._peers.me:
            return None
        if letter.number <= self._read.get(letter.hub, 0) or abs(now_ms() - letter.at_ms) > LATE_MS:
            raise Forged
        self._read[letter.hub] = letter.number
        return letter


def _seal(words: bytes, key: bytes) -> bytes:
    return blake2b(words, key=key, digest_size=SEAL_BYTES).digest()
