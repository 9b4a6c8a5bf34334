"""How long a channel keeps its messages, and from when on that counts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns; every channel that is there keeps its messages for ever. Followers are found by what they follow."""
    op.add_column("channels", sa.Column("retention_days", sa.Integer(), nullable=True))
    op.add_column("channels", sa.Column("retention_from", sa.BigInteger(), nullable=True))
    op.create_index("ix_follows_thread_id", "follows", ["thread_id"])


def downgrade() -> None:
    """Everything is kept for ever again: what was chosen is gone, and no message."""
    op.drop_index("ix_follows_thread_id", "follows")
    op.execute("ALTER TABLE channels DROP COLUMN retention_from")
    op.execute("ALTER TABLE channels DROP COLUMN retention_days")
