"""What is heard on Redis: our own echo is passed over, what others say is checked and told as foreign."""

import logging
from collections.abc import Callable
from time import monotonic

from server.bus.keys import Names
from server.core import foreign
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.letters import Forged
from server.core.peers import Peers
from server.core.signals import Echoes
from server.core.stats import Stats

NOTE_S = 60.0

LOG = logging.getLogger(__name__)


class Listener:
    """Turns what Redis says into rings and into live foreign events."""

    def __init__(
        self, names: Names, dispatch: Dispatch, directory: Directory, stats: Stats, echoes: Echoes, peers: Peers
    ) -> None:
        self._names = names
        self._peers = peers
        self._echoes = echoes
        self._dispatch = dispatch
        self._directory = directory
        self._stats = stats
        self._silent_until_s = 0.0
        self.on_letter: Callable[[bytes], None] = lambda _payload: None

    def heard(self, name: bytes, payload: bytes) -> None:
        """Take one message: our own echo was told when it was committed, all else is foreign."""
        if name == self._names.hubs:
            self._letter(payload)
            return
        seq = claimed_seq(payload)
        entry = self._dispatch.entry(seq) if seq else None
        if (entry is not None and entry.payload == payload) or self._echoes.heard(payload):
            return
        if seq > self._dispatch.head and not self._peers.alone:
            self._dispatch.ring(seq)  # another hub's, or a lie: the database knows, and what it has is told from there
            return
        try:
            self._foreign(name, payload)
            self._stats.foreign["delivered"] += 1
        except foreign.Dropped as dropped:
            self._stats.foreign[dropped.reason] += 1
            self._note(dropped.reason)

    def _letter(self, payload: bytes) -> None:
        try:
            self.on_letter(payload)
        except Forged:
            self._stats.foreign["forged_letter"] += 1
            self._note("forged_letter")

    def _note(self, reason: str) -> None:
        """Log that something was dropped, once a minute at most: whoever publishes nonsense shall not fill the disk."""
        now_s = monotonic()
        if now_s >= self._silent_until_s:
            self._silent_until_s = now_s + NOTE_S
            LOG.warning("an event from outside was dropped (%s); /metrics counts them all", reason)

    def _foreign(self, name: bytes, payload: bytes) -> None:
        channel_id, agent_id = self._names.channel_in(name), self._names.agent_in(name)
        if channel_id is not None and channel_id not in self._directory.channels:
            raise foreign.Dropped("unknown_channel")
        if agent_id is not None and agent_id not in self._directory.agents:
            raise foreign.Dropped("unknown_agent")
        kind, frame = foreign.accept(foreign.Audience(channel_id, agent_id), payload)
        self._dispatch.live(channel_id, agent_id, kind, frame)


def claimed_seq(payload: bytes) -> int:
    """The number that an envelope begins with, 0 when it does not; nothing else of it is read."""
    if not payload.startswith(b'{"seq":'):
        return 0
    digits = payload[7:27].partition(b",")[0]
    return int(digits) if digits.isdigit() else 0
