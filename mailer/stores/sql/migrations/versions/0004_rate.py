"""Create the table of the shared sending rate."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    op.create_table(
        f"{prefix}rate",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("free_at", sa.Double),
        sa.Column("claimed_at", Moment),
        sa.Column("max_rate", sa.Double),
        sa.Column("max_day", sa.Double),
        sa.Column("sent_day", sa.Double),
        sa.Column("at", Moment),
        schema=schema,
    )


def downgrade() -> None:
    """Drop the table."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    op.drop_table(f"{prefix}rate", schema=schema)
