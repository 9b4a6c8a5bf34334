"""What changes to messages, threads, reactions, markers and questions do to the tables, and to the full text."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Row, Select, bindparam, delete, distinct, func, insert, or_, select, update

from server.core.changes import (
    AddReaction,
    AlterThread,
    BuryMessage,
    DropReaction,
    EditMessage,
    ForgetMessages,
    IndexMessages,
    InsertThread,
    MoveMarker,
    ReadThread,
    RemoveMessages,
    SettleQuestion,
)
from server.core.errors import Conflict, NotFound, Unchanged
from server.core.events import AnyEvent, ThreadUpdate
from server.core.model import Message
from server.core.rules import is_external
from server.store.prepared import Cursor, Prepared, Several
from server.store.reading import among
from server.store.rows import MESSAGE_COLUMNS, message_row, thread_of, thread_row
from server.store.searching import index_for
from server.store.statements import execute, upserting
from server.store.tables import agent_events, events, follows, log_head, markers, mentions, messages, reactions, threads

EMOJI_MOST = 64
"""Different emoji on one message."""

_REPLIED = (
    update(threads)
    .where(threads.c.id == bindparam("thread"))
    .values(reply_count=threads.c.reply_count + bindparam("n"), last_reply_at=bindparam("at"))
)


def _follow(dialect: Dialect) -> Any:
    """Who replies has read the thread so far, and follows it."""
    row: dict[str, Any] = {column.name: bindparam(column.name) for column in follows.columns}
    add = upserting(dialect)(follows).values(row)
    return add.on_conflict_do_update(index_elements=["agent_id", "thread_id"], set_={"seq": add.excluded.seq})


class Messages:
    """Where new messages go: their table, who they call, the threads they are in. The full text takes them later."""

    def __init__(self, dialect: Dialect) -> None:
        self._add = Several.insert(messages, dialect, MESSAGE_COLUMNS)
        self._call = Several.insert(mentions, dialect, ("agent_id", "channel_id", "message_seq"))
        self._reply = Prepared(_REPLIED, dialect)
        self._follow = Prepared(_follow(dialect), dialect)

    def add(self, cursor: Cursor, new: Sequence[Message]) -> None:
        """Store messages that have their numbers."""
        self._add.change(cursor, [message_row(message) for message in new])
        self._call.change(cursor, [row for message in new if message.mentions for row in _mention_rows(message)])
        replies = Counter(message.thread_id for message in new if message.thread_id is not None)
        if replies:
            last = {message.thread_id: message.timestamp for message in new}
            for thread_id, count in replies.items():
                self._reply.change(cursor, {"thread": thread_id, "n": count, "at": last[thread_id]})
            self._followed(cursor, new)

    def _followed(self, cursor: Cursor, new: Sequence[Message]) -> None:
        replied = {(said.sender_id, said.thread_id): said for said in new if said.thread_id is not None}
        for (agent_id, thread_id), said in replied.items():
            if not is_external(agent_id):
                place = {"agent_id": agent_id, "thread_id": thread_id, "channel_id": said.channel_id}
                self._follow.change(cursor, {**place, "seq": said.seq})


def _mention_rows(message: Message) -> list[tuple[str, str, int]]:
    """A row for everybody but the sender."""
    called = (agent_id for agent_id in message.mentions if agent_id != message.sender_id)
    return [(agent_id, message.channel_id, message.seq) for agent_id in called]


def _alive(connection: Connection, condition: Any) -> Row[Any]:
    row = connection.execute(select(messages).where(condition)).first()
    if row is None or row.deleted_at is not None:
        raise Conflict("message_deleted", "the message is deleted; nothing was changed")
    return row


_INDEXED: Select[Any] = select(
    messages.c.seq, messages.c.channel_id, messages.c.sender_id, messages.c.content, messages.c.deleted_at
)
"""What the full text needs to know of a message."""


@execute.register
def _index_messages(change: IndexMessages, connection: Connection) -> None:
    head = connection.execute(select(log_head.c.seq, log_head.c.indexed)).one()
    waiting = _INDEXED.where(messages.c.seq > head.indexed).order_by(messages.c.seq).limit(change.most)
    rows = connection.execute(waiting).all()
    index_for(connection.dialect).add(connection, rows)
    reached = rows[-1].seq if len(rows) == change.most else head.seq
    connection.execute(update(log_head).values(indexed=reached))


def _unindex(connection: Connection, rows: Sequence[Row[Any]]) -> bool:
    """Take messages, as they were, out of the full text; False when that has come to none of them yet."""
    indexed = connection.execute(select(log_head.c.indexed)).scalar_one()
    there = [row for row in rows if row.deleted_at is None and row.seq <= indexed]
    if there:
        index_for(connection.dialect).forget(connection, there)
    return bool(there)


def _index_anew(connection: Connection, row: Row[Any]) -> None:
    """A message has other words than `row`."""
    if _unindex(connection, [row]):
        now = _INDEXED.where(messages.c.seq == row.seq)
        index_for(connection.dialect).add(connection, connection.execute(now).all())


@execute.register
def _edit_message(change: EditMessage, connection: Connection) -> None:
    row = _alive(connection, messages.c.id == change.message_id)
    news = {"content": change.content, "mentions": " ".join(change.mentions), "edited_at": change.edited_at}
    connection.execute(update(messages).where(messages.c.seq == row.seq).values(news))
    _index_anew(connection, row)
    connection.execute(delete(mentions).where(mentions.c.message_seq == row.seq))
    called = [agent_id for agent_id in change.mentions if agent_id != row.sender_id]
    if called:
        place = {"channel_id": row.channel_id, "message_seq": row.seq}
        connection.execute(insert(mentions), [{"agent_id": agent_id, **place} for agent_id in called])


@execute.register
def _bury_message(change: BuryMessage, connection: Connection) -> None:
    row = _alive(connection, messages.c.id == change.message_id)
    rest = {"content": "", "mentions": "", "deleted_at": change.deleted_at}
    connection.execute(update(messages).where(messages.c.seq == row.seq).values(rest))
    _unindex(connection, [row])
    connection.execute(delete(mentions).where(mentions.c.message_seq == row.seq))
    connection.execute(delete(reactions).where(reactions.c.message_seq == row.seq))
    if row.thread_id is not None:
        fewer = {"reply_count": threads.c.reply_count - 1}
        connection.execute(update(threads).where(threads.c.id == row.thread_id).values(fewer))


@execute.register
def _forget_messages(change: ForgetMessages, connection: Connection) -> None:
    said = messages.c.channel_id == change.channel_id
    rows = connection.execute(_INDEXED.where(said)).all()
    connection.execute(update(events).where(among(connection, events.c.seq, _seqs(rows))).values(payload=b""))
    _erase(connection, rows)


def _seqs(rows: Sequence[Row[Any]]) -> list[int]:
    return [row.seq for row in rows]


def _erase(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Messages go, out of the full text too, and who they called and what was thought of them with them."""
    if not rows:
        return
    _unindex(connection, rows)
    seqs = _seqs(rows)
    connection.execute(delete(mentions).where(among(connection, mentions.c.message_seq, seqs)))
    connection.execute(delete(reactions).where(among(connection, reactions.c.message_seq, seqs)))
    connection.execute(delete(messages).where(among(connection, messages.c.seq, seqs)))


@execute.register
def _remove_messages(change: RemoveMessages, connection: Connection) -> None:
    doomed = _INDEXED.add_columns(messages.c.id, messages.c.thread_id)
    rows = connection.execute(doomed.where(among(connection, messages.c.seq, change.seqs))).all()
    replies = [row for row in rows if row.thread_id is not None]
    _erase(connection, replies)
    fewer = Counter(row.thread_id for row in replies if row.deleted_at is None)
    for thread_id, count in fewer.items():
        less = {"reply_count": threads.c.reply_count - count}
        connection.execute(update(threads).where(threads.c.id == thread_id).values(less))
    _remove_roots(connection, [row for row in rows if row.thread_id is None], change.before_ms)


def _remove_roots(connection: Connection, roots: Sequence[Row[Any]], before_ms: int) -> None:
    """Messages of a channel's own history go with their threads, those excepted whose thread is alive."""
    replied = select(messages.c.seq).where(
        messages.c.channel_id == threads.c.channel_id, messages.c.thread_id == threads.c.id
    )
    is_alive = or_(threads.c.created_at >= before_ms, replied.exists())
    under = among(connection, threads.c.parent_message_id, [row.id for row in roots])
    hanging = select(threads.c.id, threads.c.parent_message_id, is_alive.label("alive")).where(under)
    found = connection.execute(hanging).all()
    ended = [row.id for row in found if not row.alive]
    connection.execute(delete(follows).where(among(connection, follows.c.thread_id, ended)))
    connection.execute(delete(threads).where(among(connection, threads.c.id, ended)))
    held = {row.parent_message_id for row in found if row.alive}
    _erase(connection, [row for row in roots if row.id not in held])


@execute.register
def _insert_thread(change: InsertThread, connection: Connection) -> None:
    parent_id = change.thread.parent_message_id
    parent = _alive(connection, messages.c.id == parent_id)
    if connection.execute(select(threads.c.id).where(threads.c.parent_message_id == parent_id)).first() is not None:
        raise Unchanged
    connection.execute(insert(threads).values(thread_row(change.thread)))
    place = {"thread_id": change.thread.id, "channel_id": change.thread.channel_id, "seq": 0}
    followers = {agent_id for agent_id in (change.thread.created_by, parent.sender_id) if not is_external(agent_id)}
    connection.execute(insert(follows), [{"agent_id": agent_id, **place} for agent_id in sorted(followers)])


@execute.register
def _alter_thread(change: AlterThread, connection: Connection) -> None:
    asked = {"title": change.title, "resolved": change.resolved}
    here = threads.c.id == change.thread_id
    before = connection.execute(select(threads).where(here)).first()
    if before is None:
        raise NotFound("thread_not_found", "the thread was removed; nothing was changed")
    news = {name: value for name, value in asked.items() if value is not None and value != getattr(before, name)}
    if not news:
        raise Unchanged
    connection.execute(update(threads).where(here).values(news))


def completed(event: AnyEvent, connection: Connection) -> AnyEvent:
    """The event with what only the transaction knows: a thread as it is now."""
    if not isinstance(event, ThreadUpdate):
        return event
    row = connection.execute(select(threads).where(threads.c.id == event.thread.id)).one()
    part = msgspec.structs.replace(thread_of(row).part(), resolved=row.resolved)
    return msgspec.structs.replace(event, thread=part)


@execute.register
def _add_reaction(change: AddReaction, connection: Connection) -> None:
    _alive(connection, messages.c.seq == change.message_seq)
    if connection.execute(select(reactions).where(_same(change))).first() is not None:
        raise Unchanged
    kinds = select(func.count(distinct(reactions.c.emoji))).where(
        reactions.c.message_seq == change.message_seq, reactions.c.emoji != change.emoji
    )
    if connection.execute(kinds).scalar_one() >= EMOJI_MOST:
        raise Conflict("too_many_emoji", f"a message carries at most {EMOJI_MOST} different emoji")
    connection.execute(insert(reactions).values(msgspec.structs.asdict(change)))


@execute.register
def _drop_reaction(change: DropReaction, connection: Connection) -> None:
    _alive(connection, messages.c.seq == change.message_seq)
    if connection.execute(delete(reactions).where(_same(change))).rowcount == 0:
        raise Unchanged


def _same(change: AddReaction | DropReaction) -> Any:
    return (
        (reactions.c.message_seq == change.message_seq)
        & (reactions.c.emoji == change.emoji)
        & (reactions.c.agent_id == change.agent_id)
    )


@execute.register
def _move_marker(change: MoveMarker, connection: Connection) -> None:
    place = (markers.c.agent_id == change.agent_id) & (markers.c.channel_id == change.channel_id)
    connection.execute(update(markers).where(place, markers.c.seq < change.seq).values(seq=change.seq))


@execute.register
def _read_thread(change: ReadThread, connection: Connection) -> None:
    place = (follows.c.agent_id == change.agent_id) & (follows.c.thread_id == change.thread_id)
    connection.execute(update(follows).where(place, follows.c.seq < change.seq).values(seq=change.seq))


@execute.register
def _settle_question(change: SettleQuestion, connection: Connection) -> None:
    still_open = (agent_events.c.seq == change.seq) & agent_events.c.decision.is_(None)
    verdict = {"decision": change.decision, "decided_at": change.at}
    if connection.execute(update(agent_events).where(still_open).values(verdict)).rowcount == 0:
        raise Conflict("settled", "this was answered before, or has expired")
