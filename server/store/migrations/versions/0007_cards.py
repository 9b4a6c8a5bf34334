"""What agents tell a channel of their work is found again, and what was told to one under the teller's own id."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TOLD = sa.text("client_id IS NOT NULL")
_CARDS = sa.text("type = 'collaboration.event'")


def upgrade() -> None:
    """A column and two indexes, each of the few rows that it is about."""
    op.add_column("agent_events", sa.Column("client_id", sa.String(length=36), nullable=True))
    op.create_index(
        "ix_agent_events_client",
        "agent_events",
        ["sender_id", "client_id"],
        sqlite_where=_TOLD,
        postgresql_where=_TOLD,
    )
    op.create_index(
        "ix_events_collaboration", "events", ["channel_id", "seq"], sqlite_where=_CARDS, postgresql_where=_CARDS
    )


def downgrade() -> None:
    """Without them again."""
    op.drop_index("ix_events_collaboration", "events")
    op.drop_index("ix_agent_events_client", "agent_events")
    op.execute("ALTER TABLE agent_events DROP COLUMN client_id")
