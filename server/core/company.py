"""The hub among other hubs: their live events are as good as its own, and who is with them is not away."""

from time import monotonic

import msgspec

from server.core.attendance import Attendance
from server.core.clock import now_ms
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.events import AnyChannelEvent, ChannelPresence, live_frame, type_of
from server.core.letters import Letters
from server.core.peers import Peers
from server.core.ports import Bell, State
from server.core.presence import Presences
from server.core.signals import Echoes
from server.core.uses import Uses

REPEAT_S = 30.0
"""How often a hub says who is there though nothing has changed."""


class _Wrapper(msgspec.Struct, frozen=True):
    event: AnyChannelEvent


_wrapper = msgspec.json.Decoder(_Wrapper)


class Company:
    """Reads the others' letters, writes its own, and takes over what a hub that went leaves behind."""

    def __init__(
        self,
        peers: Peers,
        letters: Letters,
        bell: Bell,
        dispatch: Dispatch,
        echoes: Echoes,
    ) -> None:
        self._peers = peers
        self._letters = letters
        self._bell = bell
        self._dispatch = dispatch
        self._echoes = echoes
        self._present: dict[str, frozenset[str]] = {}
        self._said: frozenset[str] | None = None
        self._said_s = 0.0
        self._gone: list[frozenset[str]] = []
        self._presences: Presences | None = None
        self._attendance: Attendance | None = None
        peers.on_change.append(self._changed)

    def attend(self, presences: Presences, attendance: Attendance) -> None:
        """From now on these know what the others say."""
        self._presences, self._attendance = presences, attendance
        attendance.elsewhere = self.has

    def has(self, agent_id: str) -> bool:
        """Whether the agent has a stream open at another hub."""
        return any(agent_id in present for present in self._present.values())

    def read(self, payload: bytes) -> None:
        """Take what came. Raises Forged for what no other hub has written."""
        letter = self._letters.open(payload)
        if letter is None or self._presences is None:
            return
        for channel_id, said in letter.live:
            self._echoes.expect(said)  # it comes once more, for other programs
            self._hear(channel_id, said)
        if letter.present is not None:
            self._present[letter.hub] = frozenset(letter.present)
            self._presences.see_all((*letter.present, *letter.seen))

    def _hear(self, channel_id: str, said: bytes) -> None:
        try:
            event = _wrapper.decode(said).event
        except msgspec.DecodeError:
            return  # of another version, which knows more
        kind = type_of(event)
        self._dispatch.live(channel_id, None, kind, live_frame(kind, said))
        if isinstance(event, ChannelPresence) and self._presences is not None:
            self._presences.moved(channel_id, event.presence)

    def _changed(self) -> None:
        """Hubs came, who are to hear who is here, or went."""
        self._said = None
        for hub_id in self._present.keys() - self._peers.keys.keys():
            self._gone.append(self._present.pop(hub_id))

    async def turn(self, state: State, uses: Uses, directory: Directory) -> None:
        """Once a second: say who is here where that has changed, and look after those whose hub went."""
        if self._gone:
            await self._take_over(state)
        present = frozenset(self._dispatch.present())
        late = monotonic() - self._said_s >= REPEAT_S
        if self._peers.alone or (present == self._said and not late):
            return
        seen = frozenset(directory.agents_of(uses.since(now_ms() - int(REPEAT_S * 1000)))) if late else frozenset()
        self._said, self._said_s = present, monotonic() if late else self._said_s
        await self._bell.tell([], self._letters.seal(present=tuple(present), seen=tuple(seen)))

    async def _take_over(self, state: State) -> None:
        """One of those that are left tells of the agents that do not come back."""
        gone, self._gone = frozenset().union(*self._gone), []
        if self._presences is None or self._attendance is None or self._peers.me > min(self._peers.keys, default="~"):
            return
        self._presences.adopt(await state.all_stays())
        here = frozenset(self._dispatch.present())
        self._attendance.miss(agent_id for agent_id in gone - here if not self.has(agent_id))
