"""What a decision changes: the only verbs that the store executes and the directory follows.

A decision is made by pure code on the directory's exact state, committed as one transaction, then applied to
the directory, so that memory and disk say the same.
"""

from typing import NamedTuple

import msgspec

from server.core.events import AnyEvent, Verdict, payload_of
from server.core.model import Agent, Channel, Code, Deed, Member, Message, Session, Thread, Token


class Change(msgspec.Struct, frozen=True):
    """One thing that becomes different."""


class DirectoryChange(Change, frozen=True):
    """One that the directory follows; on a PostgreSQL it is numbered and kept for the other hubs."""


class PutAgent(DirectoryChange, frozen=True):
    """An account is made or altered."""

    agent: Agent


class DropAgent(DirectoryChange, frozen=True):
    """An account ends, with its tokens, sessions and password; what it wrote stays."""

    agent_id: str
    at: int


class SetPassword(Change, frozen=True):
    """A person's password, as an argon2id hash; one-time codes for a lost one are void then."""

    agent_id: str
    password_hash: str


class PutToken(DirectoryChange, frozen=True):
    """A token is issued; `digest` is the SHA-256 of its secret."""

    token: Token
    digest: bytes


class DropToken(DirectoryChange, frozen=True):
    """A token is void."""

    token_id: str


class PutSession(DirectoryChange, frozen=True):
    """A person signed in; `digest` is the SHA-256 of the cookie's secret."""

    session: Session
    digest: bytes


class DropSession(DirectoryChange, frozen=True):
    """A session is over."""

    session_id: str


class PruneLog(Change, frozen=True):
    """The oldest events go, at most `most` of them, as far as they are from before `before_ms`."""

    before_ms: int
    most: int


class TidyUp(Change, frozen=True):
    """The database gives back at most `pages` freed pages and looks after its statistics."""

    pages: int


class IndexMessages(Change, frozen=True):
    """The words of at most `most` messages that are not in the full text yet enter it, the oldest first."""

    most: int


class TouchLog(Change, frozen=True):
    """Nothing, but written: to see whether the disk takes anything."""


class NoteUses(DirectoryChange, frozen=True):
    """When tokens and sessions were used last, by their id (ms since the epoch)."""

    used: dict[str, int]


class Counts(NamedTuple):
    """How many, and how many of them were bad."""

    bad: int
    total: int


class ObjectiveHour(msgspec.Struct, frozen=True):
    """What was counted of an objective in an hour since the epoch."""

    hour: int
    objective: str
    counts: Counts


class CountObjectives(Change, frozen=True):
    """More was counted of objectives; what is from before `oldest_hour` goes."""

    hours: tuple[ObjectiveHour, ...]
    oldest_hour: int


class PutCode(Change, frozen=True):
    """A one-time code is made at `at`; `digest` is its SHA-256. A new one for a lost password voids the older."""

    digest: bytes
    code: Code
    at: int


class SpendCode(Change, frozen=True):
    """A one-time code is used; refused when that has happened before."""

    digest: bytes


class DropCode(Change, frozen=True):
    """A one-time code is void before its use; refused when that is over."""

    digest: bytes


class Note(Change, frozen=True):
    """A line of the audit log, true together with what it tells of."""

    deed: Deed


class PutChannel(DirectoryChange, frozen=True):
    """A channel is made or altered."""

    channel: Channel


class DropChannel(DirectoryChange, frozen=True):
    """A channel ends; who was a member then is still told so."""

    channel_id: str
    at: int


class ForgetEnded(DirectoryChange, frozen=True):
    """Nobody is told any more of channels that ended before `before_ms`: the log does not reach back to it."""

    before_ms: int


class PutMember(DirectoryChange, frozen=True):
    """Someone becomes a member, or gets another role."""

    channel_id: str
    member: Member


class DropMember(DirectoryChange, frozen=True):
    """Someone is no longer a member."""

    channel_id: str
    agent_id: str


class InsertMessage(Change, frozen=True):
    """A message; its `seq` is set when it is committed.

    Where the client chose the id, one that is known already stores nothing and answers with what is there.
    """

    message: Message
    chosen_id: bool


class EditMessage(Change, frozen=True):
    """A message gets new content; refused when it is a tombstone by then."""

    message_id: str
    content: str
    mentions: tuple[str, ...]
    edited_at: int


class BuryMessage(Change, frozen=True):
    """A message becomes a tombstone; refused when it is one already."""

    message_id: str
    deleted_at: int


class ForgetMessages(Change, frozen=True):
    """Everything said in a channel goes for good; its events stay as numbers without words."""

    channel_id: str


class RemoveMessages(Change, frozen=True):
    """Messages of a channel go for good, with all that hangs on them; their events stay in the log as they are.

    One whose thread has replies left, or was opened after `before_ms`, stays: a thread does not hang in the air.
    """

    seqs: tuple[int, ...]
    before_ms: int


class InsertThread(Change, frozen=True):
    """A thread under a message; refused when that is a tombstone by then, Unchanged when it has one."""

    thread: Thread


class AlterThread(Change, frozen=True):
    """A thread is renamed or resolved; None means as it is. Unchanged when it is so already.

    Its event is given the thread as it is then, since only the transaction knows the number of replies.
    """

    thread_id: str
    title: str | None
    resolved: bool | None


class AddReaction(Change, frozen=True):
    """An agent reacts; refused on a tombstone, Unchanged when it did already."""

    message_seq: int
    emoji: str
    agent_id: str


class DropReaction(Change, frozen=True):
    """An agent takes its reaction back; refused on a tombstone, Unchanged when there is none."""

    message_seq: int
    emoji: str
    agent_id: str


class MoveMarker(Change, frozen=True):
    """An agent has read a channel up to `seq`; a marker never moves back."""

    channel_id: str
    agent_id: str
    seq: int


class ReadThread(Change, frozen=True):
    """An agent has read a thread that it follows up to `seq`; that never moves back."""

    thread_id: str
    agent_id: str
    seq: int


class SettleQuestion(Change, frozen=True):
    """A question is answered or expires, once: refused when it was settled before."""

    seq: int
    decision: Verdict
    at: int


class Outgoing(msgspec.Struct, frozen=True):
    """An event on its way into the log.

    With a `channel_id` it is the channel's, and `agent_id` is whom it is about where it is about somebody. With an
    `agent_id` alone it is for that agent and its sender; with neither it is for all.
    """

    event: AnyEvent
    timestamp: int
    sender_id: str
    channel_id: str | None = None
    agent_id: str | None = None


class Decision(msgspec.Struct, frozen=True):
    """What a use case decided: changes and events, which become true together or not at all."""

    changes: tuple[Change, ...] = ()
    events: tuple[Outgoing, ...] = ()


class Entry(msgspec.Struct, gc=False):
    """An event of the log as streams need it: `frame` is the SSE frame, which ends with the envelope.

    The hops are on `time.perf_counter`, 0 where this process did not see them; from `stored_s` on, only messages are
    timed. While it is `publishing`, Redis has not said yet whether it took it.
    """

    seq: int
    channel_id: str | None
    agent_id: str | None
    sender_id: str
    kind: str
    frame: bytes
    arrived_s: float = 0.0
    accepted_s: float = 0.0
    stored_s: float = 0.0
    published_s: float = 0.0
    fanned_out_s: float = 0.0
    publishing: bool = False

    @property
    def payload(self) -> bytes:
        """The envelope's JSON. It is cut out of the frame: keeping both would double what the ring takes."""
        return payload_of(self.frame)


class Written(msgspec.Struct, frozen=True):
    """What became of one decision: its entries, and for a message what is stored and whether it was there before.

    Of a reply whose thread was removed meanwhile nothing is stored.
    """

    entries: tuple[Entry, ...]
    message: Message | None = None
    known: bool = False


class Committed(msgspec.Struct, frozen=True):
    """A transaction that is on disk.

    `missed` are entries that were committed since the last one seen here, by another hub as a rule; `written` is our
    own, one for each decision, in order. `version` counts the changes of the directory so far, on one database for all
    of its hubs; 0 where there is but one. It is None where there was nothing to commit.
    """

    missed: tuple[Entry, ...]
    written: tuple[Written, ...]
    version: int | None = None
