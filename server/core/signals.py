"""Events that are heard and not kept (presence, typing): to readers at once, then to Redis behind their back.

What this hub says there comes back to it on its own subscription; it is known again by its exact bytes, so that
nobody hears it twice and what others say is told from it.
"""

from collections import OrderedDict
from time import monotonic

from server.core.clock import now_ms
from server.core.dispatch import Dispatch
from server.core.events import ChannelPresence, ChannelTyping, Envelope, encode, live_frame, type_of
from server.core.letters import Letters
from server.core.outbox import Outbox
from server.core.ports import Bell

ECHO_S = 10.0
"""How long an own word is expected back; a subscription that is silent for less than that is given up."""

ECHOES = 20_000
OUTBOX = 10_000
"""Words that wait for Redis at most; live ones lose their worth with time, so the oldest go."""


class Echoes:
    """What this hub has said and not yet heard back, bounded in number and time."""

    def __init__(self) -> None:
        self._expected: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def expect(self, payload: bytes) -> None:
        """It was said once more."""
        times, _ = self._expected.pop(payload, (0, 0.0))
        self._expected[payload] = (times + 1, monotonic() + ECHO_S)
        while len(self._expected) > ECHOES or self._oldest_is_over():
            self._expected.popitem(last=False)

    def _oldest_is_over(self) -> bool:
        return next(iter(self._expected.values()))[1] < monotonic()

    def heard(self, payload: bytes) -> bool:
        """Whether this is an own word that comes back, each time it was said one time."""
        times, until_s = self._expected.pop(payload, (0, 0.0))
        if times > 1:
            self._expected[payload] = (times - 1, until_s)
            self._expected.move_to_end(payload, last=False)
        return bool(times)


class Signals:
    """Says live events; returns at once, Redis or not."""

    def __init__(self, dispatch: Dispatch, bell: Bell, echoes: Echoes, letters: Letters) -> None:
        self._dispatch = dispatch
        self._bell = bell
        self._echoes = echoes
        self._letters = letters
        self._outbox = Outbox(self._publish, OUTBOX)

    def say(self, event: ChannelPresence | ChannelTyping, sender_id: str, arrived_s: float = 0.0) -> None:
        """Tell the channel's readers; `arrived_s` is when the request came, 0 where nothing is to be measured."""
        channel_id, kind = event.channel_id, type_of(event)
        payload = encode(Envelope(event=event, timestamp=now_ms(), channel_id=channel_id, sender_id=sender_id))
        self._dispatch.live(channel_id, None, kind, live_frame(kind, payload), arrived_s)
        self._outbox.put([(channel_id, payload)])

    async def stop(self) -> None:
        """Publish what is left."""
        await self._outbox.stop()

    async def _publish(self, some: list[tuple[str, bytes]]) -> None:
        for _, payload in some:
            self._echoes.expect(payload)
        letter = self._letters.seal(tuple(some)) if self._letters.wanted else b""
        await self._bell.tell(some, letter)
