"""What is read of messages, threads, markers and agent events; a page is found by its seq, never by counting."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Subquery,
    Table,
    and_,
    func,
    literal,
    literal_column,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY

from server.core.model import Deed, Message, Replies, Thread, Told, Unread, UnreadReplies
from server.core.ports import Span
from server.core.records import Search
from server.store.rows import deed_of, message_of, replies_of, thread_of, told_of
from server.store.searching import fitting_of, index_for, terms_of
from server.store.tables import (
    agent_events,
    audit,
    events,
    follows,
    log_head,
    markers,
    mentions,
    messages,
    reactions,
    threads,
)

UNREAD_MOST = 10_000
"""Messages behind a marker that are looked at to count the unread ones; beyond, the number means "or more"."""

FOLLOWED_MOST = 1000
"""Of more threads than this only the newest are followed."""


def message(connection: Connection, message_id: str) -> Message | None:
    """One message."""
    found = _messages(connection, select(messages).where(messages.c.id == message_id))
    return found[0] if found else None


def history(connection: Connection, channel_id: str, thread_id: str | None, span: Span) -> list[Message]:
    """A page of a channel's own messages, or of a thread's; oldest first."""
    query = select(messages).where(
        messages.c.channel_id == channel_id, messages.c.thread_id.is_not_distinct_from(thread_id)
    )
    found = _messages(connection, _spanned(query, messages.c.seq, span))
    return found if span.after is not None else found[::-1]


def search(connection: Connection, wanted: Search) -> list[Message]:
    """Messages with these words, newest first: those that the full text has not taken in yet, then from there."""
    terms = terms_of(wanted.words)
    if not terms or not wanted.channel_ids:
        return []
    indexed = connection.execute(select(log_head.c.indexed)).scalar_one()
    found = _fresh(connection, wanted, terms, indexed)
    if len(found) <= wanted.limit:
        matching = index_for(connection.dialect).matching(connection, wanted, terms)
        query = select(messages).select_from(matching.rows).where(matching.condition)
        query = query.where(messages.c.channel_id.in_(wanted.channel_ids))
        before = indexed + 1 if wanted.before is None else min(wanted.before, indexed + 1)
        query = _spanned(query, matching.seq, Span(wanted.limit - len(found), before=before))
        found += connection.execute(query).all()
    return _complete(connection, found)


def _fresh(connection: Connection, wanted: Search, terms: Sequence[str], indexed: int) -> list[Row[Any]]:
    """Of the messages that are not in the full text yet: one more than `wanted.limit` when there are more."""
    newest = select(messages.c.seq, messages.c.channel_id, messages.c.sender_id, messages.c.content)
    query = newest.where(messages.c.seq > indexed, messages.c.deleted_at.is_(None)).order_by(messages.c.seq.desc())
    if wanted.before is not None:
        query = query.where(messages.c.seq < wanted.before)
    # judged here: a condition on the channel would have a database walk the channels' whole histories
    channel_ids = frozenset(wanted.channel_ids)
    fitting = fitting_of(terms)
    found: list[int] = []
    with connection.execute(query) as rows:
        for seq, channel_id, sender_id, content in rows:
            if channel_id in channel_ids and wanted.sender_id in (None, sender_id) and fitting(content):
                found.append(seq)
                if len(found) > wanted.limit:
                    break
    whole = select(messages).where(messages.c.seq.in_(found)).order_by(messages.c.seq.desc())
    return list(connection.execute(whole).all()) if found else []


def _spanned(query: Select[Any], seq: ColumnElement[int], span: Span) -> Select[Any]:
    if span.before is not None:
        query = query.where(seq < span.before)
    if span.after is not None:
        query = query.where(seq > span.after)
    return query.order_by(seq if span.after is not None else seq.desc()).limit(span.limit + 1)


def _messages(connection: Connection, query: Select[Any]) -> list[Message]:
    return _complete(connection, connection.execute(query).all())


def _complete(connection: Connection, rows: Sequence[Row[Any]]) -> list[Message]:
    """The messages in rows, with what hangs on them."""
    found = [message_of(row) for row in rows]
    if not found:
        return found
    counts = _reactions(connection, [message.seq for message in found])
    hanging = _replies(connection, [message.id for message in found if message.thread_id is None])
    if not counts and not hanging:
        return found
    return [
        msgspec.structs.replace(message, reactions=counts.get(message.seq), thread=hanging.get(message.id))
        for message in found
    ]


def _reactions(connection: Connection, seqs: Sequence[int]) -> dict[int, dict[str, int]]:
    query = (
        select(reactions.c.message_seq, reactions.c.emoji, func.count())
        .where(among(connection, reactions.c.message_seq, seqs))
        .group_by(reactions.c.message_seq, reactions.c.emoji)
        .order_by(reactions.c.message_seq, reactions.c.emoji)
    )
    counts: dict[int, dict[str, int]] = {}
    for seq, emoji, count in connection.execute(query):
        counts.setdefault(seq, {})[emoji] = count
    return counts


def _replies(connection: Connection, message_ids: Sequence[str]) -> dict[str, Replies]:
    query = select(threads).where(among(connection, threads.c.parent_message_id, message_ids))
    return {row.parent_message_id: replies_of(row) for row in connection.execute(query)}


def reacted(connection: Connection, agent_id: str, seqs: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """An agent's own reactions to these messages."""
    query = (
        select(reactions.c.message_seq, reactions.c.emoji)
        .where(among(connection, reactions.c.message_seq, seqs), reactions.c.agent_id == agent_id)
        .order_by(reactions.c.emoji)
    )
    own: dict[int, tuple[str, ...]] = {}
    for seq, emoji in connection.execute(query):
        own[seq] = (*own.get(seq, ()), emoji)
    return own


def among(connection: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether the column is one of these, which travel as one value: two hundred take longer to be written into the
    statement than to be looked up.
    """
    if connection.dialect.name == "sqlite":
        listed = func.json_each(msgspec.json.encode(values).decode()).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == func.any(literal(list(values), ARRAY(column.type)))


def thread(connection: Connection, condition: ColumnElement[bool]) -> Thread | None:
    """The thread that fits."""
    row = connection.execute(select(threads).where(condition)).first()
    return None if row is None else thread_of(row)


def threads_of(connection: Connection, channel_id: str, before: str | None, limit: int) -> list[Thread]:
    """A channel's threads, newest first: their ids are in order of time."""
    query = select(threads).where(threads.c.channel_id == channel_id)
    if before is not None:
        query = query.where(threads.c.id < before)
    return [thread_of(row) for row in connection.execute(query.order_by(threads.c.id.desc()).limit(limit + 1))]


def unread(connection: Connection, agent_id: str, channel_id: str | None) -> dict[str, Unread]:
    """What others said behind the agent's markers, and how often they called it."""
    recent = (
        select(messages.c.sender_id, messages.c.deleted_at)
        .where(
            messages.c.channel_id == markers.c.channel_id,
            messages.c.thread_id.is_(None),
            messages.c.seq > markers.c.seq,
        )
        # none has a thread; said in full, PostgreSQL takes the order of the index and does not sort
        .order_by(messages.c.thread_id.desc(), messages.c.seq.desc())
        .limit(UNREAD_MOST)
        .correlate(markers)
        .subquery()
    )
    calls = (
        select(mentions.c.message_seq)
        .where(
            mentions.c.agent_id == agent_id,
            mentions.c.channel_id == markers.c.channel_id,
            mentions.c.message_seq > markers.c.seq,
        )
        .limit(UNREAD_MOST)
        .correlate(markers)
        .subquery()
    )
    by_others = and_(recent.c.sender_id != agent_id, recent.c.deleted_at.is_(None))
    query = select(
        markers.c.channel_id,
        markers.c.seq,
        _count(markers, recent, by_others).label("unread"),
        _count(markers, calls).label("mentions"),
    ).where(markers.c.agent_id == agent_id)
    if channel_id is not None:
        query = query.where(markers.c.channel_id == channel_id)
    return {
        row.channel_id: Unread(unread=row.unread, mentions=row.mentions, read_seq=row.seq)
        for row in connection.execute(query)
    }


def _count(of: Table, rows: Subquery, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """How many of the rows that belong to each row of `of` there are."""
    return select(func.count()).select_from(rows).where(*conditions).correlate(of).scalar_subquery()


def followed(connection: Connection, agent_id: str) -> list[str]:
    """Ids of the threads that an agent follows, the newest first: the ids are in order of time."""
    query = select(follows.c.thread_id).where(follows.c.agent_id == agent_id)
    return list(connection.scalars(query.order_by(follows.c.thread_id.desc()).limit(FOLLOWED_MOST)))


def replies(connection: Connection, agent_id: str) -> list[UnreadReplies]:
    """The followed threads in which others replied behind what the agent has read."""
    recent = (
        select(messages.c.sender_id, messages.c.deleted_at)
        .where(
            messages.c.channel_id == follows.c.channel_id,
            messages.c.thread_id == follows.c.thread_id,
            messages.c.seq > follows.c.seq,
        )
        .limit(UNREAD_MOST)
        .correlate(follows)
        .subquery()
    )
    by_others = and_(recent.c.sender_id != agent_id, recent.c.deleted_at.is_(None))
    unread_here = _count(follows, recent, by_others).label("unread")
    query = (
        select(follows.c.thread_id, follows.c.channel_id, follows.c.seq, threads.c.parent_message_id, unread_here)
        .join(threads, threads.c.id == follows.c.thread_id)
        .where(follows.c.agent_id == agent_id)
        .order_by(follows.c.thread_id.desc())
        .limit(FOLLOWED_MOST)
    )
    return [
        UnreadReplies(
            thread_id=row.thread_id,
            channel_id=row.channel_id,
            parent_message_id=row.parent_message_id,
            unread=row.unread,
            read_seq=row.seq,
        )
        for row in connection.execute(query)
        if row.unread
    ]


def told(connection: Connection, agent_id: str, peer_id: str | None, span: Span) -> list[Told]:
    """What an agent got and sent, oldest first; each half by its own index."""
    got, sent = agent_events.c.agent_id, agent_events.c.sender_id
    halves = [
        _spanned(select(agent_events.c.seq).where(mine == agent_id, *_with(other, peer_id)), agent_events.c.seq, span)
        for mine, other in ((got, sent), (sent, got))
    ]
    seqs = union(*(select(half.subquery().c.seq) for half in halves)).subquery()
    query = _spanned(select(agent_events).where(agent_events.c.seq.in_(select(seqs.c.seq))), agent_events.c.seq, span)
    found = [told_of(row) for row in connection.execute(query)]
    return found if span.after is not None else found[::-1]


def _with(column: ColumnElement[str], peer_id: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if peer_id is None else (column == peer_id,)


def told_as(connection: Connection, sender_id: str, client_id: str) -> Told | None:
    """The agent event that its sender gave this id."""
    query = select(agent_events).where(agent_events.c.sender_id == sender_id, agent_events.c.client_id == client_id)
    row = connection.execute(query).first()
    return None if row is None else told_of(row)


def collaboration(connection: Connection, channel_id: str, span: Span) -> list[bytes]:
    """Envelopes of what agents told a channel of their work, oldest first, as far as the log reaches."""
    query = select(events.c.payload).where(
        events.c.channel_id == channel_id, events.c.type == literal_column("'collaboration.event'")
    )
    found = [bytes(row.payload) for row in connection.execute(_spanned(query, events.c.seq, span))]
    return found if span.after is not None else found[::-1]


def question(connection: Connection, seq: int) -> Told | None:
    """One agent event."""
    row = connection.execute(select(agent_events).where(agent_events.c.seq == seq)).first()
    return None if row is None else told_of(row)


def overdue(connection: Connection, now_ms: int, limit: int) -> list[Told]:
    """Open questions whose time is over, oldest first."""
    query = select(agent_events).where(agent_events.c.decision.is_(None), agent_events.c.expires_at <= now_ms)
    return [told_of(row) for row in connection.execute(query.order_by(agent_events.c.expires_at).limit(limit))]


def deeds(connection: Connection, before: int | None, limit: int) -> list[Deed]:
    """A page of the audit log, newest first."""
    query = select(audit)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [deed_of(row) for row in connection.execute(query.order_by(audit.c.id.desc()).limit(limit + 1))]
