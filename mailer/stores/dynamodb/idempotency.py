"""Idempotency keys in a stack's DynamoDB table."""

from typing import TYPE_CHECKING, cast

from mailer.stores.base import utcnow
from mailer.stores.dynamodb.items import (
    ABSENT,
    epoch_seconds,
    iso_text,
    item_key,
    parse_moment,
    read_expiry,
    read_string,
)
from mailer.stores.dynamodb.table import Table, get
from mailer.stores.idempotency import IdempotencyRecord
from mailer.table import EXPIRES_AT, IDEMPOTENCY
from mailer.wire.errors import ServiceError
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from mailer.stores.dynamodb.table import Item
    from mailer.wire.client import Api

_SORT = "IDEMPOTENCY"
_CONDITION_FAILED = "ConditionalCheckFailedException"
_OWN = "id = :id"


class DynamoDBIdempotency:
    """A `mailer.stores.idempotency.IdempotencyStore` in a stack's table. Arguments as for `DynamoDBSuppressions`.

    A key costs two writes: one before the message is sent and one after. An item is smaller than 1 KB for up to three
    recipients, so each is one write unit.
    """

    def __init__(
        self, table: str, client: "DynamoDBClient | Api | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table = Table(table, client)
        self._clock = clock

    def close(self) -> None:
        """Close the connections that it keeps; a client that was given stays open."""
        self._table.close()

    def begin(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """See `IdempotencyStore.begin`. One request: a refused condition returns the item that is there.

        The request may have been retried after a lost answer. The item that is there then is its own.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
        (ReturnValuesOnConditionCheckFailure)
        """
        request = {
            "TableName": self._table.name,
            "Item": _item(record),
            "ConditionExpression": f"{ABSENT} OR {EXPIRES_AT} <= :now",
            "ExpressionAttributeValues": {":now": epoch_seconds(self._clock())},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        with self._table.translated("write an idempotency key to") as api:
            try:
                ask(api, "PutItem", request)
            except ServiceError as error:
                if error.code != _CONDITION_FAILED:
                    raise
                there = _record(record.key, cast("Item", error.details["Item"]))
                return None if there.id == record.id and not there.results else there
        return None

    def complete(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.complete`."""
        self._change(
            "UpdateItem",
            record,
            {
                "UpdateExpression": "SET results = :results",
                "ExpressionAttributeValues": {":id": {"S": record.id}, ":results": {"S": record.results}},
            },
        )

    def release(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.release`."""
        self._change("DeleteItem", record, {"ExpressionAttributeValues": {":id": {"S": record.id}}})

    def _change(self, operation: str, record: IdempotencyRecord, change: dict[str, object]) -> None:
        key = {"TableName": self._table.name, "Key": _key(record.key), "ConditionExpression": _OWN}
        with self._table.translated("write an idempotency key to") as api:
            try:
                ask(api, operation, {**key, **change})
            except ServiceError as error:
                if error.code != _CONDITION_FAILED:
                    raise

    def get(self, key: str) -> IdempotencyRecord | None:
        """See `IdempotencyStore.get`. Read consistently."""
        with self._table.translated("read an idempotency key from") as api:
            item = get(api, self._table.name, _key(key))
            record = _record(key, item) if item else None
        return record if record and record.expires_at > self._clock() else None


def _key(key: str) -> "dict[str, AttributeValueTypeDef]":
    return item_key(f"{IDEMPOTENCY}{key}", _SORT)


def _item(record: IdempotencyRecord) -> "dict[str, AttributeValueTypeDef]":
    return {
        **_key(record.key),
        "fingerprint": {"S": record.fingerprint},
        "id": {"S": record.id},
        "busy_until": {"S": iso_text(record.busy_until)},
        EXPIRES_AT: epoch_seconds(record.expires_at),
        "results": {"S": record.results},
    }


def _record(key: str, item: "Item") -> IdempotencyRecord:
    return IdempotencyRecord(
        key=key,
        fingerprint=read_string(item, "fingerprint"),
        id=item["id"]["S"],
        busy_until=parse_moment(read_string(item, "busy_until")),
        expires_at=read_expiry(item),
        results=read_string(item, "results"),
    )
