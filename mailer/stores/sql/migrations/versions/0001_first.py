"""Create the first tables."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    op.create_table(
        f"{prefix}suppressions",
        sa.Column("lookup", sa.String(64), primary_key=True),
        sa.Column("scope", sa.String(255), primary_key=True),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("reason", sa.String(32)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("created_at", Moment),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("feedback_id", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("expires_at", Moment),
        sa.Column("removed_at", Moment),
        schema=schema,
    )
    history = f"{prefix}suppression_history"
    op.create_table(
        history,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("lookup", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("feedback_id", sa.Text, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{history}_lookup", history, ["lookup"], schema=schema)
    op.create_index(f"ix_{history}_at", history, ["at"], schema=schema)
    events = f"{prefix}events"
    op.create_table(
        events,
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("simulator", sa.Boolean, nullable=False),
        sa.Column("occurred_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("counts_as", sa.String(32), nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{events}_expires_at", events, ["expires_at"], schema=schema)
    idempotency = f"{prefix}idempotency"
    op.create_table(
        idempotency,
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("busy_until", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("results", sa.Text, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{idempotency}_expires_at", idempotency, ["expires_at"], schema=schema)
    op.create_table(f"{prefix}keys", sa.Column("key_id", sa.String(32), primary_key=True), schema=schema)


def downgrade() -> None:
    """Drop the tables, with everything in them."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    for name in ("keys", "idempotency", "events", "suppression_history", "suppressions"):
        op.drop_table(f"{prefix}{name}", schema=schema)
