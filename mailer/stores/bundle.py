"""The stores of one mailer, one for each concern, over the same connections."""

from dataclasses import dataclass
from os import environ
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
from mailer.stores.dynamodb.rate import DynamoDBRate
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.stack import StackOutputs
    from mailer.stores.base import SuppressionStore
    from mailer.stores.idempotency import IdempotencyStore
    from mailer.stores.messages import MessageLog
    from mailer.stores.rate import RateStore
    from mailer.stores.sql.stores import SqlStores
    from mailer.wire.access import Access
    from mailer.wire.client import Api

# Names the store where no argument does.
VARIABLE = "MAILSTACK_STORE"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a mailer keeps what it must know.

    Attributes:
        suppressions: Addresses that no mail may be sent to.
        idempotency: Keys that are spent.
        messages: What became of each message; None if the stack keeps no message log.
        rate: The sending rate that workers share; None if the store cannot keep it.
        close: Closes the connections.
    """

    suppressions: "SuppressionStore"
    idempotency: "IdempotencyStore"
    messages: "MessageLog | None"
    rate: "RateStore | None"
    close: "Callable[[], None]"


def dynamodb_stores(table: str, region: str, access: "Access", *, log_days: int) -> Stores:
    """The stores in a stack's table, in the stack's region, whichever region the process is set to."""
    api = dynamodb_api(region, access)
    suppressions, idempotency = DynamoDBSuppressions(table, api), DynamoDBIdempotency(table, api)
    return Stores(suppressions, idempotency, _messages(table, api, log_days), DynamoDBRate(table, api), api.close)


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


def chosen_stores(store: "str | SqlStores | None", outputs: "StackOutputs", access: "Access") -> Stores:
    """The stores that an argument names, else `MAILSTACK_STORE`, else those in the stack's table.

    Stores that were given open stay open.
    """
    chosen = environ.get(VARIABLE, "").strip() if store is None else store
    if not chosen:
        return dynamodb_stores(outputs.table, outputs.region, access, log_days=outputs.message_log_days)
    sql = sql_stores(chosen) if isinstance(chosen, str) else chosen
    close = sql.close if isinstance(chosen, str) else _nothing
    return Stores(sql.suppressions, sql.idempotency, sql.messages, None, close)


def _nothing() -> None:
    """Close nothing."""
