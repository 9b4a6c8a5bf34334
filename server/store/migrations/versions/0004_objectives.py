"""What was counted of the objectives, by hours."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "objectives",
        sa.Column("hour", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("objective", sa.String(length=16), nullable=False),
        sa.Column("bad", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "objective", name=op.f("pk_objectives")),
        comment="What was counted of each objective, by hours since the epoch",
    )


def downgrade() -> None:
    """Let it go: what it counts begins anew, and nobody wrote any of it."""
    op.drop_table("objectives")
