"""A stream ends when the token or session that opened it runs out, not only when somebody revokes that."""

import asyncio

from server.core.clock import now_ms
from server.core.hub import Hub
from server.core.stream import Stream

LOOK_S = 3600.0
"""Far-off ends are looked at again after this long; timers do not reach for ever."""


class Expiry:
    """Ends one stream in time; `cancel` when it is over before."""

    def __init__(self, hub: Hub, stream: Stream) -> None:
        self._hub = hub
        self._stream = stream
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    def cancel(self) -> None:
        """Forget the stream."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        expires_at = self._hub.expires_at(self._stream.credential)
        if expires_at is None:
            return
        left_s = (expires_at - now_ms()) / 1000
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(min(left_s, LOOK_S), self._look)
            return
        self._hub.dispatch.leave(self._stream)
        self._stream.end("credential_expired")
