"""Who types, in each channel: an entry lasts ten seconds from its start, then readers are told that it stopped."""

from collections.abc import Callable

import msgspec

from server.core.clock import now_ms
from server.core.directory import Directory
from server.core.events import ChannelTyping
from server.core.ports import State
from server.core.signals import Signals
from server.core.stats import Stats

AHEAD_MS = 1_000
"""How far another hub's clock may be ahead."""


class _Start(msgspec.Struct, frozen=True):
    at_ms: int
    thread_id: str | None


class Typists:
    """Everyone who types as far as this hub was told; Redis adds what other hubs were told."""

    def __init__(
        self,
        directory: Directory,
        signals: Signals,
        state: State,
        stats: Stats,
        *,
        ttl_s: float,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._directory = directory
        self._signals = signals
        self._state = state
        self._stats = stats
        self._ttl_ms = int(ttl_s * 1000)
        self._clock = clock
        self._starts: dict[str, dict[str, _Start]] = {}

    async def start(self, channel_id: str, agent_id: str, thread_id: str | None, arrived_s: float) -> None:
        """The agent types, or still does."""
        start = _Start(self._clock(), thread_id)
        self._starts.setdefault(channel_id, {})[agent_id] = start
        self._say(channel_id, agent_id, thread_id, started=True, arrived_s=arrived_s)
        await self._state.start_typing(channel_id, agent_id, start.at_ms)

    async def stop(self, channel_id: str, agent_id: str, thread_id: str | None, arrived_s: float) -> None:
        """The agent no longer types."""
        self._forget(channel_id, agent_id)
        self._say(channel_id, agent_id, thread_id, started=False, arrived_s=arrived_s)
        await self._state.stop_typing(channel_id, [agent_id])

    async def of(self, channel_id: str) -> list[str]:
        """Ids of the members that type now, in order of their ids."""
        now = self._clock()
        elsewhere = await self._state.typing(channel_id, now - self._ttl_ms, now + AHEAD_MS)
        here = [agent_id for agent_id, start in self._starts.get(channel_id, {}).items() if self._lasts(start, now)]
        members = self._directory.members.get(channel_id, {})
        return sorted(agent_id for agent_id in {*here, *elsewhere} if agent_id in members)

    async def sweep(self) -> None:
        """Announce as stopped what is older than its time."""
        now = self._clock()
        for channel_id, starts in list(self._starts.items()):
            over = {agent_id: start for agent_id, start in starts.items() if not self._lasts(start, now)}
            for agent_id, start in over.items():
                self._forget(channel_id, agent_id)
                if self._directory.member(channel_id, agent_id) is not None:
                    self._say(channel_id, agent_id, start.thread_id, started=False)
                    self._stats.expiry("typing", (now - start.at_ms - self._ttl_ms) / 1000)
            if over:
                await self._state.stop_typing(channel_id, list(over))

    def shift(self, by_ms: int) -> None:
        """The wall clock was set: what was begun lasts as long as it would have."""
        for starts in self._starts.values():
            for agent_id, start in starts.items():
                starts[agent_id] = msgspec.structs.replace(start, at_ms=start.at_ms + by_ms)

    def forget(self, channel_id: str, agent_id: str) -> None:
        """It is no longer a member: nothing is told of it any more."""
        self._forget(channel_id, agent_id)

    def _lasts(self, start: _Start, now: int) -> bool:
        return now - start.at_ms < self._ttl_ms

    def _forget(self, channel_id: str, agent_id: str) -> None:
        starts = self._starts.get(channel_id, {})
        starts.pop(agent_id, None)
        if not starts:
            self._starts.pop(channel_id, None)

    def _say(
        self, channel_id: str, agent_id: str, thread_id: str | None, *, started: bool, arrived_s: float = 0.0
    ) -> None:
        event = ChannelTyping(channel_id=channel_id, agent_id=agent_id, started=started, thread_id=thread_id)
        self._signals.say(event, agent_id, arrived_s)
