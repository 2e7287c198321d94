"""The facts about mailboxes that bounce for now, in a stack's DynamoDB table."""

from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.errors import StoreError
from mailer.stores.base import utcnow
from mailer.stores.dynamodb.items import ABSENT, epoch_seconds, iso_text, item_key, parse_moment, read_string
from mailer.stores.dynamodb.table import ATTEMPTS, Table, get, transact
from mailer.stores.soft_bounces import KEPT, Mailbox
from mailer.table import SUPPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef

    from mailer.stores.dynamodb.table import Item
    from mailer.wire.client import Api

# The sort key, beside the suppressions of the address.
_KIND = "MAILBOX"


class DynamoDBSoftBounces:
    """A `mailer.stores.soft_bounces.SoftBounceStore` in a stack's table. Arguments as for `DynamoDBSuppressions`."""

    def __init__(
        self, table: str, client: "DynamoDBClient | Api | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table = Table(table, client)
        self._clock = clock

    def get(self, address: str) -> Mailbox:
        """See `SoftBounceStore.get`."""
        with self._table.translated("read soft bounces from") as api:
            return _mailbox(get(api, self._table.name, _key(address)))

    def merge(self, address: str, seen: Mailbox) -> Mailbox:
        """See `SoftBounceStore.merge`. Written only over what was read; a change in between is read again."""
        for _ in range(ATTEMPTS):
            now = self._clock()
            with self._table.translated("write soft bounces to") as api:
                item = get(api, self._table.name, _key(address))
                known = _mailbox(item)
                merged = known.merged(seen).since(now - KEPT)
                if item and merged == known:
                    return merged
                if not transact(api, {"Put": self._put(address, merged, item, now)}):
                    return merged
        raise StoreError(
            f"Soft bounces in the DynamoDB table {self._table.name} changed during every attempt to add one.",
            hint="Try again.",
        )

    def _put(self, address: str, merged: Mailbox, item: "Item | None", now: "datetime") -> "PutTypeDef":
        delivered = iso_text(merged.delivered_at) if merged.delivered_at else ""
        put: PutTypeDef = {
            "TableName": self._table.name,
            "Item": {
                **_key(address),
                "delivered_at": {"S": delivered},
                "bounces": {"S": merged.bounces_json()},
                "expires_at": epoch_seconds(now + KEPT),
            },
            "ConditionExpression": ABSENT,
        }
        if item:
            put["ConditionExpression"] = "delivered_at = :delivered AND bounces = :bounces"
            put["ExpressionAttributeValues"] = {
                ":delivered": {"S": read_string(item, "delivered_at")},
                ":bounces": {"S": read_string(item, "bounces")},
            }
        return put


def _key(address: str) -> "dict[str, AttributeValueTypeDef]":
    return item_key(f"{SUPPRESSIONS}{address_key(address)}", _KIND)


def _mailbox(item: "Item | None") -> Mailbox:
    if not item:
        return Mailbox()
    delivered = read_string(item, "delivered_at")
    return Mailbox.read(parse_moment(delivered) if delivered else None, read_string(item, "bounces"))
