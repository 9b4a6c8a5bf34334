"""Channels and members as Redis shows them: written whole when they change or are loaded, again when they are lost.

Nothing is decided by what stands there, and nobody waits for it to be written.
"""

import asyncio
from collections.abc import Iterable
from time import monotonic

from server.core.changes import Entry
from server.core.directory import Directory
from server.core.ports import Roster, State
from server.core.stream import LEAVE

LOOK_S = 1.0
"""How often a channel that is loaded again and again is looked after."""

ROUND = 20
"""Members written anew with each look, in turn, in case somebody else has changed them."""


class Mirror:
    """Keeps `channel:{id}` and its members as the directory has them."""

    def __init__(self, directory: Directory, state: State) -> None:
        self._directory = directory
        self._state = state
        self._changed: dict[str, None] = {}
        self._loaded: dict[str, None] = {}
        self._looked_s: dict[str, float] = {}
        self._gone: list[tuple[str, str | None]] = []
        self._next = 0
        self._task: asyncio.Task[None] | None = None

    def changed(self, entry: Entry) -> None:
        """A channel or its members are different now."""
        channel_id = entry.channel_id
        if channel_id is None:
            return
        if channel_id not in self._directory.channels:
            self._gone.append((channel_id, None))
            self._changed.pop(channel_id, None)
            self._looked_s.pop(channel_id, None)
        else:
            if entry.kind == LEAVE:
                self._gone.append((channel_id, entry.agent_id))
            self._changed[channel_id] = None
        self._start()

    def changed_all(self) -> None:
        """Write every channel, as at the start."""
        self._changed.update(dict.fromkeys(self._directory.channels))
        self._start()

    def loaded(self, channel_id: str) -> None:
        """Somebody reads the channel, so its metadata is to be there."""
        now_s = monotonic()
        if now_s - self._looked_s.get(channel_id, 0.0) >= LOOK_S:
            self._looked_s[channel_id] = now_s
            self._loaded[channel_id] = None
            self._start()

    async def refill(self) -> None:
        """Write the members that have vanished, and some of the others in turn."""
        ids = list(self._directory.channels)
        lost = await self._state.lost_members(self._rosters(ids))
        self._next = self._next % len(ids) if ids else 0
        turn = ids[self._next : self._next + ROUND]
        self._next += ROUND
        await self._state.keep_members([*lost, *self._rosters(turn)])

    async def stop(self) -> None:
        """Write what is left."""
        if self._task is not None:
            await self._task

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._gone or self._changed or self._loaded:
                gone, self._gone = self._gone, []
                changed, self._changed = self._changed, {}
                loaded, self._loaded = self._loaded, {}
                for channel_id, agent_id in gone:
                    await self._remove(channel_id, agent_id)
                await self._state.keep_rosters(self._rosters(changed))
                wrong = await self._state.wrong_channels(self._rosters(loaded))
                await self._state.keep_rosters(wrong)
        finally:
            self._task = None

    async def _remove(self, channel_id: str, agent_id: str | None) -> None:
        if agent_id is None:
            await self._state.drop_channel(channel_id)
        elif self._directory.member(channel_id, agent_id) is None:
            await self._state.drop_stays([(channel_id, agent_id)])
            await self._state.stop_typing(channel_id, [agent_id])

    def _rosters(self, channel_ids: Iterable[str]) -> list[Roster]:
        channels, members = self._directory.channels, self._directory.members
        return [Roster(channels[i], tuple(members.get(i, ()))) for i in channel_ids if i in channels]
