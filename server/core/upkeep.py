"""What happens by itself: presences and typing that run out, signs of life, and keys that Redis has lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from server.core.attendance import Attendance
from server.core.changes import Entry
from server.core.clock import Jumps
from server.core.dispatch import Dispatch
from server.core.mirror import Mirror
from server.core.ports import State
from server.core.presence import Presences
from server.core.stream import DELETE, LEAVE
from server.core.typists import Typists

SWEEP_S = 0.25
RENEW_S = 1.0
ALIVE_S = 30.0
"""How often an open stream counts as a sign of life."""

REFILL_S = 5.0
"""How often Redis is asked for what it may have lost; FLUSHALL is made good within twice that."""

_ROSTER = frozenset(
    {
        "channel.member.join",
        "channel.member.update",
        LEAVE,
        "channel.update",
        "channel.archive",
        DELETE,
    }
)

LOG = logging.getLogger(__name__)


class Upkeep:
    """Turns all of it; a failure of one turn is logged and the next one comes."""

    def __init__(
        self,
        dispatch: Dispatch,
        presences: Presences,
        typists: Typists,
        attendance: Attendance,
        mirror: Mirror,
        state: State,
        meeting: Callable[[], Awaitable[None]],
    ) -> None:
        self._dispatch = dispatch
        self._presences = presences
        self._typists = typists
        self._attendance = attendance
        self._mirror = mirror
        self._state = state
        self._meeting = meeting
        self._jumps = Jumps()
        dispatch.on_channel = self.changed
        dispatch.on_first = attendance.came
        dispatch.on_last = self._went

    def changed(self, entry: Entry) -> None:
        """Follow an event that changed who is in a channel, or the channel itself."""
        channel_id = entry.channel_id
        if channel_id is None or entry.kind not in _ROSTER:
            return
        if entry.kind == DELETE:
            self._mirror.ended(channel_id, self._presences.forget_channel(channel_id))
            return
        if entry.kind == LEAVE and entry.agent_id is not None:
            self._presences.forget(channel_id, entry.agent_id)
            self._typists.forget(channel_id, entry.agent_id)
            self._mirror.left(channel_id, entry.agent_id)
        self._mirror.changed(channel_id)

    def _went(self, agent_id: str) -> None:
        self._presences.gone(agent_id)
        self._attendance.went(agent_id)

    async def run(self) -> None:
        """Until cancelled."""
        self._mirror.changed_all()
        self._presences.adopt(await self._state.all_stays())
        turns = (
            (SWEEP_S, self._sweep),
            (RENEW_S, self._presences.renew),
            (RENEW_S, self._meeting),
            (ALIVE_S, self._see_streams),
            (REFILL_S, self._refill),
        )
        async with asyncio.TaskGroup() as group:
            for every_s, turn in turns:
                group.create_task(_repeat(every_s, turn))

    async def _sweep(self) -> None:
        jumped_ms = self._jumps.since_last()
        if jumped_ms:
            LOG.warning("the clock of this machine was set by %+.0f s", jumped_ms / 1000)
            self._typists.shift(jumped_ms)
            await self._presences.shift(jumped_ms)
        self._attendance.sweep()
        await self._typists.sweep()
        await self._presences.sweep()

    async def _see_streams(self) -> None:
        self._presences.see_all(self._dispatch.present())

    async def _refill(self) -> None:
        await self._presences.refill()
        await self._mirror.refill()


async def _repeat(every_s: float, turn: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            await turn()
        except Exception:
            LOG.exception("a turn of the upkeep failed")
