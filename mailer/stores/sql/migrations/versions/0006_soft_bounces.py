"""Create the table of soft bounces."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    name = f"{prefix}soft_bounces"
    op.create_table(
        name,
        sa.Column("lookup", sa.String(64), primary_key=True),
        sa.Column("delivered_at", Moment),
        sa.Column("bounces", sa.Text, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{name}_expires_at", name, ["expires_at"], schema=schema)


def downgrade() -> None:
    """Drop the table, with everything in it."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    op.drop_table(f"{prefix}soft_bounces", schema=schema)
