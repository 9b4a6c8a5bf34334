"""What the core asks of the database and of Redis, as protocols that `store` and `bus` fulfil."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from server.core.changes import Change, Committed, Decision, Entry
from server.core.events import PresencePart
from server.core.model import Channel, Code, Message


class Head(msgspec.Struct, frozen=True):
    """Where the log stands: `seq` is the newest event's, `oldest` the first that can still be replayed.

    The full text holds the messages up to `indexed`. The newest event is of `newest_ms`; 0 when the log has none.
    """

    epoch: str
    seq: int
    oldest: int
    indexed: int = 0
    newest_ms: int = 0


class Contents(msgspec.Struct, frozen=True):
    """Everything that the directory holds, as changes, at this version of it."""

    changes: Sequence[Change]
    version: int


class News(msgspec.Struct, frozen=True):
    """What was committed since: entries, and the changes of the directory up to `version`.

    With `whole` too much has changed, and `changes` are all that there is.
    """

    entries: Sequence[Entry]
    changes: Sequence[Change]
    version: int
    whole: bool = False


class Log(Protocol):
    """The database. `commit` and `rest` block and belong to the writer's thread; all else may be awaited anywhere."""

    def commit(self, decisions: Sequence[Decision], expected_seq: int, version: int | None = None) -> Committed:
        """Make the decisions true in one transaction, synced to disk when it returns.

        `expected_seq` is the newest seq known here, `version` the directory's on which the decisions were made (None
        for any). Raises HubError when one alone is refused, Overtaken, StorageFull, Unavailable.
        """

    def rest(self) -> None:
        """Nobody has written for a moment: do what would make writers wait."""

    async def head(self) -> Head:
        """Where the log stands now."""

    async def contents(self) -> Contents:
        """Everything that the directory holds."""

    async def news(self, seq: int, version: int, limit: int) -> News:
        """What was committed after these, at most `limit` entries of it."""

    async def entries(self, after: int, until: int, limit: int) -> list[Entry]:
        """At most `limit` entries with after < seq <= until, in order."""

    async def message(self, message_id: str) -> Message | None:
        """One message."""

    async def history(self, channel_id: str, thread_id: str | None, span: "Span") -> list[Message]:
        """A page of messages, oldest first; one more than `span.limit` when there are more."""

    async def password_hash(self, agent_id: str) -> str | None:
        """A person's argon2id hash."""

    async def code(self, digest: bytes, now_ms: int) -> Code | None:
        """What this one-time code is for, while it is unused and not expired."""

    async def probe(self) -> str | None:
        """None when the database can be written, else what is wrong."""

    def wal_bytes(self) -> int:
        """How long the write-ahead log of a SQLite is; 0 elsewhere."""

    def burden(self) -> str:
        """What weighs on a database that can be written, in words; empty when nothing does."""


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
        """Publish in order, in one pipeline, and drop the pages they change; False when Redis did not take them."""

    async def tell(self, messages: Sequence[tuple[str, bytes]], letter: bytes = b"") -> bool:
        """Publish envelopes that are not in the log, each on a channel's Redis channel; a letter to hubs first."""


class Count(msgspec.Struct, frozen=True):
    """How often something was done in the present minute, this time included, and when that minute is over."""

    times: int
    resets_ms: int


class Counters(Protocol):
    """Counts by the minute, in Redis; in memory while that is away or slow."""

    async def count(self, action: str, agent_id: str) -> Count:
        """Count once."""

    def count_ahead(self, action: str, agent_id: str, most: int) -> bool:
        """Count once without waiting where `most` is surely far; where it is not, count nothing and say so."""


class Pages(Protocol):
    """Where pages are kept that may be lost or poisoned at any time."""

    async def page(self, channel_id: str) -> tuple[bytes | None, bytes | None]:
        """A channel's newest messages as JSON, and the seal on them."""

    async def keep_page(self, channel_id: str, messages: bytes, seal: bytes) -> None:
        """Keep both."""


class Stay(msgspec.Struct, frozen=True):
    """An agent's presence in a channel, and until when it lasts (ms since the epoch)."""

    channel_id: str
    presence: PresencePart
    until_ms: int


class Roster(msgspec.Struct, frozen=True):
    """A channel and who is in it."""

    channel: Channel
    agent_ids: tuple[str, ...]


class State(Protocol):
    """What others may read of the hub in Redis. It may vanish; where Redis is away, nothing is kept or found."""

    async def keep_stays(self, stays: Sequence[Stay]) -> None:
        """Write presences, each whole and with what is left of its time."""

    async def stays(self, places: Sequence[tuple[str, str]]) -> list[Stay]:
        """What is well-formed of these presences, by channel id and agent id."""

    async def all_stays(self) -> list[Stay]:
        """Every well-formed presence."""

    async def lost_stays(self, stays: Sequence[Stay]) -> list[Stay]:
        """Those that are not there."""

    async def drop_stays(self, places: Sequence[tuple[str, str]]) -> None:
        """Remove presences."""

    async def start_typing(self, channel_id: str, agent_id: str, at_ms: int) -> None:
        """Note that somebody types."""

    async def stop_typing(self, channel_id: str, agent_ids: Sequence[str]) -> None:
        """Note that these no longer do."""

    async def typing(self, channel_id: str, since_ms: int, until_ms: int) -> list[str]:
        """Who began to type in this time."""

    async def keep_rosters(self, rosters: Sequence[Roster]) -> None:
        """Write channels and their members, whole."""

    async def keep_members(self, rosters: Sequence[Roster]) -> None:
        """Write the members alone, whole."""

    async def lost_members(self, rosters: Sequence[Roster]) -> list[Roster]:
        """Those whose members are not there."""

    async def wrong_channels(self, rosters: Sequence[Roster]) -> list[Roster]:
        """Those whose metadata is not there, or another."""

    async def drop_channel(self, channel_id: str) -> None:
        """Remove all there is of a channel."""


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
