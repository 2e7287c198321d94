"""Create the table of counters by day."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    name = f"{prefix}counters"
    op.create_table(
        name,
        sa.Column("day", sa.String(32), primary_key=True),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{name}_expires_at", name, ["expires_at"], schema=schema)


def downgrade() -> None:
    """Drop the table, with everything in it."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    op.drop_table(f"{prefix}counters", schema=schema)
