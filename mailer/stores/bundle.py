"""The stores of one mailer, one for each concern, over the same connections."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.stores.base import SuppressionStore
    from mailer.stores.idempotency import IdempotencyStore
    from mailer.stores.messages import MessageLog
    from mailer.wire.access import Access
    from mailer.wire.client import Api


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a mailer keeps what it must know.

    Attributes:
        suppressions: Addresses that no mail may be sent to.
        idempotency: Keys that are spent.
        messages: What became of each message; None if the stack keeps no message log.
        close: Closes the connections.
    """

    suppressions: "SuppressionStore"
    idempotency: "IdempotencyStore"
    messages: "MessageLog | None"
    close: "Callable[[], None]"


def dynamodb_stores(table: str, region: str, access: "Access", *, log_days: int) -> Stores:
    """The stores in a stack's table, in the stack's region, whichever region the process is set to."""
    api = dynamodb_api(region, access)
    return Stores(
        DynamoDBSuppressions(table, api), DynamoDBIdempotency(table, api), _messages(table, api, log_days), api.close
    )


def _messages(table: str, api: "Api", days: int) -> "MessageLog | None":
    if not days:
        return None
    from mailer.stores.dynamodb.messages import DynamoDBMessageLog

    return DynamoDBMessageLog(table, api, days=days)
