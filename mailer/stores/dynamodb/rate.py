"""The shared sending rate in a stack's DynamoDB table: one item for the time line, one for the account's standing."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from mailer.errors import StoreError
from mailer.stores.dynamodb.items import iso_text, item_key, parse_moment, read_string
from mailer.stores.dynamodb.table import Table, get
from mailer.stores.rate import FRESH, Standing
from mailer.table import RATE
from mailer.wire.errors import ServiceError
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from mailer.stores.dynamodb.table import Item
    from mailer.wire.client import Api

_STANDING, _TIME_LINE = item_key(f"{RATE}ACCOUNT", "STANDING"), item_key(f"{RATE}ACCOUNT", "TIMELINE")
_CONDITION_FAILED = "ConditionalCheckFailedException"
# Two workers that find the time line behind their clock race for it at most so often.
_ATTEMPTS = 5


class DynamoDBRate:
    """A `mailer.stores.rate.RateStore` in a stack's table. Arguments as for `DynamoDBSuppressions`."""

    def __init__(self, table: str, client: "DynamoDBClient | Api | None" = None) -> None:
        self._table = Table(table, client)

    def close(self) -> None:
        """Close the connections that it keeps; a client that was given stays open."""
        self._table.close()

    def standing(self) -> Standing | None:
        """See `RateStore.standing`."""
        with self._table.translated("read the sending rate from") as api:
            item = get(api, self._table.name, _STANDING)
            return _standing(item) if item and "at" in item else None

    def claim_refresh(self, now: datetime) -> bool:
        """See `RateStore.claim_refresh`. One conditional write."""
        update = {
            "UpdateExpression": "SET claimed_at = :now",
            "ConditionExpression": "attribute_not_exists(claimed_at) OR claimed_at <= :before",
            "ExpressionAttributeValues": {":now": {"S": iso_text(now)}, ":before": {"S": iso_text(now - FRESH)}},
        }
        return self._update("claim the account's standing in", _STANDING, update) is not None

    def write_standing(self, standing: Standing) -> None:
        """See `RateStore.write_standing`."""
        values = {":rate": standing.max_rate, ":day": standing.max_day, ":sent": standing.sent_day}
        update = {
            "UpdateExpression": "SET max_rate = :rate, max_day = :day, sent_day = :sent, #at = :at",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": {
                **{name: {"S": repr(value)} for name, value in values.items()},
                ":at": {"S": iso_text(standing.at)},
            },
        }
        self._update("write the account's standing to", _STANDING, update)

    def lease(self, seconds: float, now: float) -> float:
        """See `RateStore.lease`. One write while the rate is used to its end; two at the beginning."""
        add, start = {":add": _number(seconds)}, {":now": _number(now)}
        go_on = {
            "UpdateExpression": "SET free_at = free_at + :add",
            "ConditionExpression": "free_at >= :now",
            "ExpressionAttributeValues": {**add, **start},
        }
        begin = {
            "UpdateExpression": "SET free_at = :end",
            "ConditionExpression": "attribute_not_exists(free_at) OR free_at < :now",
            "ExpressionAttributeValues": {":end": _number(now + seconds), **start},
        }
        for _ in range(_ATTEMPTS):
            for change in (go_on, begin):
                end = self._update("lease a part of the sending rate from", _TIME_LINE, change)
                if end is not None:
                    return float(end["free_at"]["N"]) - seconds
        raise StoreError(
            f"The sending rate in the DynamoDB table {self._table.name} changed during every attempt to lease it.",
            hint="This may be temporary: try again later.",
        )

    def _update(self, doing: str, key: "Item", change: "Mapping[str, object]") -> "Item | None":
        """The item after the change; None if its condition was not met."""
        request = {"TableName": self._table.name, "Key": key, "ReturnValues": "ALL_NEW", **change}
        with self._table.translated(doing) as api:
            try:
                return cast("Item", ask(api, "UpdateItem", request)["Attributes"])
            except ServiceError as error:
                if error.code != _CONDITION_FAILED:
                    raise
        return None


def _standing(item: "Item") -> Standing:
    rate, day, sent = (float(read_string(item, name) or "inf") for name in ("max_rate", "max_day", "sent_day"))
    return Standing(rate, day, sent, parse_moment(read_string(item, "at")).astimezone(UTC))


def _number(value: float) -> dict[str, str]:
    return {"N": f"{value:.6f}"}
