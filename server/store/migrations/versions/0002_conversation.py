"""Threads, reactions, mentions, read markers, agent events, and the full text."""

import sqlalchemy as sa
from alembic import op

from server.store.searching import words_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PAGE = 1000


def upgrade() -> None:
    """Create them, and take in what is there."""
    _tables()
    _agent_events()
    _history_index()
    # who is a member by now has read all that is there by now
    op.execute(
        "INSERT INTO markers (agent_id, channel_id, seq) "
        "SELECT agent_id, channel_id, (SELECT seq FROM log_head) FROM members"
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE messages_fts USING fts5(content, content='messages', content_rowid='seq', "
            "tokenize='unicode61 remove_diacritics 2')"
        )
        op.execute("INSERT INTO messages_fts(messages_fts) VALUES ('rebuild')")
    else:
        op.execute("CREATE TABLE message_words (seq BIGINT PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_message_words_words ON message_words USING gin (words)")
        _index_words(op.get_bind())


def _tables() -> None:
    op.create_table(
        "threads",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("parent_message_id", sa.String(length=36), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("reply_count", sa.Integer(), nullable=False),
        sa.Column("last_reply_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
        sa.UniqueConstraint("parent_message_id"),
    )
    op.create_index("ix_threads_channel", "threads", ["channel_id", "id"])
    op.create_table(
        "reactions",
        sa.Column("message_seq", _SEQ, autoincrement=False, nullable=False),
        sa.Column("emoji", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("message_seq", "emoji", "agent_id", name=op.f("pk_reactions")),
    )
    op.create_table(
        "mentions",
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("message_seq", _SEQ, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "channel_id", "message_seq", name=op.f("pk_mentions")),
        comment="Who is called by which message, its sender excepted",
    )
    op.create_index("ix_mentions_message_seq", "mentions", ["message_seq"])
    op.create_table(
        "markers",
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("seq", _SEQ, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "channel_id", name=op.f("pk_markers")),
        comment="How far each member has read; from where it joined on",
    )


def _agent_events() -> None:
    op.create_table(
        "agent_events",
        sa.Column("seq", _SEQ, autoincrement=False, nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("sender_id", sa.String(length=64), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.String(length=7), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_agent_events")),
    )
    op.create_index("ix_agent_events_got", "agent_events", ["agent_id", "seq"])
    op.create_index("ix_agent_events_sent", "agent_events", ["sender_id", "seq"])
    op.create_index("ix_agent_events_pair", "agent_events", ["agent_id", "sender_id", "seq"])
    still_open = sa.text("decision IS NULL AND expires_at IS NOT NULL")
    op.create_index(
        "ix_agent_events_open",
        "agent_events",
        ["expires_at"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def _history_index() -> None:
    op.drop_index("ix_messages_history", "messages")
    op.create_index(
        "ix_messages_history", "messages", ["channel_id", "thread_id", "seq", "sender_id", "deleted_at"], unique=False
    )


def _index_words(connection: sa.Connection) -> None:
    page = sa.text("SELECT seq, content FROM messages WHERE seq > :after ORDER BY seq LIMIT :page")
    add = sa.text("INSERT INTO message_words (seq, words) VALUES (:seq, array_to_tsvector(:words))")
    after = 0
    while rows := connection.execute(page, {"after": after, "page": _PAGE}).all():
        connection.execute(add, [{"seq": row.seq, "words": words_of(row.content)} for row in rows])
        after = rows[-1].seq
