"""Who has a stream open: `agent.joined` with the first one, `agent.left` when the last one has been over for a while.

A client that comes back within ten seconds says nothing, nobody is told of the same agent twice in a second, and who
arrives together is told of together: a thousand clients coming back are a few events, not a thousand.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from time import monotonic

from server.core.changes import Decision, Outgoing
from server.core.clock import now_ms
from server.core.errors import HubError
from server.core.events import AgentJoined, AgentLeft, GlobalPart
from server.core.hub import OPERATOR
from server.core.model import PROBE
from server.core.writer import Writer

GATHER_S = 0.1
ABSENCE_S = 10.0
PACE_S = 1.0
NAMES = 100
"""Agents in one event at most."""

LOG = logging.getLogger(__name__)


class Attendance:
    """Follows streams by `came` and `went`; `sweep` is to be called every moment or so."""

    def __init__(self, writer: Writer, *, absence_s: float = ABSENCE_S, clock: Callable[[], float] = monotonic) -> None:
        self._writer = writer
        self._absence_s = absence_s
        self._clock = clock
        self.elsewhere: Callable[[str], bool] = lambda _agent_id: False
        """Whether an agent has a stream open at another hub: then nothing is told of the one here."""
        self._here: dict[str, float] = {}
        self._arriving: dict[str, None] = {}
        self._leaving: dict[str, float] = {}
        self._left: dict[str, float] = {}
        self._scheduled: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None

    def came(self, agent_id: str) -> None:
        """Its first stream is open."""
        if self._leaving.pop(agent_id, None) is not None or agent_id in self._here or agent_id == PROBE:
            return
        if self.elsewhere(agent_id):
            self._here[agent_id] = self._clock()
            return
        self._arriving[agent_id] = None
        if self._scheduled is None:
            self._scheduled = asyncio.get_running_loop().call_later(GATHER_S, self._gathered)

    def went(self, agent_id: str) -> None:
        """Its last stream is over."""
        if agent_id == PROBE:
            return
        self._leaving[agent_id] = self._clock()

    def miss(self, agent_ids: Iterable[str]) -> None:
        """These were with a hub that went; unless they come here, they have left."""
        now_s = self._clock()
        for agent_id in agent_ids:
            self._here.setdefault(agent_id, now_s)
            self._leaving.setdefault(agent_id, now_s)

    async def stop(self) -> None:
        """Say nothing more; what is being said is said."""
        if self._scheduled is not None:
            self._scheduled.cancel()
        if self._telling is not None:
            await self._telling

    def _gathered(self) -> None:
        self._scheduled = None
        self.sweep()

    def sweep(self) -> None:
        """Tell of those whose time has come."""
        if self._telling is None and (self._arriving or self._leaving or self._left):
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        try:
            now_s = self._clock()
            self._left = {agent_id: at_s for agent_id, at_s in self._left.items() if now_s - at_s < PACE_S}
            joined = [agent_id for agent_id in self._arriving if agent_id not in self._left]
            left = [agent_id for agent_id, at_s in self._leaving.items() if self._is_over(agent_id, at_s, now_s)]
            if not joined and not left:
                return
            for agent_id in joined:
                del self._arriving[agent_id]
                self._here[agent_id] = now_s
            for agent_id in left:
                del self._leaving[agent_id]
                self._here.pop(agent_id, None)
                self._left[agent_id] = now_s
            await self._say(joined, [agent_id for agent_id in left if not self.elsewhere(agent_id)])
        finally:
            self._telling = None

    def _is_over(self, agent_id: str, at_s: float, now_s: float) -> bool:
        return agent_id in self._here and now_s - at_s >= self._absence_s

    async def _say(self, joined: Iterable[str], left: Iterable[str]) -> None:
        at = now_ms()
        events = [AgentJoined(data=part) for part in _parts(joined)] + [AgentLeft(data=part) for part in _parts(left)]
        decision = Decision((), tuple(Outgoing(event, at, OPERATOR) for event in events))
        try:
            await self._writer.submit(lambda: decision)
        except HubError as error:
            LOG.warning("could not tell who joined or left: %s", error.detail)


def _parts(agent_ids: Iterable[str]) -> list[GlobalPart]:
    ids = tuple(agent_ids)
    return [GlobalPart(affected_agents=ids[start : start + NAMES]) for start in range(0, len(ids), NAMES)]
