"""The tables of the SQL stores. The migrations create them; a test compares both."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

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
        rate: The shared sending rate.
        outbox: Mails that are to be sent, and what became of them.
        tokens: Verification codes and links.
        token_events: The audit of verification tokens.
        token_limits: How often tokens were asked for and tried.
        soft_bounces: What is known of mailboxes that bounce for now.
        counters: The counts of days that are over.
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
    rate: Table
    outbox: Table
    tokens: Table
    token_events: Table
    token_limits: Table
    soft_bounces: Table
    counters: Table

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
            _rate(metadata, prefix),
            _outbox(metadata, prefix),
            _tokens(metadata, prefix),
            _token_events(metadata, prefix),
            _token_limits(metadata, prefix),
            _soft_bounces(metadata, prefix),
            _counters(metadata, prefix),
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


def _rate(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}rate",
        metadata,
        Column("name", String(WORD), primary_key=True),
        # Seconds since 1970: what was leased of the account's time line ends then.
        Column("free_at", Double),
        Column("claimed_at", Moment),
        Column("max_rate", Double),
        Column("max_day", Double),
        Column("sent_day", Double),
        Column("at", Moment),
    )


def _outbox(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}outbox"
    table = Table(
        name,
        metadata,
        Column("id", String(WORD), primary_key=True),
        Column("status", String(WORD), nullable=False),
        # The negative priority, so that one ascending index has the order in which mails are sent.
        Column("rank", SmallInteger, nullable=False),
        Column("due_at", Moment, nullable=False),
        Column("send_at", Moment, nullable=False),
        Column("expires_at", Moment),
        Column("created_at", Moment, nullable=False),
        Column("changed_at", Moment, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("attempt_id", String(WORD), nullable=False),
        Column("claimed_by", String(ID), nullable=False),
        Column("claimed_until", Moment),
        Column("message_id", String(ID), nullable=False),
        Column("stream", String(SCOPE), nullable=False),
        Column("reason", Text, nullable=False),
        # Null: no idempotency key, or the mail was cancelled.
        Column("key", String(HASH)),
        Column("fingerprint", String(HASH), nullable=False),
        # The key that `payload` is encrypted with; empty for plain text.
        Column("key_id", String(WORD), nullable=False),
        # The look-up values of all recipients, with spaces around each.
        Column("lookups", Text, nullable=False),
        # The addresses, encrypted like `payload`: look-up values of another key are made of them.
        Column("recipients", Text, nullable=False),
        # Empty once nobody will send it again.
        Column("payload", Text, nullable=False),
        # Null: it is not sent again after a soft bounce.
        Column("redeliver_until", Moment),
        # When the soft bounce happened that this row is sent again for, and how many there were; null: none.
        Column("lost_at", Moment),
        Column("losses", Integer),
    )
    Index(f"ix_{name}_due", table.c.status, table.c.rank, table.c.due_at, table.c.id)
    Index(f"ix_{name}_changed_at", table.c.status, table.c.changed_at)
    Index(f"ix_{name}_key", table.c.key, unique=True)
    Index(f"ix_{name}_attempt_id", table.c.attempt_id)
    return table


def _tokens(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}tokens"
    table = Table(
        name,
        metadata,
        Column("id", String(HASH), primary_key=True),
        Column("serial", String(HASH), nullable=False),
        Column("kind", String(WORD), nullable=False),
        Column("purpose", String(HASH), nullable=False),
        # The key that `address` and `account` are encrypted with; empty for plain text. Not the key of the digest.
        Column("key_id", String(WORD), nullable=False),
        Column("lookup", String(HASH), nullable=False),
        Column("address", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("digest", String(HASH), nullable=False),
        Column("digest_key", String(WORD), nullable=False),
        Column("browser", String(HASH), nullable=False),
        Column("issued_at", Moment, nullable=False),
        Column("expires_at", Moment, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("used_at", Moment),
        Column("used_by", String(WORD), nullable=False),
    )
    Index(f"ix_{name}_lookup", table.c.lookup)
    Index(f"ix_{name}_expires_at", table.c.expires_at)
    return table


def _token_events(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}token_events"
    table = Table(
        name,
        metadata,
        # SQLite numbers rows by itself only in a column of the type INTEGER.
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("at", Moment, nullable=False),
        Column("action", String(WORD), nullable=False),
        Column("kind", String(WORD), nullable=False),
        Column("purpose", String(HASH), nullable=False),
        Column("key_id", String(WORD), nullable=False),
        Column("lookup", String(HASH), nullable=False),
        Column("address", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("serial", String(HASH), nullable=False),
        Column("detail", Text, nullable=False),
    )
    Index(f"ix_{name}_lookup", table.c.lookup, table.c.at)
    Index(f"ix_{name}_at", table.c.at)
    return table


def _token_limits(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}token_limits"
    table = Table(
        name,
        metadata,
        Column("key", String(HASH), primary_key=True),
        Column("taken", Text, nullable=False),
        Column("expires_at", Moment, nullable=False),
    )
    Index(f"ix_{name}_expires_at", table.c.expires_at)
    return table


def _soft_bounces(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}soft_bounces"
    table = Table(
        name,
        metadata,
        Column("lookup", String(HASH), primary_key=True),
        Column("delivered_at", Moment),
        Column("bounces", Text, nullable=False),
        Column("expires_at", Moment, nullable=False),
    )
    Index(f"ix_{name}_expires_at", table.c.expires_at)
    return table


def _counters(metadata: MetaData, prefix: str) -> Table:
    name = f"{prefix}counters"
    table = Table(
        name,
        metadata,
        # In UTC, as `2026-03-02`: text that is sorted by time.
        Column("day", String(WORD), primary_key=True),
        Column("counts", Text, nullable=False),
        Column("expires_at", Moment, nullable=False),
    )
    Index(f"ix_{name}_expires_at", table.c.expires_at)
    return table
