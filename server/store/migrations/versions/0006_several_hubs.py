"""Several hubs on one PostgreSQL: the changes that each takes over from the others, and which hubs there are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both, and the counter of changes."""
    op.add_column("log_head", sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "changes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_changes")),
    )
    # what is in it is said anew every second, so it need not survive a crash of the database
    prefixes = ["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else []
    op.create_table(
        "hubs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hubs")),
        prefixes=prefixes,
    )


def downgrade() -> None:
    """Only hubs that run beside each other need any of it."""
    op.drop_table("hubs")
    op.drop_table("changes")
    op.execute("ALTER TABLE log_head DROP COLUMN version")
