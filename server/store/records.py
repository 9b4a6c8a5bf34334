"""Fulfils `core.records.Records`: each question asked on a reader's thread."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection, select

from server.core.changes import Counts, ObjectiveHour
from server.core.model import Code, Deed, Message, Thread, Told, Unread, UnreadReplies
from server.core.ports import Span
from server.core.records import Search
from server.store import reading
from server.store.rows import code_of
from server.store.tables import codes, objectives, threads

T = TypeVar("T")

SEARCHES = 2
"""Searches at the same time: one for a common word may take a second, and other readers must not wait for it."""


class Read(Protocol):
    """Runs something on a reader's connection."""

    def __call__(self, work: Callable[[Connection], T], /) -> Awaitable[T]:
        """What `work` returns."""


class StoredRecords:
    """What was said besides the log, in the database."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._searches = asyncio.Semaphore(SEARCHES)

    async def thread(self, thread_id: str) -> Thread | None:
        """See `core.records.Records.thread`."""
        return await self._read(lambda c: reading.thread(c, threads.c.id == thread_id))

    async def thread_under(self, message_id: str) -> Thread | None:
        """See `core.records.Records.thread_under`."""
        return await self._read(lambda c: reading.thread(c, threads.c.parent_message_id == message_id))

    async def threads(self, channel_id: str, before: str | None, limit: int) -> list[Thread]:
        """See `core.records.Records.threads`."""
        return await self._read(lambda c: reading.threads_of(c, channel_id, before, limit))

    async def reacted(self, agent_id: str, message_seqs: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """See `core.records.Records.reacted`."""
        return await self._read(lambda c: reading.reacted(c, agent_id, message_seqs))

    async def unread(self, agent_id: str, channel_id: str | None = None) -> dict[str, Unread]:
        """See `core.records.Records.unread`."""
        return await self._read(lambda c: reading.unread(c, agent_id, channel_id))

    async def followed(self, agent_id: str) -> list[str]:
        """See `core.records.Records.followed`."""
        return await self._read(lambda c: reading.followed(c, agent_id))

    async def replies(self, agent_id: str) -> list[UnreadReplies]:
        """See `core.records.Records.replies`."""
        return await self._read(lambda c: reading.replies(c, agent_id))

    async def told(self, agent_id: str, peer_id: str | None, span: Span) -> list[Told]:
        """See `core.records.Records.told`."""
        return await self._read(lambda c: reading.told(c, agent_id, peer_id, span))

    async def told_as(self, sender_id: str, client_id: str) -> Told | None:
        """See `core.records.Records.told_as`."""
        return await self._read(lambda c: reading.told_as(c, sender_id, client_id))

    async def collaboration(self, channel_id: str, span: Span) -> list[bytes]:
        """See `core.records.Records.collaboration`."""
        return await self._read(lambda c: reading.collaboration(c, channel_id, span))

    async def question(self, seq: int) -> Told | None:
        """See `core.records.Records.question`."""
        return await self._read(lambda c: reading.question(c, seq))

    async def overdue(self, now_ms: int, limit: int) -> list[Told]:
        """See `core.records.Records.overdue`."""
        return await self._read(lambda c: reading.overdue(c, now_ms, limit))

    async def search(self, wanted: Search) -> list[Message]:
        """See `core.records.Records.search`."""
        async with self._searches:
            return await self._read(lambda c: reading.search(c, wanted))

    async def deeds(self, before: int | None, limit: int) -> list[Deed]:
        """See `core.records.Records.deeds`."""
        return await self._read(lambda c: reading.deeds(c, before, limit))

    async def codes(self, now_ms: int) -> list[tuple[bytes, Code]]:
        """See `core.records.Records.codes`."""
        query = select(codes).where(codes.c.expires_at > now_ms)
        return [(row.digest, code_of(row)) for row in await self._read(lambda c: c.execute(query).all())]

    async def objective_hours(self, since_hour: int) -> list[ObjectiveHour]:
        """See `core.records.Records.objective_hours`."""
        query = select(objectives).where(objectives.c.hour >= since_hour)
        rows = await self._read(lambda c: c.execute(query).all())
        return [ObjectiveHour(row.hour, row.objective, Counts(row.bad, row.total)) for row in rows]
