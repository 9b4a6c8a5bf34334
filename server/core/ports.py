"""What the core asks of the database and of Redis, as protocols that `store` and `bus` fulfil."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from server.core.changes import Change, Committed, Decision, Entry
from server.core.model import Message


class Head(msgspec.Struct, frozen=True):
    """Where the log stands: `seq` is the newest event's, `oldest` the first that can still be replayed."""

    epoch: str
    seq: int
    oldest: int


class Log(Protocol):
    """The database. `commit` blocks and belongs to the writer's thread; all else may be awaited anywhere."""

    def commit(self, decisions: Sequence[Decision], expected_seq: int) -> Committed:
        """Make the decisions true in one transaction, synced to disk when it returns.

        `expected_seq` is the newest seq known here. Raises HubError when one alone is refused, StorageFull,
        Unavailable.
        """

    async def head(self) -> Head:
        """Where the log stands now."""

    async def contents(self) -> list[Change]:
        """Everything that the directory holds, as changes."""

    async def entries(self, after: int, until: int, limit: int) -> list[Entry]:
        """At most `limit` entries with after < seq <= until, in order."""

    async def message(self, message_id: str) -> Message | None:
        """One message."""

    async def history(self, channel_id: str, thread_id: str | None, span: "Span") -> list[Message]:
        """A page of messages, oldest first; one more than `span.limit` when there are more."""

    async def password_hash(self, agent_id: str) -> str | None:
        """A person's argon2id hash."""

    async def welcome_open(self, digest: bytes, now_ms: int) -> bool:
        """Whether this one-time code is unused and not expired."""

    async def probe(self) -> str | None:
        """None when the database can be written, else what is wrong."""


class Passwords(Protocol):
    """Slow hashing, off the event loop."""

    async def hash(self, password: str) -> str:
        """A salted hash in PHC form."""

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; takes as long when there is no hash to compare with."""


class Span(msgspec.Struct, frozen=True):
    """A page of a history, by seq: `before` and `after` exclude their own; newest first unless `after` is given."""

    limit: int
    before: int | None = None
    after: int | None = None


class Bell(Protocol):
    """Redis pub/sub as the writer sees it."""

    async def publish(self, entries: Sequence[Entry]) -> bool:
        """Publish in order, in one pipeline; False when Redis did not take them."""


class Sink(Protocol):
    """A connection to one reader, as asyncio's transports are."""

    def write(self, data: bytes) -> None:
        """Send, or keep until it can be sent."""

    def get_write_buffer_size(self) -> int:
        """Bytes that are kept."""

    def is_closing(self) -> bool:
        """Whether it is over."""

    def abort(self) -> None:
        """End it now and drop what is kept."""
