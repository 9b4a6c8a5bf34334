"""The full text apart from the hot path: how far it reaches, and an index that keeps words and marks alone."""

import sqlalchemy as sa
from alembic import op

from server.store.searching import index_for

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PAGE = 1000


def upgrade() -> None:
    """Make the index anew, of all that is there."""
    op.add_column("log_head", sa.Column("indexed", _SEQ, nullable=False, server_default="0"))
    op.execute("UPDATE log_head SET indexed = seq")
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute("DROP TABLE messages_fts")
        op.execute("CREATE VIRTUAL TABLE messages_fts USING fts5(words, content='', columnsize=0, tokenize='ascii')")
        op.execute("CREATE VIRTUAL TABLE messages_words USING fts5vocab(messages_fts, instance)")
    else:
        op.execute("DELETE FROM message_words")
    index = index_for(connection.dialect)
    page = sa.text(
        "SELECT seq, channel_id, sender_id, content, deleted_at FROM messages "
        "WHERE seq > :after ORDER BY seq LIMIT :page"
    )
    after = 0
    while rows := connection.execute(page, {"after": after, "page": _PAGE}).all():
        index.add(connection, rows)
        after = rows[-1].seq
