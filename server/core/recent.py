"""The newest messages of a channel from Redis, never stale and never forged.

In memory stands, for each channel, the seq of the last event that changed it, known before the change is
acknowledged. A page is stored with the seq that stood there BEFORE the database was read, under a seal made with a
key that only this process has. A page is believed if its seq is still the one in memory and the seal fits: one that
a write overtook, that was lost and came back, or that somebody else wrote, is read past.
"""

import secrets
from hashlib import blake2b
from hmac import compare_digest

import msgspec

from server.core.dispatch import Dispatch
from server.core.model import Message
from server.core.peers import Peers
from server.core.ports import Log, Pages, Span

PAGE = 50
"""Messages that a cached page serves at most, the API's default; it holds one more, which tells that there are more."""

LARGEST_BYTES = 256 << 10
"""What is larger is read from the database: it would push other keys out of a small Redis."""

_decode = msgspec.json.Decoder(list[Message]).decode
_encode = msgspec.json.Encoder().encode


class Recent:
    """Reads channels' newest messages, from Redis where that can be believed."""

    def __init__(self, log: Log, pages: Pages, dispatch: Dispatch, peers: Peers) -> None:
        self._log = log
        self._pages = pages
        self._dispatch = dispatch
        self._peers = peers
        self._key = secrets.token_bytes(32)

    async def newest(self, channel_id: str, limit: int) -> list[Message]:
        """A channel's newest messages, oldest first; one more than `limit` when there are more."""
        if limit > PAGE or not self._peers.alone:  # what another hub stored a moment ago is known here in another
            return await self._log.history(channel_id, None, Span(limit))
        messages, seal = await self._pages.page(channel_id)
        if messages is not None and seal is not None and self.fits(channel_id, messages, seal):
            return _decode(messages)[-limit - 1 :]
        stamp = self._dispatch.stamp(channel_id)
        found = await self._log.history(channel_id, None, Span(PAGE))
        encoded = _encode(found)
        if len(encoded) <= LARGEST_BYTES:
            await self._pages.keep_page(channel_id, encoded, self.seal(channel_id, encoded, stamp))
        return found[-limit - 1 :]

    def seal(self, channel_id: str, messages: bytes, stamp: int) -> bytes:
        """What proves that this process read `messages` when the channel's stamp was `stamp`."""
        about = f"{channel_id}:{stamp}:".encode()
        return b"%d:%b" % (stamp, blake2b(about + messages, key=self._key, digest_size=16).hexdigest().encode())

    def fits(self, channel_id: str, messages: bytes, seal: bytes) -> bool:
        """Whether these are the channel's newest messages now."""
        return compare_digest(seal, self.seal(channel_id, messages, self._dispatch.stamp(channel_id)))
