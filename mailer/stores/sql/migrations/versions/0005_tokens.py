"""Create the tables of verification codes and links."""

import sqlalchemy as sa
from alembic import context, op

from mailer.stores.sql.types import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    _create_tokens(f"{prefix}tokens", schema)
    _create_events(f"{prefix}token_events", schema)
    _create_limits(f"{prefix}token_limits", schema)


def _create_tokens(name: str, schema: str | None) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("lookup", sa.String(64), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("digest_key", sa.String(32), nullable=False),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("issued_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("used_at", Moment),
        sa.Column("used_by", sa.String(32), nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{name}_lookup", name, ["lookup"], schema=schema)
    op.create_index(f"ix_{name}_expires_at", name, ["expires_at"], schema=schema)


def _create_events(name: str, schema: str | None) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("lookup", sa.String(64), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{name}_lookup", name, ["lookup", "at"], schema=schema)
    op.create_index(f"ix_{name}_at", name, ["at"], schema=schema)


def _create_limits(name: str, schema: str | None) -> None:
    op.create_table(
        name,
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("taken", sa.Text, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        schema=schema,
    )
    op.create_index(f"ix_{name}_expires_at", name, ["expires_at"], schema=schema)


def downgrade() -> None:
    """Drop the tables, with everything in them."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    for name in ("token_limits", "token_events", "tokens"):
        op.drop_table(f"{prefix}{name}", schema=schema)
