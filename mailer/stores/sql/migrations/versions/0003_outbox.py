"""Create the table of the outbox."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    outbox = f"{prefix}outbox"
    op.create_table(
        outbox,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("due_at", Moment, nullable=False),
        sa.Column("send_at", Moment, nullable=False),
        sa.Column("expires_at", Moment),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("claimed_by", sa.String(255), nullable=False),
        sa.Column("claimed_until", Moment),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("stream", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("key", sa.String(64)),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("lookups", sa.Text, nullable=False),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{outbox}_due", outbox, ["status", "rank", "due_at", "id"], schema=schema)
    op.create_index(f"ix_{outbox}_changed_at", outbox, ["status", "changed_at"], schema=schema)
    op.create_index(f"ix_{outbox}_key", outbox, ["key"], unique=True, schema=schema)


def downgrade() -> None:
    """Drop the table, with everything in it."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    op.drop_table(f"{prefix}outbox", schema=schema)
