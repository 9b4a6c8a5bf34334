"""Who is here, in each channel: held in memory, written to Redis for others, and ended when its time runs out.

A change is told at once, but each agent's at most once a second in a channel, the last one winning; what was told
within ten seconds is not told again, so that a client that comes back says nothing new.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from heapq import heappop, heappush

import msgspec

from server.core.clock import now_ms
from server.core.directory import Directory
from server.core.events import ChannelPresence, PresencePart
from server.core.ports import State, Stay
from server.core.signals import Signals
from server.core.stats import Stats

PACE_MS = 1_000
REPEAT_MS = 10_000
ABSENCE_MS = 45_000
"""How long an agent stays as it was after its last stream, when nothing else shows that it lives."""

Place = tuple[str, str]
"""A channel id and an agent id."""


class _Told(msgspec.Struct, frozen=True):
    status: str
    custom_status: str | None
    at_ms: int

    def repeats(self, presence: PresencePart, at_ms: int) -> bool:
        same = (self.status, self.custom_status) == (presence.status, presence.custom_status)
        return same and at_ms - self.at_ms < REPEAT_MS


class Presences:
    """Every presence that this hub knows of. `ttl_s` is how long one lasts without a sign of life."""

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
        self._stays: dict[Place, Stay] = {}
        self._channels_of: defaultdict[str, set[str]] = defaultdict(set)
        self._due: list[tuple[int, Place]] = []
        self._queued: set[Place] = set()
        self._seen: dict[str, int] = {}
        self._absent: dict[str, int] = {}
        self._told: dict[Place, _Told] = {}
        self._resting: set[Place] = set()
        self._moved: dict[Place, Stay] = {}

    # ---- what is asked

    async def of(self, channel_id: str) -> list[PresencePart]:
        """The presences of a channel's members: those that this hub was told of, and what Redis says of the others."""
        now = self._clock()
        places = [(channel_id, agent_id) for agent_id in self._directory.members.get(channel_id, ())]
        known = self._moved | self._stays
        held = [known[place] for place in places if place in known]
        others = await self._state.stays([place for place in places if place not in known])
        return [self._shown(stay) for stay in held if self._until(stay) > now] + [stay.presence for stay in others]

    def all(self) -> list[Stay]:
        """Every presence."""
        return list(self._stays.values())

    def _shown(self, stay: Stay) -> PresencePart:
        seen_ms = self._seen.get(stay.presence.agent_id, 0)
        if stay.presence.status == "offline" or seen_ms <= stay.presence.last_seen:
            return stay.presence
        return msgspec.structs.replace(stay.presence, last_seen=seen_ms)

    # ---- signs of life

    def seen(self, agent_id: str) -> None:
        """The agent did something; what it holds is renewed with the next `renew`."""
        self._absent.pop(agent_id, None)
        if agent_id in self._channels_of:
            self._seen[agent_id] = self._clock()

    def gone(self, agent_id: str) -> None:
        """Its last stream is over: the link may be down, and nothing more may come of it."""
        self.seen(agent_id)
        if agent_id in self._channels_of:
            self._absent[agent_id] = self._clock()

    def see_all(self, agent_ids: Iterable[str]) -> None:
        """These have open streams."""
        for agent_id in agent_ids:
            self.seen(agent_id)

    async def put(self, channel_id: str, presence: PresencePart, arrived_s: float) -> None:
        """An agent says how it is."""
        stay = Stay(channel_id, presence, presence.last_seen + self._ttl_ms)
        self._hold(stay)
        self._tell((channel_id, presence.agent_id), arrived_s)
        await self._state.keep_stays([stay])

    def moved(self, channel_id: str, presence: PresencePart) -> None:
        """Another hub was told of this presence, so it is there that it is kept; it has been announced."""
        place = (channel_id, presence.agent_id)
        stay = self._stays.get(place)
        if stay is None or presence.last_seen >= stay.presence.last_seen:
            if stay is not None:
                # this hub may just be prolonging what it held; the newer one is written once more after that
                self._moved[place] = Stay(channel_id, presence, presence.last_seen + self._ttl_ms)
            self._drop(place)
            self._told[place] = _Told(presence.status, presence.custom_status, self._clock())

    def adopt(self, stays: Iterable[Stay]) -> None:
        """Take up what an earlier life of the hub, or another hub, has written; it was told then."""
        for stay in stays:
            place = (stay.channel_id, stay.presence.agent_id)
            if place in self._stays or self._directory.member(*place) is None:
                continue
            self._hold(stay)
            self._told[place] = _Told(stay.presence.status, stay.presence.custom_status, self._clock())

    def forget(self, channel_id: str, agent_id: str) -> None:
        """It is no longer a member: nothing is told of it any more."""
        self._drop((channel_id, agent_id))
        self._told.pop((channel_id, agent_id), None)

    def forget_channel(self, channel_id: str) -> list[str]:
        """The channel is no more; ids of the agents whose presence in it is forgotten."""
        gone = [agent_id for place, agent_id in self._stays if place == channel_id]
        for agent_id in gone:
            self.forget(channel_id, agent_id)
        return gone

    async def renew(self) -> None:
        """Prolong what the agents hold that were seen since the last time."""
        seen, self._seen = self._seen, {}
        renewed: list[Stay] = []
        for agent_id, at_ms in seen.items():
            for channel_id in self._channels_of.get(agent_id, ()):
                stay = self._stays[channel_id, agent_id]
                if stay.presence.status != "offline" and at_ms + self._ttl_ms > stay.until_ms:
                    presence = msgspec.structs.replace(stay.presence, last_seen=at_ms)
                    renewed.append(Stay(channel_id, presence, at_ms + self._ttl_ms))
        for stay in renewed:
            self._stays[stay.channel_id, stay.presence.agent_id] = stay
        await self._state.keep_stays(renewed)
        moved = dict(self._moved)
        await self._state.keep_stays([stay for place, stay in moved.items() if place not in self._stays])
        self._moved = {place: stay for place, stay in self._moved.items() if moved.get(place) is not stay}

    async def refill(self) -> None:
        """Write again what has vanished from Redis."""
        await self._state.keep_stays(await self._state.lost_stays(self.all()))

    async def shift(self, by_ms: int) -> None:
        """The wall clock was set: what lasts goes on lasting as long as it would have."""
        self._stays = {
            place: msgspec.structs.replace(stay, until_ms=stay.until_ms + by_ms) for place, stay in self._stays.items()
        }
        self._told = {
            place: msgspec.structs.replace(told, at_ms=told.at_ms + by_ms) for place, told in self._told.items()
        }
        self._due = [(due_ms + by_ms, place) for due_ms, place in self._due]
        self._seen = {agent_id: at_ms + by_ms for agent_id, at_ms in self._seen.items()}
        self._absent = {agent_id: at_ms + by_ms for agent_id, at_ms in self._absent.items()}
        await self._state.keep_stays(self.all())  # Redis lets keys run out by the wall clock

    # ---- running out

    async def sweep(self) -> None:
        """End what ran out, unless another hub has prolonged it, and announce it as offline."""
        now = self._clock()
        early = self._left_behind(now)
        over = [*early, *(place for place in self._run_out(now) if place not in early)]
        if not over:
            return
        elsewhere = {(s.channel_id, s.presence.agent_id): s for s in await self._state.stays(over)}
        ended = [place for place in over if self._ends(place, elsewhere.get(place), now, early=place in early)]
        for _, agent_id in early:
            self._absent.pop(agent_id, None)
        self._forget_told(now)
        await self._state.drop_stays(ended)

    def _ends(self, place: Place, other: Stay | None, now: int, *, early: bool) -> bool:
        stay = self._stays.get(place)
        lives = place[1] not in self._absent if early else stay is not None and self._until(stay) > now
        if stay is None or lives:
            return False  # a sign of life came while Redis was asked
        left_ms = other.until_ms - now if other is not None else 0
        if other is not None and left_ms > PACE_MS and other.presence.last_seen > stay.presence.last_seen:
            self._stays[place] = other
            self._queue(place, other.until_ms)
            return False
        if not early:
            self._stats.expiry("presence", max(now - stay.until_ms, left_ms) / 1000)
        self._end(place, stay)
        return True

    def _left_behind(self, now: int) -> set[Place]:
        """What is held by those that have been gone for long enough."""
        gone = [agent_id for agent_id, since_ms in self._absent.items() if now - since_ms >= ABSENCE_MS]
        places = {(channel_id, agent_id) for agent_id in gone for channel_id in self._channels_of.get(agent_id, ())}
        return {place for place in places if self._stays[place].presence.status != "offline"}

    def _run_out(self, now: int) -> list[Place]:
        over: list[Place] = []
        while self._due and self._due[0][0] <= now:
            _, place = heappop(self._due)
            self._queued.discard(place)
            stay = self._stays.get(place)
            if stay is None:
                continue
            if self._until(stay) > now:
                self._queue(place, self._until(stay))
            else:
                over.append(place)
        return over

    def _until(self, stay: Stay) -> int:
        if stay.presence.status == "offline":
            return stay.until_ms
        return max(stay.until_ms, self._seen.get(stay.presence.agent_id, 0) + self._ttl_ms)

    def _end(self, place: Place, stay: Stay) -> None:
        self._drop(place)
        if stay.presence.status == "offline" or self._directory.member(*place) is None:
            return
        gone = msgspec.structs.replace(stay.presence, status="offline", custom_status=None)
        self._say(place, gone)

    def _hold(self, stay: Stay) -> None:
        place = (stay.channel_id, stay.presence.agent_id)
        self._queue(place, stay.until_ms)
        self._stays[place] = stay
        self._channels_of[place[1]].add(place[0])

    def _queue(self, place: Place, due_ms: int) -> None:
        """Look at it then; a place stands in the queue once, and where it finds more time it is queued again."""
        if place not in self._queued:
            self._queued.add(place)
            heappush(self._due, (due_ms, place))

    def _drop(self, place: Place) -> None:
        self._stays.pop(place, None)
        channels = self._channels_of.get(place[1])
        if channels is not None:
            channels.discard(place[0])
            if not channels:
                del self._channels_of[place[1]]

    # ---- telling

    def _tell(self, place: Place, arrived_s: float = 0.0) -> None:
        stay, told, now = self._stays.get(place), self._told.get(place), self._clock()
        if place in self._resting or stay is None or (told is not None and told.repeats(stay.presence, now)):
            return
        rest_ms = told.at_ms + PACE_MS - now if told is not None else 0
        if rest_ms > 0:
            self._resting.add(place)
            asyncio.get_running_loop().call_later(rest_ms / 1000, self._tell_rested, place)
        else:
            self._say(place, stay.presence, arrived_s)

    def _tell_rested(self, place: Place) -> None:
        self._resting.discard(place)
        self._tell(place)

    def _say(self, place: Place, presence: PresencePart, arrived_s: float = 0.0) -> None:
        self._told[place] = _Told(presence.status, presence.custom_status, self._clock())
        self._signals.say(ChannelPresence(channel_id=place[0], presence=presence), place[1], arrived_s)

    def _forget_told(self, now: int) -> None:
        old = [place for place, told in self._told.items() if now - told.at_ms > REPEAT_MS and place not in self._stays]
        for place in old:
            del self._told[place]
