"""What each change does to the tables: one function a change, all in the writer's transaction."""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from server.core.changes import (
    Change,
    CountObjectives,
    DropAgent,
    DropChannel,
    DropCode,
    DropMember,
    DropSession,
    DropToken,
    ForgetEnded,
    Note,
    NoteUses,
    PruneLog,
    PutAgent,
    PutChannel,
    PutCode,
    PutMember,
    PutSession,
    PutToken,
    SetPassword,
    SpendCode,
    TidyUp,
    TouchLog,
)
from server.core.errors import Forbidden, NotFound
from server.store.rows import agent_row, channel_row, deed_row
from server.store.tables import (
    agents,
    audit,
    channels,
    codes,
    events,
    follows,
    log_head,
    markers,
    members,
    objectives,
    sessions,
    tokens,
)


@singledispatch
def execute(change: Change, connection: Connection) -> None:
    """Make one change true within the transaction; raises Conflict when it no longer can be."""
    raise NotImplementedError(type(change).__name__)


def upserting(dialect: Dialect) -> Callable[[Table], Any]:
    """This dialect's own INSERT, which knows what to do with a row that is there."""
    return sqlite_insert if dialect.name == "sqlite" else postgres_insert


def upsert(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert the row, or overwrite the one with its primary key."""
    keys = [column.name for column in table.primary_key]
    news = {name: value for name, value in row.items() if name not in keys}
    add = upserting(connection.dialect)(table).values(row)
    connection.execute(add.on_conflict_do_update(index_elements=keys, set_=news))


@execute.register
def _prune_log(change: PruneLog, connection: Connection) -> None:
    oldest = select(events.c.seq, events.c.timestamp).order_by(events.c.seq).limit(change.most)
    gone = 0
    for row in connection.execute(oldest):
        if row.timestamp >= change.before_ms:
            break
        gone = row.seq
    if gone:
        connection.execute(delete(events).where(events.c.seq <= gone))
        connection.execute(update(log_head).values(oldest=gone + 1))


@execute.register
def _tidy_up(change: TidyUp, connection: Connection) -> None:
    if connection.dialect.name == "sqlite":  # PostgreSQL does both by itself
        connection.exec_driver_sql(f"PRAGMA incremental_vacuum({change.pages})").close()
        connection.exec_driver_sql("PRAGMA optimize").close()


@execute.register
def _touch_log(_change: TouchLog, _connection: Connection) -> None:
    """Taking the counter, which every transaction does, writes already."""


@execute.register
def _put_agent(change: PutAgent, connection: Connection) -> None:
    upsert(connection, agents, agent_row(change.agent))


@execute.register
def _drop_agent(change: DropAgent, connection: Connection) -> None:
    connection.execute(delete(tokens).where(tokens.c.agent_id == change.agent_id))
    connection.execute(delete(sessions).where(sessions.c.agent_id == change.agent_id))
    connection.execute(delete(codes).where(codes.c.agent_id == change.agent_id))
    ended = {"removed_at": change.at, "password_hash": None, "admin": False}
    connection.execute(update(agents).where(agents.c.id == change.agent_id).values(ended))


@execute.register
def _set_password(change: SetPassword, connection: Connection) -> None:
    secret = {"password_hash": change.password_hash}
    connection.execute(update(agents).where(agents.c.id == change.agent_id).values(secret))
    connection.execute(delete(codes).where(codes.c.agent_id == change.agent_id))


@execute.register
def _put_token(change: PutToken, connection: Connection) -> None:
    token = change.token
    row = {
        "id": token.id,
        "agent_id": token.agent_id,
        "digest": change.digest,
        "name": token.name,
        "scopes": " ".join(token.scopes),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }
    upsert(connection, tokens, row)


@execute.register
def _drop_token(change: DropToken, connection: Connection) -> None:
    connection.execute(delete(tokens).where(tokens.c.id == change.token_id))


@execute.register
def _put_session(change: PutSession, connection: Connection) -> None:
    session = change.session
    row = {
        "id": session.id,
        "agent_id": session.agent_id,
        "digest": change.digest,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
        "device": session.device,
    }
    upsert(connection, sessions, row)


@execute.register
def _drop_session(change: DropSession, connection: Connection) -> None:
    connection.execute(delete(sessions).where(sessions.c.id == change.session_id))


@execute.register
def _note_uses(change: NoteUses, connection: Connection) -> None:
    uses = [{"credential": credential, "at": at} for credential, at in change.used.items()]
    for table in (tokens, sessions):
        place = table.c.id == bindparam("credential")
        connection.execute(update(table).where(place).values(last_used_at=bindparam("at")), uses)


@execute.register
def _count_objectives(change: CountObjectives, connection: Connection) -> None:
    connection.execute(delete(objectives).where(objectives.c.hour < change.oldest_hour))
    add = upserting(connection.dialect)(objectives)
    more = {name: objectives.c[name] + add.excluded[name] for name in ("bad", "total")}
    rows = [
        {"hour": h.hour, "objective": h.objective, "bad": h.counts.bad, "total": h.counts.total} for h in change.hours
    ]
    keys = [objectives.c.hour, objectives.c.objective]
    connection.execute(add.on_conflict_do_update(index_elements=keys, set_=more), rows)


@execute.register
def _put_code(change: PutCode, connection: Connection) -> None:
    code = change.code
    void = codes.c.expires_at <= change.at
    if code.agent_id is not None:
        void |= codes.c.agent_id == code.agent_id
    connection.execute(delete(codes).where(void))
    row = {
        "digest": change.digest,
        "purpose": code.purpose,
        "agent_id": code.agent_id,
        "expires_at": code.expires_at,
    }
    connection.execute(insert(codes).values(row))


@execute.register
def _spend_code(change: SpendCode, connection: Connection) -> None:
    if not connection.execute(delete(codes).where(codes.c.digest == change.digest)).rowcount:
        raise Forbidden("welcome_closed", "somebody has used this link already")


@execute.register
def _drop_code(change: DropCode, connection: Connection) -> None:
    if not connection.execute(delete(codes).where(codes.c.digest == change.digest)).rowcount:
        raise NotFound("invitation_not_found", "somebody has used this link just now")


@execute.register
def _note(change: Note, connection: Connection) -> None:
    connection.execute(insert(audit).values(deed_row(change.deed)))


@execute.register
def _put_channel(change: PutChannel, connection: Connection) -> None:
    upsert(connection, channels, channel_row(change.channel))


@execute.register
def _drop_channel(change: DropChannel, connection: Connection) -> None:
    # its members stay in their table until `ForgetEnded`: they alone are told of the end when they come back
    connection.execute(delete(markers).where(markers.c.channel_id == change.channel_id))
    connection.execute(update(channels).where(channels.c.id == change.channel_id).values(deleted_at=change.at))


@execute.register
def _forget_ended(change: ForgetEnded, connection: Connection) -> None:
    ended = select(channels.c.id).where(channels.c.deleted_at < change.before_ms)
    connection.execute(delete(members).where(members.c.channel_id.in_(ended)))


@execute.register
def _put_member(change: PutMember, connection: Connection) -> None:
    member = change.member
    row = {
        "channel_id": change.channel_id,
        "agent_id": member.agent_id,
        "role": member.role,
        "joined_at": member.joined_at,
    }
    upsert(connection, members, row)
    place = (markers.c.agent_id == member.agent_id) & (markers.c.channel_id == change.channel_id)
    if connection.execute(select(markers.c.seq).where(place)).first() is None:
        # what was said before somebody came is history, not unread
        start = {
            "agent_id": member.agent_id,
            "channel_id": change.channel_id,
            "seq": select(log_head.c.seq).scalar_subquery(),
        }
        connection.execute(insert(markers).values(start))


@execute.register
def _drop_member(change: DropMember, connection: Connection) -> None:
    seat = (members.c.channel_id == change.channel_id) & (members.c.agent_id == change.agent_id)
    connection.execute(delete(members).where(seat))
    own = (markers.c.channel_id == change.channel_id) & (markers.c.agent_id == change.agent_id)
    connection.execute(delete(markers).where(own))
    followed = (follows.c.channel_id == change.channel_id) & (follows.c.agent_id == change.agent_id)
    connection.execute(delete(follows).where(followed))
