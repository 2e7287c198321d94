"""The stores of one mailer, one for each concern, over the same connections."""

from dataclasses import dataclass
from os import environ
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.stores.dynamodb.counters import DynamoDBDayCounters
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
from mailer.stores.dynamodb.rate import DynamoDBRate
from mailer.stores.dynamodb.soft_bounces import DynamoDBSoftBounces
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.stores.dynamodb.tokens import DynamoDBTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.stack import StackOutputs
    from mailer.stores.base import EventStore, RevisableSuppressions
    from mailer.stores.counters import DayCounters
    from mailer.stores.idempotency import IdempotencyStore
    from mailer.stores.messages import MessageLog
    from mailer.stores.rate import RateStore
    from mailer.stores.soft_bounces import SoftBounceStore
    from mailer.stores.sql.outbox import SqlOutbox
    from mailer.stores.sql.stores import SqlStores
    from mailer.stores.tokens import TokenStore
    from mailer.wire.access import Access
    from mailer.wire.client import Api

# Name the store, and the database of the outbox, where no argument does.
VARIABLE, OUTBOX_VARIABLE = "MAILSTACK_STORE", "MAILSTACK_OUTBOX"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a mailer keeps what it must know.

    Attributes:
        suppressions: Addresses that no mail may be sent to.
        events: Events that were processed.
        soft_bounces: What is known of mailboxes that bounce for now.
        idempotency: Keys that are spent.
        tokens: Verification codes and links.
        messages: What became of each message; None if the stack keeps no message log.
        counters: The counts of days that are over.
        rate: The sending rate that workers share; None if the store cannot keep it.
        outbox: Mails that are to be sent; None if the store cannot keep them.
        close: Closes the connections.
    """

    suppressions: "RevisableSuppressions"
    events: "EventStore"
    soft_bounces: "SoftBounceStore"
    idempotency: "IdempotencyStore"
    tokens: "TokenStore"
    messages: "MessageLog | None"
    counters: "DayCounters"
    rate: "RateStore | None"
    outbox: "SqlOutbox | None"
    close: "Callable[[], None]"


def dynamodb_stores(table: str, region: str, access: "Access", *, log_days: int) -> Stores:
    """The stores in a stack's table, in the stack's region, whichever region the process is set to."""
    api = dynamodb_api(region, access)
    suppressions, events = DynamoDBSuppressions(table, api), DynamoDBEvents(table, api)
    soft_bounces, rate = DynamoDBSoftBounces(table, api), DynamoDBRate(table, api)
    kept = DynamoDBIdempotency(table, api), DynamoDBTokens(table, api), _messages(table, api, log_days)
    counters = DynamoDBDayCounters(table, api)
    return Stores(suppressions, events, soft_bounces, *kept, counters, rate, None, api.close)


def _messages(table: str, api: "Api", days: int) -> "MessageLog | None":
    if not days:
        return None
    from mailer.stores.dynamodb.messages import DynamoDBMessageLog

    return DynamoDBMessageLog(table, api, days=days)


def sql_stores(url: str) -> "SqlStores":
    """The stores in a SQL database.

    Raises:
        ConfigurationError: The URL is wrong, or a package is missing.
    """
    try:
        from mailer.stores.sql.stores import SqlStores
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sqlalchemy":
            raise
        hint = install_command("sql" if url.startswith("sqlite") else "postgresql")
        raise ConfigurationError("A SQL store needs the package SQLAlchemy.", hint=hint) from error
    return SqlStores(url)


def memory_stores() -> Stores:
    """Empty stores in memory, which end with the process."""
    from mailer.stores.memory import MemoryEvents, MemoryIdempotency, MemorySoftBounces, MemorySuppressions
    from mailer.stores.memory_counters import MemoryDayCounters
    from mailer.stores.memory_tokens import MemoryTokens

    kept = MemorySuppressions(), MemoryEvents(), MemorySoftBounces(), MemoryIdempotency(), MemoryTokens()
    return Stores(*kept, None, MemoryDayCounters(), None, None, _nothing)


def chosen_stores(store: "str | SqlStores | Stores | None", outputs: "StackOutputs", access: "Access") -> Stores:
    """The stores that an argument names, else `MAILSTACK_STORE`, else those in the stack's table.

    Stores that were given open stay open.
    """
    if isinstance(store, Stores):
        return store
    chosen = environ.get(VARIABLE, "").strip() if store is None else store
    if not chosen:
        return dynamodb_stores(outputs.table, outputs.region, access, log_days=outputs.message_log_days)
    sql = sql_stores(chosen) if isinstance(chosen, str) else chosen
    close = sql.close if isinstance(chosen, str) else _nothing
    kept = sql.suppressions, sql.events, sql.soft_bounces, sql.idempotency, sql.tokens
    return Stores(*kept, sql.messages, sql.counters, sql.rate, sql.outbox, close)


def stores_without_stack(store: "str | SqlStores | None") -> "str | SqlStores | Stores":
    """The `store` of a mailer whose stack has no table: what it names or the environment does, else memory."""
    chosen = environ.get(VARIABLE, "").strip() if store is None else store
    return chosen or memory_stores()


def chosen_outbox(outbox: "str | SqlStores | None", stores: Stores) -> "tuple[SqlOutbox | None, Callable[[], None]]":
    """The outbox that an argument names, else `MAILSTACK_OUTBOX`, else that of the stores; and what closes it."""
    chosen = environ.get(OUTBOX_VARIABLE, "").strip() if outbox is None else outbox
    if not chosen:
        return stores.outbox, _nothing
    if isinstance(chosen, str):
        sql = sql_stores(chosen)
        return sql.outbox, sql.close
    return chosen.outbox, _nothing


def _nothing() -> None:
    """Close nothing."""
