"""Create the tables of the message log."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    messages, tags = f"{prefix}messages", f"{prefix}message_tags"
    op.create_table(
        messages,
        sa.Column("ref", sa.String(255), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("lookup", sa.String(64), nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("configuration_set", sa.Text, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("is_indexed", sa.Boolean, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{messages}_lookup", messages, ["lookup", "sent_at"], schema=schema)
    op.create_index(f"ix_{messages}_message_id", messages, ["message_id"], schema=schema)
    op.create_index(f"ix_{messages}_sent_at", messages, ["sent_at"], schema=schema)
    op.create_table(
        tags,
        sa.Column("ref", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.String(255), primary_key=True),
        sa.Column("sent_at", Moment, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{tags}_value", tags, ["name", "value", "sent_at"], schema=schema)
    op.create_index(f"ix_{tags}_sent_at", tags, ["sent_at"], schema=schema)


def downgrade() -> None:
    """Drop the tables, with everything in them."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    for name in ("message_tags", "messages"):
        op.drop_table(f"{prefix}{name}", schema=schema)
