"""The tables of the SQL stores. The migrations create them; a test compares both."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from mailer.stores.sql.types import Moment

if TYPE_CHECKING:
    from typing import Self

PREFIX = "mailstack_"
# Characters. A look-up value and a key are a SHA-256 in hexadecimal; SES's ids are shorter than 100.
HASH, ID, SCOPE, WORD = 64, 255, 255, 32


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables under a prefix, in a schema.

    Attributes:
        suppressions: One row for each address and scope: the suppression, the last removal, or both.
        history: What was done to suppressions: when, by whom, why.
        events: Processed events.
        idempotency: Idempotency keys.
        keys: The ids of the keys that rows are encrypted with.
        messages: The message log.
        tags: What messages are found by, besides their recipients.
    """

    VERSION: ClassVar[str] = "schema_version"

    metadata: MetaData
    suppressions: Table
    history: Table
    events: Table
    idempotency: Table
    keys: Table
    messages: Table
    tags: Table

    @classmethod
    def create(cls, prefix: str = PREFIX, schema: str | None = None) -> "Self":
        """The tables under a prefix, in a schema."""
        metadata = MetaData(schema=schema)
        return cls(
            metadata,
            _suppressions(metadata, prefix),
            _history(metadata, prefix),
            _events(metadata, prefix),
            _idempotency(metadata, prefix),
            Table(f"{prefix}keys", metadata, Column("key_id", String(WORD), primary_key=True)),
            _messages(metadata, prefix),
            _tags(metadata, prefix),
        )


def _suppressions(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}suppressions",
        metadata,
        Column("lookup", String(HASH), primary_key=True),
        Column("scope", String(SCOPE), primary_key=True),
        # The key that `address` and `detail` are encrypted with; empty for plain text.
        Column("key_id", String(WORD), nullable=False),
        # Null after `erase`: only the look-up value is left.
        Column("address", Text),
        # Null: not suppressed; the row remembers a removal.
        Column("reason", String(WORD)),
        Column("detail", Text, nullable=False),
        Column("created_at", Moment),
        Column("message_id", Text, nullable=False),
        Column("feedback_id", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("expires_at", Moment),
        Column("removed_at", Moment),
    )


def _history(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}suppression_history"
    table = Table(
        name,
        metadata,
        # SQLite numbers rows by itself only in a column of the type INTEGER.
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("lookup", String(HASH), nullable=False),
        Column("scope", String(SCOPE), nullable=False),
        Column("key_id", String(WORD), nullable=False),
        Column("address", Text, nullable=False),
        Column("at", Moment, nullable=False),
        Column("action", String(WORD), nullable=False),
        Column("reason", String(WORD), nullable=False),
        Column("detail", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("message_id", Text, nullable=False),
        Column("feedback_id", Text, nullable=False),
    )
    Index(f"ix_{name}_lookup", table.c.lookup)
    Index(f"ix_{name}_at", table.c.at)
    return table


def _events(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}events"
    table = Table(
        name,
        metadata,
        Column("key", String(ID), primary_key=True),
        Column("key_id", String(WORD), nullable=False),
        Column("kind", String(WORD), nullable=False),
        Column("outcome", String(WORD), nullable=False),
        Column("detail", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("message_id", Text, nullable=False),
        Column("simulator", Boolean, nullable=False),
        Column("occurred_at", Moment, nullable=False),
        Column("expires_at", Moment, nullable=False),
        Column("counts_as", String(WORD), nullable=False),
    )
    Index(f"ix_{name}_expires_at", table.c.expires_at)
    return table


def _idempotency(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}idempotency"
    table = Table(
        name,
        metadata,
        Column("key", String(HASH), primary_key=True),
        Column("fingerprint", String(HASH), nullable=False),
        Column("id", String(ID), nullable=False),
        Column("busy_until", Moment, nullable=False),
        Column("expires_at", Moment, nullable=False),
        Column("results", Text, nullable=False),
    )
    Index(f"ix_{name}_expires_at", table.c.expires_at)
    return table


def _messages(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}messages"
    table = Table(
        name,
        metadata,
        Column("ref", String(ID), primary_key=True),
        Column("key", String(ID), primary_key=True),
        Column("key_id", String(WORD), nullable=False),
        Column("lookup", String(HASH), nullable=False),
        Column("recipient", Text, nullable=False),
        Column("kind", String(WORD), nullable=False),
        Column("at", Moment, nullable=False),
        Column("sent_at", Moment, nullable=False),
        Column("id", String(ID), nullable=False),
        Column("message_id", String(ID), nullable=False),
        Column("configuration_set", Text, nullable=False),
        Column("template", Text, nullable=False),
        Column("tags", Text, nullable=False),
        Column("category", Text, nullable=False),
        Column("code", Text, nullable=False),
        Column("words", Text, nullable=False),
        Column("is_indexed", Boolean, nullable=False),
    )
    Index(f"ix_{name}_lookup", table.c.lookup, table.c.sent_at)
    Index(f"ix_{name}_message_id", table.c.message_id)
    Index(f"ix_{name}_sent_at", table.c.sent_at)
    return table


def _tags(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}message_tags"
    table = Table(
        name,
        metadata,
        Column("ref", String(ID), primary_key=True),
        Column("name", String(ID), primary_key=True),
        Column("value", String(ID), primary_key=True),
        Column("sent_at", Moment, nullable=False),
    )
    Index(f"ix_{name}_value", table.c.name, table.c.value, table.c.sent_at)
    Index(f"ix_{name}_sent_at", table.c.sent_at)
    return table
