"""Channels and members as Redis shows them: written whole when they change or are loaded, again when they are lost.

Nothing is decided by what stands there, and nobody waits for it to be written.
"""

import asyncio
from collections.abc import Iterable
from time import monotonic

from server.core.directory import Directory
from server.core.model import PROBE
from server.core.ports import Roster, State

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
        self._left: list[tuple[str, str]] = []
        self._ended: list[str] = []
        self._next = 0
        self._task: asyncio.Task[None] | None = None

    def changed(self, channel_id: str) -> None:
        """A channel or its members are different now."""
        self._changed[channel_id] = None
        self._start()

    def left(self, channel_id: str, agent_id: str) -> None:
        """Somebody is no longer a member."""
        self._left.append((channel_id, agent_id))
        self._start()

    def ended(self, channel_id: str, agent_ids: Iterable[str]) -> None:
        """A channel is no more; these agents had a presence in it."""
        self._ended.append(channel_id)
        self._left.extend((channel_id, agent_id) for agent_id in agent_ids)
        self._looked_s.pop(channel_id, None)
        self._start()

    def changed_all(self) -> None:
        """Write every channel, as at the start."""
        self._changed.update(dict.fromkeys(self._shown()))
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
        ids = self._shown()
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
            while self._left or self._ended or self._changed or self._loaded:
                left, self._left = self._left, []
                ended, self._ended = self._ended, []
                changed, self._changed = self._changed, {}
                loaded, self._loaded = self._loaded, {}
                await self._remove(left, ended)
                await self._state.keep_rosters(self._rosters(changed))
                wrong = await self._state.wrong_channels(self._rosters(loaded))
                await self._state.keep_rosters(wrong)
        finally:
            self._task = None

    async def _remove(self, left: Iterable[tuple[str, str]], ended: Iterable[str]) -> None:
        away = [place for place in left if place[0] in ended or self._directory.member(*place) is None]
        await self._state.drop_stays(away)
        for channel_id, agent_id in away:
            await self._state.stop_typing(channel_id, [agent_id])
        for channel_id in ended:
            await self._state.drop_channel(channel_id)

    def _shown(self) -> list[str]:
        """All channels but the canary's, which is nobody's business."""
        return [channel.id for channel in self._directory.channels.values() if channel.created_by != PROBE]

    def _rosters(self, channel_ids: Iterable[str]) -> list[Roster]:
        channels, members = self._directory.channels, self._directory.members
        return [Roster(channels[i], tuple(members.get(i, ()))) for i in channel_ids if i in channels]
