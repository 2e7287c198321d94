"""Add what the outbox keeps of mail that is sent again after a soft bounce."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns, which an older library leaves null."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    outbox = f"{prefix}outbox"
    op.add_column(outbox, sa.Column("redeliver_until", Moment), schema=schema)
    op.add_column(outbox, sa.Column("lost_at", Moment), schema=schema)
    op.add_column(outbox, sa.Column("losses", sa.Integer), schema=schema)
    op.create_index(f"ix_{outbox}_attempt_id", outbox, ["attempt_id"], schema=schema)


def downgrade() -> None:
    """Drop the columns."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    outbox = f"{prefix}outbox"
    op.drop_index(f"ix_{outbox}_attempt_id", outbox, schema=schema)
    for name in ("losses", "lost_at", "redeliver_until"):
        op.drop_column(outbox, name, schema=schema)
