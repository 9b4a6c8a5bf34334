"""Who follows which thread, and how far it was read."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row for who opened a thread, who wrote what it hangs under, and who replied; what is there by now is read."""
    op.create_table(
        "follows",
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "thread_id", name=op.f("pk_follows")),
    )
    op.execute(
        "INSERT INTO follows (agent_id, thread_id, channel_id, seq) "
        "SELECT who.agent_id, who.thread_id, who.channel_id, (SELECT seq FROM log_head) FROM ("
        "SELECT created_by AS agent_id, id AS thread_id, channel_id FROM threads "
        "UNION SELECT m.sender_id, t.id, t.channel_id FROM threads t JOIN messages m ON m.id = t.parent_message_id "
        "UNION SELECT sender_id, thread_id, channel_id FROM messages WHERE thread_id IS NOT NULL"
        ") who JOIN agents ON agents.id = who.agent_id"
    )


def downgrade() -> None:
    """Nobody follows any."""
    op.drop_table("follows")
