"""Presence, typing, channels and members in Redis: written for others to read, and believed no further than shown."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from server.bus.keys import Keys, Lifetimes
from server.bus.link import Link
from server.core.clock import now_ms
from server.core.events import PresencePart
from server.core.ports import Roster, Stay

CHUNK = 200
"""Keys in one pipeline: enough to be quick, few enough to keep nobody else waiting."""

MOST_STAYS = 100_000
"""Presences that a start takes up at most."""

LONGEST_WORDS = 2_000
"""Characters in all fields of a presence that is believed; the hub's own are shorter."""

Place = tuple[str, str]
_Word = bytes | bytearray | memoryview | str | int | float


class RedisState:
    """Fulfils `core.ports.State`."""

    def __init__(self, link: Link, keys: Keys, lifetimes: Lifetimes) -> None:
        self._link = link
        self._keys = keys
        self._lifetimes = lifetimes

    # ---- presence

    async def keep_stays(self, stays: Sequence[Stay]) -> None:
        """See `core.ports.State.keep_stays`."""
        for some in _chunks(stays):
            if not self._link.healthy:
                return
            pipeline = self._link.pipeline()
            for stay in some:
                key = self._key_of(stay)
                pipeline.delete(key)
                pipeline.hset(key, mapping=_hash_of(stay.presence))
                pipeline.pexpire(key, max(1, stay.until_ms - now_ms()))
            await self._link.run("presence", pipeline)

    async def stays(self, places: Sequence[Place]) -> list[Stay]:
        """See `core.ports.State.stays`."""
        found: list[Stay] = []
        for some in _chunks(places):
            if not self._link.healthy:
                break
            pipeline = self._link.pipeline(transaction=False)
            for place in some:
                pipeline.hgetall(self._keys.presence(*place))
                pipeline.pttl(self._keys.presence(*place))
            answers = await self._link.run("presence", pipeline) or []
            pairs = zip(some, answers[::2], answers[1::2], strict=False)
            found.extend(stay for pair in pairs if (stay := self._stay_of(*pair)) is not None)
        return found

    def _stay_of(self, place: Place, fields: Any, left_ms: Any) -> Stay | None:
        longest_ms = self._lifetimes.presence_s * 1000
        if not isinstance(fields, dict) or not isinstance(left_ms, int) or not 0 < left_ms <= longest_ms:
            return None
        if sum(map(len, fields.values())) > LONGEST_WORDS:
            return None
        try:
            words = {name.decode(): value.decode() for name, value in fields.items()}
            presence = msgspec.convert(words, PresencePart, strict=False)
        except (msgspec.ValidationError, UnicodeDecodeError):
            return None
        return Stay(place[0], presence, now_ms() + left_ms) if presence.agent_id == place[1] else None

    async def all_stays(self) -> list[Stay]:
        """See `core.ports.State.all_stays`."""
        places: list[Place] = []
        cursor = 0
        while self._link.healthy and len(places) < MOST_STAYS:
            pipeline = self._link.pipeline(transaction=False)
            pipeline.scan(cursor, match=self._keys.presences, count=1000)
            answers = await self._link.run("presence", pipeline)
            if answers is None or isinstance(answers[0], Exception):
                break
            cursor, names = answers[0]
            places.extend(place for name in names if (place := self._keys.presence_in(name)) is not None)
            if not cursor:
                break
        return await self.stays(places)

    async def lost_stays(self, stays: Sequence[Stay]) -> list[Stay]:
        """See `core.ports.State.lost_stays`."""
        lost: list[Stay] = []
        for some in _chunks(stays):
            answers = await self._ask("exists", [self._key_of(stay) for stay in some])
            lost.extend(stay for stay, there in zip(some, answers, strict=False) if there == 0)
        return lost

    async def drop_stays(self, places: Sequence[Place]) -> None:
        """See `core.ports.State.drop_stays`."""
        await self._delete([self._keys.presence(*place) for place in places])

    def _key_of(self, stay: Stay) -> str:
        return self._keys.presence(stay.channel_id, stay.presence.agent_id)

    # ---- typing

    async def start_typing(self, channel_id: str, agent_id: str, at_ms: int) -> None:
        """See `core.ports.State.start_typing`."""
        if not self._link.healthy:
            return
        key, lifetime_ms = self._keys.typing(channel_id), int(self._lifetimes.typing_s * 1000)
        pipeline = self._link.pipeline()
        pipeline.zadd(key, {agent_id: at_ms})
        pipeline.pexpire(key, lifetime_ms)
        answers = await self._link.run("typing", pipeline)
        if answers is not None and isinstance(answers[0], Exception):
            await self._delete([key])  # not a sorted set, so it is not ours

    async def stop_typing(self, channel_id: str, agent_ids: Sequence[str]) -> None:
        """See `core.ports.State.stop_typing`."""
        if self._link.healthy:
            pipeline = self._link.pipeline(transaction=False)
            pipeline.zrem(self._keys.typing(channel_id), *agent_ids)
            await self._link.run("typing", pipeline)

    async def typing(self, channel_id: str, since_ms: int, until_ms: int) -> list[str]:
        """See `core.ports.State.typing`."""
        if not self._link.healthy:
            return []
        pipeline = self._link.pipeline(transaction=False)
        pipeline.zrangebyscore(self._keys.typing(channel_id), since_ms, until_ms)
        answers = await self._link.run("typing", pipeline)
        found = answers[0] if answers else None
        return [name.decode("utf-8", "replace") for name in found] if isinstance(found, list) else []

    # ---- channels and members

    async def keep_rosters(self, rosters: Sequence[Roster]) -> None:
        """See `core.ports.State.keep_rosters`."""
        for roster in rosters:
            if not self._link.healthy:
                return
            pipeline = self._link.pipeline()
            lifetime_ms = int(self._lifetimes.channel_s * 1000)
            pipeline.set(self._keys.channel(roster.channel.id), _json_of(roster), px=lifetime_ms)
            self._put_members(pipeline, roster)
            await self._link.run("channel", pipeline)

    async def keep_members(self, rosters: Sequence[Roster]) -> None:
        """See `core.ports.State.keep_members`."""
        for roster in rosters:
            if not self._link.healthy:
                return
            pipeline = self._link.pipeline()
            self._put_members(pipeline, roster)
            await self._link.run("channel", pipeline)

    def _put_members(self, pipeline: Any, roster: Roster) -> None:
        key = self._keys.members(roster.channel.id)
        pipeline.delete(key)
        if roster.agent_ids:
            pipeline.sadd(key, *roster.agent_ids)

    async def lost_members(self, rosters: Sequence[Roster]) -> list[Roster]:
        """See `core.ports.State.lost_members`."""
        lost: list[Roster] = []
        for some in _chunks([roster for roster in rosters if roster.agent_ids]):
            answers = await self._ask("exists", [self._keys.members(roster.channel.id) for roster in some])
            lost.extend(roster for roster, there in zip(some, answers, strict=False) if there == 0)
        return lost

    async def wrong_channels(self, rosters: Sequence[Roster]) -> list[Roster]:
        """See `core.ports.State.wrong_channels`."""
        wrong: list[Roster] = []
        for some in _chunks(rosters):
            answers = await self._ask("get", [self._keys.channel(roster.channel.id) for roster in some])
            wrong.extend(r for r, present in zip(some, answers, strict=False) if present != _json_of(r))
        return wrong

    async def drop_channel(self, channel_id: str) -> None:
        """See `core.ports.State.drop_channel`."""
        keys = self._keys
        names = (keys.channel, keys.members, keys.typing, keys.recent, keys.seal)
        await self._delete([name(channel_id) for name in names])

    # ---- all of them

    async def _ask(self, command: str, names: Sequence[str]) -> list[Any]:
        """One answer for each key, none at all without Redis."""
        if not self._link.healthy:
            return []
        pipeline = self._link.pipeline(transaction=False)
        for name in names:
            pipeline.execute_command(command, name)
        return await self._link.run("look", pipeline) or []

    async def _delete(self, names: Sequence[str]) -> None:
        if names and self._link.healthy:
            pipeline = self._link.pipeline(transaction=False)
            pipeline.delete(*names)
            await self._link.run("delete", pipeline)


def _chunks(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(things), CHUNK):
        yield things[start : start + CHUNK]


def _hash_of(presence: PresencePart) -> dict[_Word, _Word]:
    """The spec's fields, each as text."""
    return {name: str(value) for name, value in msgspec.to_builtins(presence).items()}


class _Metadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A channel as the schema document shows it, with what else there is of one."""

    id: str
    name: str
    topic: str
    is_private: bool
    created_at: int
    member_count: int
    description: str = ""
    archived_at: int | None = None


def _json_of(roster: Roster) -> bytes:
    channel = roster.channel
    return msgspec.json.encode(
        _Metadata(
            id=channel.id,
            name=channel.name,
            topic=channel.topic,
            is_private=channel.is_private,
            created_at=channel.created_at,
            member_count=len(roster.agent_ids),
            description=channel.description,
            archived_at=channel.archived_at,
        )
    )
