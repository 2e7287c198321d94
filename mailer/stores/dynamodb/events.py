"""Processed events in a stack's DynamoDB table."""

from datetime import datetime
from typing import TYPE_CHECKING

from mailer.stores.base import ProcessedEvent, utcnow
from mailer.stores.dynamodb.items import ABSENT, epoch_seconds, iso_text, item_key, read_expiry, read_string
from mailer.stores.dynamodb.table import Table, get, transact
from mailer.table import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef

    from mailer.stores.dynamodb.table import Item
    from mailer.wire.client import Api


class DynamoDBEvents:
    """A `mailer.stores.base.EventStore` in a stack's table. Arguments as for `DynamoDBSuppressions`."""

    def __init__(
        self, table: str, client: "DynamoDBClient | Api | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table = Table(table, client)
        self._clock = clock

    def get(self, key: str) -> ProcessedEvent | None:
        """See `EventStore.get`."""
        with self._table.translated("read an event from") as api:
            item = get(api, self._table.name, _event_key(key))
            event = _event(key, item) if item else None
        return event if event and event.expires_at > self._clock() else None

    def record(self, event: ProcessedEvent) -> bool:
        """See `EventStore.record`.

        A transaction of one, because it is idempotent: a write is made again when its answer is lost, and a plain
        conditional write would then find its own item and say that the event is not new.
        """
        put: PutTypeDef = {
            "TableName": self._table.name,
            "Item": _event_item(event),
            "ConditionExpression": f"{ABSENT} OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": epoch_seconds(self._clock())},
        }
        with self._table.translated("record an event in") as api:
            return not transact(api, {"Put": put})


def _event_key(key: str) -> "dict[str, AttributeValueTypeDef]":
    return item_key(f"{EVENTS}{key}", "EVENT")


def _event_item(event: ProcessedEvent) -> "dict[str, AttributeValueTypeDef]":
    return {
        **_event_key(event.key),
        "kind": {"S": event.kind},
        "outcome": {"S": event.outcome},
        "detail": {"S": event.detail},
        "recipient": {"S": event.recipient},
        "message_id": {"S": event.message_id},
        "simulator": {"BOOL": event.simulator},
        "occurred_at": {"S": iso_text(event.occurred_at)},
        "expires_at": epoch_seconds(event.expires_at),
        "counts_as": {"S": event.counts_as},
    }


def _event(key: str, item: "Item") -> ProcessedEvent:
    return ProcessedEvent(
        key=key,
        kind=read_string(item, "kind"),
        outcome=read_string(item, "outcome"),
        detail=read_string(item, "detail"),
        recipient=read_string(item, "recipient"),
        message_id=read_string(item, "message_id"),
        simulator=item["simulator"]["BOOL"],
        occurred_at=datetime.fromisoformat(item["occurred_at"]["S"]),
        expires_at=read_expiry(item),
        counts_as=read_string(item, "counts_as"),
    )
