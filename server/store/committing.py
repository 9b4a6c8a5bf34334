"""The one transaction: take the counter, number the events, write the rows, sync."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, literal_column, select, update

from server.core.changes import Committed, Decision, Entry, InsertMessage, Outgoing, Written
from server.core.errors import Overtaken
from server.core.events import AgentEvent, Envelope, encode, frame_of, type_of
from server.core.model import Message
from server.store.conversation import Messages, completed
from server.store.journal import Journal
from server.store.prepared import Cursor, Prepared, Several, Values, placeholder
from server.store.rows import TOLD_COLUMNS, entry_of, message_of, told_row
from server.store.statements import execute
from server.store.tables import agent_events, events, log_head, messages, threads

NEWS = "openclaw_hub"
"""Where hubs on one PostgreSQL notify each other."""

_TAKE = (
    update(log_head)
    .values(seq=log_head.c.seq + bindparam("n"), version=log_head.c.version + bindparam("changed"))
    .where(log_head.c.id == literal_column("1"))
    .returning(log_head.c.epoch, log_head.c.seq, log_head.c.version)
)
_TAKING = "WITH taken (id, n) AS (VALUES "
_TAKEN = """) UPDATE channels SET seq = channels.seq + taken.n FROM taken WHERE channels.id = taken.id
RETURNING channels.id, channels.seq"""
_IS_THREAD = select(threads.c.id).where(threads.c.id == bindparam("thread"))
_KNOWN = select(messages).where(messages.c.id.in_(bindparam("ids", expanding=True)))
_MISSED = (
    select(events).where(events.c.seq > bindparam("after"), events.c.seq <= bindparam("until")).order_by(events.c.seq)
)
MISSED_MOST = 256
"""Entries of other hubs that a transaction reads while it holds the counter; who misses more catches up first."""


class Committing:
    """The transaction on one dialect: its hot statements are compiled once.

    While it `tells`, each transaction wakes the other hubs on this PostgreSQL when it commits.
    """

    def __init__(self, dialect: Dialect, hub_id: str = "") -> None:
        self.tells = False
        self.journal = Journal(dialect)
        self._take = Prepared(_TAKE, dialect)
        self._take_and_tell = Prepared(_TAKE.returning(literal_column(f"pg_notify('{NEWS}', '{hub_id}')")), dialect)
        value = placeholder(dialect)
        self.take_channels = Several(_TAKING, f"({value}, CAST({value} AS BIGINT))", _TAKEN)
        self.known = Several("SELECT id FROM messages WHERE id IN (", value, ")")
        self.is_thread = Prepared(_IS_THREAD, dialect)
        self.messages = Messages(dialect)
        self.add_told = Several.insert(agent_events, dialect, TOLD_COLUMNS)
        self.add_event = Several.insert(events, dialect, [column.name for column in events.columns])

    def take(self, cursor: Cursor, count: int, changed: int) -> tuple[str, int, int]:
        """Lock the counter and move it on; the epoch, the last seq and the last version that are ours."""
        take = self._take_and_tell if self.tells else self._take
        epoch, seq, version = take.run(cursor, {"n": count, "changed": changed})[0][:3]
        return epoch, seq, version

    def commit(
        self, connection: Connection, decisions: Sequence[Decision], expected_seq: int, version: int | None
    ) -> Committed:
        """Make the decisions true within the transaction that `connection` is in.

        Raises Overtaken when the directory is at another version, or the log much further.
        """
        cursor = connection.connection.cursor()
        known = self._known(connection, cursor, decisions)
        fresh = _fresh(decisions, known, self._lost_threads(cursor, decisions))
        outgoing = [out for decision, is_new in zip(decisions, fresh, strict=True) if is_new for out in decision.events]
        changes = self.journal.of(decisions)
        numbering = _Numbering(self, connection, cursor, len(outgoing), len(changes))
        numbering.refuse_the_overtaken(expected_seq, version)
        if changes:
            self.journal.add(cursor, numbering.first_version, changes)
        for decision, is_new in zip(decisions, fresh, strict=True):
            if is_new:
                _execute(connection, decision)
        numbering.take_channels(outgoing)
        written = self._write(cursor, numbering, zip(decisions, fresh, strict=True), known)
        return Committed(numbering.missed_since(expected_seq), written, numbering.version)

    def _known(self, connection: Connection, cursor: Cursor, decisions: Sequence[Decision]) -> dict[str, Message]:
        """Messages that are stored already under an id of this batch."""
        chosen = [(message_id,) for decision in decisions if (message_id := _message_id(decision))]
        ids = [message_id for (message_id,) in self.known.run(cursor, chosen)]
        return {row.id: message_of(row) for row in connection.execute(_KNOWN, {"ids": ids})} if ids else {}

    def _lost_threads(self, cursor: Cursor, decisions: Sequence[Decision]) -> set[str]:
        """Threads that were removed after somebody began to reply there."""
        wanted = {thread_id for decision in decisions if (thread_id := _thread_id(decision))}
        return {thread_id for thread_id in wanted if not self.is_thread.run(cursor, {"thread": thread_id})}

    def _write(
        self,
        cursor: Cursor,
        numbering: "_Numbering",
        decisions: Iterable[tuple[Decision, bool]],
        known: dict[str, Message],
    ) -> tuple[Written, ...]:
        """Number the events, store them and the messages; messages go into their table together."""
        new: list[Message] = []
        written: list[Written] = []
        for decision, is_new in decisions:
            if not is_new:
                written.append(Written((), known.get(_message_id(decision)), known=True))
                continue
            entries = tuple(numbering.number(out) for out in decision.events)
            message = _stored(decision, entries)
            written.append(Written(entries, message))
            if message is not None:
                known[message.id] = message
                new.append(message)
        self.messages.add(cursor, new)
        self.add_event.change(cursor, numbering.rows)
        self.add_told.change(cursor, numbering.told)
        return tuple(written)


def _message_id(decision: Decision) -> str:
    """The id that the client chose for its message, or nothing."""
    change = decision.changes[0] if decision.changes else None
    return change.message.id if isinstance(change, InsertMessage) and change.chosen_id else ""


def _thread_id(decision: Decision) -> str | None:
    change = decision.changes[0] if decision.changes else None
    return change.message.thread_id if isinstance(change, InsertMessage) else None


def _fresh(decisions: Sequence[Decision], known: Mapping[str, Message], lost: Container[str | None]) -> list[bool]:
    """Which decisions say something new: not the second of two with one message id, nor a reply to a lost thread."""
    seen = set(known)
    fresh: list[bool] = []
    for decision in decisions:
        message_id = _message_id(decision)
        fresh.append((not message_id or message_id not in seen) and _thread_id(decision) not in lost)
        seen.add(message_id)
    return fresh


def _execute(connection: Connection, decision: Decision) -> None:
    for change in decision.changes:
        if not isinstance(change, InsertMessage):
            execute(change, connection)


def _stored(decision: Decision, entries: Sequence[Entry]) -> Message | None:
    """The decision's message under its number; messages go into their table together, at the end."""
    for change in decision.changes:
        if isinstance(change, InsertMessage):
            return msgspec.structs.replace(change.message, seq=entries[0].seq)
    return None


class _Numbering:
    """The numbers of one transaction: taken at once, which locks the counter until the commit."""

    def __init__(
        self, statements: Committing, connection: Connection, cursor: Cursor, count: int, changed: int
    ) -> None:
        self.rows: list[Values] = []
        self.told: list[Values] = []
        self._statements = statements
        self._connection = connection
        self._cursor = cursor
        self.epoch, last, self.version = statements.take(cursor, count, changed)
        self.first_version = self.version - changed + 1
        self._first = last - count + 1
        self._next = self._first
        self._channel_next: dict[str, int] = {}

    def refuse_the_overtaken(self, expected_seq: int, version: int | None) -> None:
        """Raise Overtaken for decisions that another hub's commit came before; see `Committing.commit`."""
        if version is not None and (version != self.first_version - 1 or self._first - 1 - expected_seq > MISSED_MOST):
            raise Overtaken

    def take_channels(self, outgoing: Sequence[Outgoing]) -> None:
        """Take the channels' own numbers; a channel made in this transaction has its row by now."""
        counts = Counter(out.channel_id for out in outgoing if out.channel_id is not None)
        for channel_id, last in self._statements.take_channels.run(self._cursor, list(counts.items())):
            self._channel_next[channel_id] = last - counts[channel_id] + 1

    def number(self, out: Outgoing) -> Entry:
        """The entry of an event under its numbers, and its row."""
        seq = self._next
        self._next += 1
        channel_seq = None
        if out.channel_id is not None:
            channel_seq = self._channel_next[out.channel_id]
            self._channel_next[out.channel_id] += 1
        envelope = Envelope(
            seq=seq,
            channel_seq=channel_seq,
            event=completed(out.event, self._connection),
            timestamp=out.timestamp,
            channel_id=out.channel_id,
            sender_id=out.sender_id,
        )
        payload = encode(envelope)
        kind = type_of(out.event)
        # in the order of the table's columns
        self.rows.append((seq, out.channel_id, channel_seq, out.agent_id, out.sender_id, kind, payload, out.timestamp))
        if isinstance(out.event, AgentEvent):
            self.told.append(told_row(out, out.event, seq))
        frame = frame_of(self.epoch, seq, kind, payload)
        return Entry(seq, out.channel_id, out.agent_id, out.sender_id, kind, frame)

    def missed_since(self, expected_seq: int) -> tuple[Entry, ...]:
        """What another hub committed between the newest seq known here and this transaction."""
        if self._first - 1 <= expected_seq:
            return ()
        span = {"after": expected_seq, "until": self._first - 1}
        return tuple(entry_of(row, self.epoch) for row in self._connection.execute(_MISSED, span))
