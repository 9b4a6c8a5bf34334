"""The full text apart from the hot path: how far it reaches, and an index that keeps words and marks alone."""

import sqlalchemy as sa
from alembic import op

from server.store.searching import index_for, words_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PAGE = 1000
_MESSAGES = sa.text(
    "SELECT seq, channel_id, sender_id, content, deleted_at FROM messages WHERE seq > :after ORDER BY seq LIMIT :page"
)


def upgrade() -> None:
    """Make the index anew, of all that is there."""
    connection = op.get_bind()
    op.add_column("log_head", sa.Column("indexed", _SEQ, nullable=False, server_default="0"))
    op.execute("UPDATE log_head SET indexed = seq")
    if connection.dialect.name == "sqlite":
        op.execute("DROP TABLE messages_fts")
        op.execute("CREATE VIRTUAL TABLE messages_fts USING fts5(words, content='', columnsize=0, tokenize='ascii')")
        op.execute("CREATE VIRTUAL TABLE messages_words USING fts5vocab(messages_fts, instance)")
    else:
        op.execute("DELETE FROM message_words")
    index = index_for(connection.dialect)
    after = 0
    while rows := connection.execute(_MESSAGES, {"after": after, "page": _PAGE}).all():
        index.add(connection, rows)
        after = rows[-1].seq


def downgrade() -> None:
    """Make the index as it was, of all that is there."""
    connection = op.get_bind()
    op.execute("ALTER TABLE log_head DROP COLUMN indexed")
    if connection.dialect.name == "sqlite":
        op.execute("DROP TABLE messages_words")
        op.execute("DROP TABLE messages_fts")
        op.execute(
            "CREATE VIRTUAL TABLE messages_fts USING fts5(content, content='messages', content_rowid='seq', "
            "tokenize='unicode61 remove_diacritics 2')"
        )
        op.execute("INSERT INTO messages_fts(messages_fts) VALUES ('rebuild')")
        return
    op.execute("DELETE FROM message_words")
    add = sa.text("INSERT INTO message_words (seq, words) VALUES (:seq, array_to_tsvector(:words))")
    after = 0
    while rows := connection.execute(_MESSAGES, {"after": after, "page": _PAGE}).all():
        connection.execute(add, [{"seq": row.seq, "words": words_of(row.content)} for row in rows])
        after = rows[-1].seq
