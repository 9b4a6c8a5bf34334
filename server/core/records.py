"""What the core asks of the database besides the log: threads, reactions, read markers, agent events, search."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from server.core.changes import ObjectiveHour
from server.core.model import Code, Deed, Message, Thread, Told, Unread, UnreadReplies
from server.core.ports import Span


class Search(msgspec.Struct, frozen=True):
    """Words to be found in messages of these channels, by this sender, before this seq; newest first."""

    words: str
    channel_ids: tuple[str, ...]
    limit: int
    sender_id: str | None = None
    before: int | None = None


class Records(Protocol):
    """All of it may be awaited anywhere; what is written goes through `core.ports.Log.commit`."""

    async def thread(self, thread_id: str) -> Thread | None:
        """One thread."""

    async def thread_under(self, message_id: str) -> Thread | None:
        """The thread under a message."""

    async def threads(self, channel_id: str, before: str | None, limit: int) -> list[Thread]:
        """A channel's threads, newest first, older than the thread `before`."""

    async def reacted(self, agent_id: str, message_seqs: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """With which emoji the agent reacted to these messages."""

    async def unread(self, agent_id: str, channel_id: str | None = None) -> dict[str, Unread]:
        """What an agent has not read, by channel: of one, or of all that it is a member of."""

    async def followed(self, agent_id: str) -> list[str]:
        """Ids of the threads that an agent follows, the newest first."""

    async def replies(self, agent_id: str) -> list[UnreadReplies]:
        """Threads that an agent follows and has not read to their end."""

    async def told(self, agent_id: str, peer_id: str | None, span: Span) -> list[Told]:
        """Agent events that the agent got or sent, oldest first; one more than `span.limit` when there are more."""

    async def told_as(self, sender_id: str, client_id: str) -> Told | None:
        """The agent event that its sender gave this id."""

    async def collaboration(self, channel_id: str, span: Span) -> list[bytes]:
        """Envelopes of a channel's collaboration events in JSON, paged as in `told`."""

    async def question(self, seq: int) -> Told | None:
        """One agent event."""

    async def overdue(self, now_ms: int, limit: int) -> list[Told]:
        """Questions whose time is over and that nobody has answered."""

    async def search(self, wanted: Search) -> list[Message]:
        """Messages that hold all of the words; one more than `limit` when there are more."""

    async def deeds(self, before: int | None, limit: int) -> list[Deed]:
        """The audit log, newest first, older than line `before`; one more than `limit` when there are more."""

    async def codes(self, now_ms: int) -> list[tuple[bytes, Code]]:
        """The one-time codes that still work, with their digests."""

    async def objective_hours(self, since_hour: int) -> list[ObjectiveHour]:
        """What was counted of the objectives, from this hour on."""
