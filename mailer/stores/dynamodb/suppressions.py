"""The suppression list in a stack's DynamoDB table."""

from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.errors import StoreError
from mailer.stores.base import ALL, REASONS, REMEMBERED, PutOutcome, Suppression, check_scope, strongest, utcnow
from mailer.stores.dynamodb.items import (
    ABSENT,
    epoch_seconds,
    iso_text,
    item_key,
    parse_moment,
    read_expiry,
    read_string,
)
from mailer.stores.dynamodb.table import ATTEMPTS, MAX_KEYS, Table, batch_get, get, scan, transact
from mailer.table import PARTITION_KEY, SORT_KEY, SUPPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, ConditionCheckTypeDef, DeleteTypeDef, PutTypeDef

    from mailer.stores.dynamodb.table import Item
    from mailer.wire.client import Api

# The beginnings of the sort keys.
_SUPPRESSION, _REMOVAL = "SUPPRESSION", "REMOVAL"


class DynamoDBSuppressions:
    """A `mailer.stores.base.SuppressionStore` in a stack's table.

    Args:
        table: The table's name; `StackOutputs.table`.
        client: What `dynamodb_api` gives, or a boto3 DynamoDB client with time-outs of its own; the former when left
            out.
        clock: The time now, with a zone.

    Example:
        >>> suppressions = DynamoDBSuppressions("mailstack-local")
        >>> suppressions.get_many(["ada@example.com"])  # doctest: +SKIP
        {}
    """

    def __init__(
        self, table: str, client: "DynamoDBClient | Api | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table = Table(table, client)
        self._clock = clock

    def get_many(self, keys: "Iterable[str]", scopes: "Iterable[str]" = ()) -> dict[str, Suppression]:
        """See `SuppressionStore.get_many`. Read consistently, 100 keys a request; a scope is a key more."""
        wanted = sorted(product(set(map(address_key, keys)), {ALL, *scopes}))
        found: list[Suppression] = []
        with self._table.translated("read suppressions from") as api:
            for start in range(0, len(wanted), MAX_KEYS):
                chunk = [_suppression_key(*key) for key in wanted[start : start + MAX_KEYS]]
                found += map(_suppression, batch_get(api, self._table.name, chunk))
        now = self._clock()
        return strongest(suppression for suppression in found if suppression.active(now))

    def close(self) -> None:
        """Close the connections that are kept; those of a client that was given are its owner's."""
        self._table.close()

    def put(self, suppression: Suppression) -> PutOutcome:
        """See `SuppressionStore.put`. One transaction, so that two writers cannot weaken what either wrote."""
        row = suppression.known_at(self._clock())
        return self._write(row, *_outranked_by(row))

    def replace(self, suppression: Suppression) -> PutOutcome:
        """See `RevisableSuppressions.replace`."""
        now = self._clock()
        values: dict[str, AttributeValueTypeDef] = {":actor": {"S": suppression.actor}, ":now": epoch_seconds(now)}
        return self._write(suppression.known_at(now), f"{ABSENT} OR actor = :actor OR expires_at <= :now", values)

    def removed_at(self, address: str) -> datetime | None:
        """See `RevisableSuppressions.removed_at`."""
        with self._table.translated("read a removal from") as api:
            item = get(api, self._table.name, _removal_key(address_key(address), ALL))
        return parse_moment(read_string(item, "removed_at")) if item and read_expiry(item) > self._clock() else None

    def _write(self, row: Suppression, condition: str, values: "dict[str, AttributeValueTypeDef]") -> PutOutcome:
        """Write a row if the condition holds for the item in its place, and the address was not removed since."""
        now = self._clock()
        not_removed_since: ConditionCheckTypeDef = {
            "TableName": self._table.name,
            "Key": _removal_key(row.address, row.scope),
            "ConditionExpression": f"{ABSENT} OR removed_at < :created_at OR expires_at <= :now",
            "ExpressionAttributeValues": {":created_at": {"S": iso_text(row.created_at)}, ":now": epoch_seconds(now)},
        }
        write: PutTypeDef = {
            "TableName": self._table.name,
            "Item": _suppression_item(row),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        with self._table.translated("write a suppression to") as api:
            unmet = transact(api, {"ConditionCheck": not_removed_since}, {"Put": write})
        if not unmet:
            return PutOutcome.WRITTEN
        return PutOutcome.REMOVED_SINCE if 0 in unmet else PutOutcome.OUTRANKED

    def remove(self, address: str, *, scope: str = ALL, actor: str = "", why: str = "") -> bool:
        """See `SuppressionStore.remove`. The removal is kept and the row is deleted in one transaction."""
        check_scope(scope)
        address = address_key(address)
        key = _suppression_key(address, scope)
        for _ in range(ATTEMPTS):
            now = self._clock()
            with self._table.translated("remove a suppression from") as api:
                found = get(api, self._table.name, key)
                # Only the row that was read: one that came since is newer than this removal, and is read again.
                delete: DeleteTypeDef = {
                    "TableName": self._table.name,
                    "Key": key,
                    "ConditionExpression": "attribute_not_exists(created_at)",
                }
                if found and "created_at" in found:
                    delete["ConditionExpression"] = "created_at = :seen"
                    delete["ExpressionAttributeValues"] = {":seen": found["created_at"]}
                removal = {**_removal_item(address, scope, now), **_given(actor=actor, why=why)}
                put: PutTypeDef = {"TableName": self._table.name, "Item": removal}
                if not transact(api, {"Put": put}, {"Delete": delete}):
                    return bool(found) and _suppression(found).active(now)
        raise StoreError(
            f"A suppression in the DynamoDB table {self._table.name} changed during every attempt to remove it.",
            hint="Try again.",
        )

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """See `SuppressionStore.iterate`. A scan: it reads, and costs, the whole table."""
        now, given = self._clock(), 0
        with self._table.translated("list the suppressions in") as api:
            for item in scan(api, self._table.name, _SUPPRESSION):
                suppression = _suppression(item)
                if not suppression.active(now):
                    continue
                if given == limit:
                    return
                given += 1
                yield suppression


def _outranked_by(suppression: Suppression) -> "tuple[str, dict[str, AttributeValueTypeDef]]":
    """`Suppression.outranks` as a condition expression on the item in the table, with its values."""
    weaker: dict[str, AttributeValueTypeDef] = {
        f":weaker{i}": {"S": reason} for i, reason in enumerate(REASONS[: REASONS.index(suppression.reason)])
    }
    values: dict[str, AttributeValueTypeDef] = {
        ":reason": {"S": suppression.reason},
        ":created_at": {"S": iso_text(suppression.created_at)},
        ":feedback_id": {"S": suppression.feedback_id},
        ":message_id": {"S": suppression.message_id},
        **weaker,
    }
    ends_earlier, same = "attribute_exists(expires_at)", "attribute_not_exists(expires_at)"
    if suppression.expires_at:
        values[":end"] = epoch_seconds(suppression.expires_at)
        ends_earlier, same = "expires_at < :end", "expires_at = :end"
    alternatives = [ABSENT, ends_earlier]
    if weaker:
        alternatives.append(f"({same} AND reason IN ({', '.join(weaker)}))")
    same += " AND reason = :reason"
    for name in ("created_at", "feedback_id", "message_id"):
        alternatives.append(f"({same} AND {name} < :{name})")
        same += f" AND {name} = :{name}"
    return " OR ".join(alternatives), values


def _suppression_key(address: str, scope: str) -> "dict[str, AttributeValueTypeDef]":
    return item_key(f"{SUPPRESSIONS}{address}", _scoped(_SUPPRESSION, scope))


def _scoped(kind: str, scope: str) -> str:
    """The sort key: the kind of item, and behind it the scope, if there is one."""
    return f"{kind} {scope}".rstrip()


def _given(**texts: str) -> "dict[str, AttributeValueTypeDef]":
    """The attributes that are not empty."""
    return {name: {"S": text} for name, text in texts.items() if text}


def _suppression_item(suppression: Suppression) -> "dict[str, AttributeValueTypeDef]":
    item: dict[str, AttributeValueTypeDef] = {
        **_suppression_key(suppression.address, suppression.scope),
        "address": {"S": suppression.address},
        "reason": {"S": suppression.reason},
        "detail": {"S": suppression.detail},
        "created_at": {"S": iso_text(suppression.created_at)},
        "message_id": {"S": suppression.message_id},
        "feedback_id": {"S": suppression.feedback_id},
        **_given(actor=suppression.actor),
    }
    if suppression.expires_at:
        item["expires_at"] = epoch_seconds(suppression.expires_at)
    return item


def _suppression(item: "Item") -> Suppression:
    """Read leniently: people and other programs write rows, too, and one that cannot be read must still suppress."""
    reason = read_string(item, "reason")
    return Suppression(
        address=read_string(item, "address") or item[PARTITION_KEY]["S"].partition("#")[2],
        reason=reason if reason in REASONS else "manual",
        detail=read_string(item, "detail"),
        created_at=parse_moment(read_string(item, "created_at")),
        message_id=read_string(item, "message_id"),
        feedback_id=read_string(item, "feedback_id"),
        expires_at=read_expiry(item) if "expires_at" in item else None,
        scope=read_string(item, SORT_KEY).partition(" ")[2],
        actor=read_string(item, "actor"),
    )


def _removal_key(address: str, scope: str) -> "dict[str, AttributeValueTypeDef]":
    return item_key(f"{SUPPRESSIONS}{address}", _scoped(_REMOVAL, scope))


def _removal_item(address: str, scope: str, now: datetime) -> "dict[str, AttributeValueTypeDef]":
    return {
        **_removal_key(address, scope),
        "removed_at": {"S": iso_text(now)},
        "expires_at": epoch_seconds(now + REMEMBERED),
    }
