"""The tables. Times are ms since the epoch; ids are text; secrets of callers are there only as SHA-256 or argon2id."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

# SQLite makes a column the row's own key only if it is declared INTEGER
Seq = BigInteger().with_variant(Integer, "sqlite")
Ms = BigInteger

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", String(16), nullable=False),
    Column("seq", Seq, nullable=False),
    Column("oldest", Seq, nullable=False),
    Column("indexed", Seq, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="0"),
    comment="One row: the counter whose lock orders all commits; version counts the changes of the directory",
)

changes = Table(
    "changes",
    metadata,
    Column("number", Seq, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="The newest changes of the directory, for the other hubs on a PostgreSQL; on SQLite there is none",
)

hubs = Table(
    "hubs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("key", LargeBinary(32), nullable=False),
    Column("seen_at", Ms, nullable=False),
    comment="The hubs that run on this PostgreSQL by its own clock, and the key by which each proves its live events",
)

agents = Table(
    "agents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("avatar", Text, nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("limits", Text),
    Column("created_at", Ms, nullable=False),
    Column("removed_at", Ms),
    Column("password_hash", Text),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("agent_id", ForeignKey("agents.id"), nullable=False, index=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Ms, nullable=False),
    Column("expires_at", Ms),
    Column("last_used_at", Ms),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("agent_id", ForeignKey("agents.id"), nullable=False, index=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", Ms, nullable=False),
    Column("expires_at", Ms, nullable=False),
    Column("device", Text, nullable=False, server_default=""),
    Column("last_used_at", Ms),
)

codes = Table(
    "codes",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("purpose", String(8), nullable=False),
    Column("agent_id", String(64)),
    Column("expires_at", Ms, nullable=False),
    comment="One-time codes that nobody has used yet",
)

audit = Table(
    "audit",
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("timestamp", Ms, nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("details", Text, nullable=False),
    comment="What admins did, and what happened to accounts and keys; never a secret",
)

objectives = Table(
    "objectives",
    metadata,
    Column("hour", Seq, primary_key=True, autoincrement=False),
    Column("objective", String(16), primary_key=True),
    Column("bad", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    comment="What was counted of each objective, by hours since the epoch",
)

channels = Table(
    "channels",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("created_at", Ms, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("archived_at", Ms),
    Column("archived_by", String(64)),
    Column("deleted_at", Ms),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("retention_days", Integer),
    Column("retention_from", Ms),
)

members = Table(
    "members",
    metadata,
    Column("channel_id", ForeignKey("channels.id"), primary_key=True),
    Column("agent_id", ForeignKey("agents.id"), primary_key=True, index=True),
    Column("role", String(9), nullable=False),
    Column("joined_at", Ms, nullable=False),
)

# no foreign keys on the two that are written all the time: the writer alone makes their rows, from what it has checked
messages = Table(
    "messages",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("channel_id", String(36), nullable=False),
    Column("thread_id", String(36)),
    Column("sender_id", String(73), nullable=False),
    Column("content", Text, nullable=False),
    Column("mentions", Text, nullable=False),
    Column("timestamp", Ms, nullable=False),
    Column("edited_at", Ms),
    Column("deleted_at", Ms),
    # the last two let unread messages be counted without a look at the rows
    Index("ix_messages_history", "channel_id", "thread_id", "seq", "sender_id", "deleted_at"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=False),
    Column("channel_id", String(36)),
    Column("channel_seq", BigInteger),
    Column("agent_id", String(64)),
    Column("sender_id", String(73), nullable=False),
    Column("type", String(32), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("timestamp", Ms, nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("channel_id", String(36), nullable=False),
    Column("parent_message_id", String(36), nullable=False, unique=True),
    Column("title", Text),
    Column("created_by", String(64), nullable=False),
    Column("created_at", Ms, nullable=False),
    Column("resolved", Boolean, nullable=False),
    Column("reply_count", Integer, nullable=False),
    Column("last_reply_at", Ms),
    Index("ix_threads_channel", "channel_id", "id"),
)

reactions = Table(
    "reactions",
    metadata,
    Column("message_seq", Seq, primary_key=True, autoincrement=False),
    Column("emoji", String(64), primary_key=True),
    Column("agent_id", String(64), primary_key=True),
)

mentions = Table(
    "mentions",
    metadata,
    Column("agent_id", String(64), primary_key=True),
    Column("channel_id", String(36), primary_key=True),
    Column("message_seq", Seq, primary_key=True, autoincrement=False),
    Index("ix_mentions_message_seq", "message_seq"),
    comment="Who is called by which message, its sender excepted",
)

markers = Table(
    "markers",
    metadata,
    Column("agent_id", String(64), primary_key=True),
    Column("channel_id", String(36), primary_key=True),
    Column("seq", Seq, nullable=False),
    comment="How far each member has read; from where it joined on",
)

follows = Table(
    "follows",
    metadata,
    Column("agent_id", String(64), primary_key=True),
    Column("thread_id", String(36), primary_key=True),
    Column("channel_id", String(36), nullable=False),
    Column("seq", Seq, nullable=False),
    Index("ix_follows_thread_id", "thread_id"),
    comment="Who opened a thread, wrote what it hangs under or replied, and how far it has read there",
)

# apart from the log, which forgets after a time: what agents told each other is kept, as messages are
agent_events = Table(
    "agent_events",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=False),
    Column("agent_id", String(64), nullable=False),
    Column("sender_id", String(64), nullable=False),
    Column("timestamp", Ms, nullable=False),
    Column("event", Text, nullable=False),
    Column("expires_at", Ms),
    Column("decision", String(7)),
    Column("decided_at", Ms),
    Column("client_id", String(36)),
    Index("ix_agent_events_got", "agent_id", "seq"),
    Index("ix_agent_events_sent", "sender_id", "seq"),
    Index("ix_agent_events_pair", "agent_id", "sender_id", "seq"),
)
Index(
    "ix_agent_events_client",
    agent_events.c.sender_id,
    agent_events.c.client_id,
    sqlite_where=agent_events.c.client_id.is_not(None),
    postgresql_where=agent_events.c.client_id.is_not(None),
)
Index(
    "ix_events_collaboration",
    events.c.channel_id,
    events.c.seq,
    sqlite_where=events.c.type == "collaboration.event",
    postgresql_where=events.c.type == "collaboration.event",
)
Index(
    "ix_agent_events_open",
    agent_events.c.expires_at,
    sqlite_where=agent_events.c.decision.is_(None) & agent_events.c.expires_at.is_not(None),
    postgresql_where=agent_events.c.decision.is_(None) & agent_events.c.expires_at.is_not(None),
)
