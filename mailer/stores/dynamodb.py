"""Suppressions and processed events in the DynamoDB table that a stack makes.

The table's keys, attributes and expiry are written down here and nowhere else. Standard library and boto3 only: the
Lambdas import it.
"""

import random
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.stores.base import (
    LAST,
    REASONS,
    REMEMBERED,
    ProcessedEvent,
    PutOutcome,
    StoreError,
    Suppression,
    in_utc,
    utcnow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        ConditionCheckTypeDef,
        DeleteTypeDef,
        KeysAndAttributesUnionTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
    )

    Item = Mapping[str, AttributeValueTypeDef]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_MAX_KEYS = 100
# What DynamoDB hands back unprocessed is asked for again at most this often, after up to 0.05, 0.1, ... 1.6 s.
_ATTEMPTS, _FIRST_DELAY = 7, 0.05
# Why DynamoDB cancels a transaction that may succeed when it is sent again: API_TransactWriteItems.html.
_PASSING = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})


def dynamodb_client(region: str | None = None) -> "DynamoDBClient":
    """A client with short timeouts; boto3 finds credentials and endpoint, and the region if none is given."""
    from boto3.session import Session
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
    # A session of its own: the default one is not to be shared between threads while clients are made.
    return Session().client("dynamodb", region_name=region, config=config)


class DynamoDBSuppressions:
    """A `mailer.stores.base.SuppressionStore` in a stack's table.

    Args:
        table: The table's name; `StackOutputs.table`.
        client: A boto3 DynamoDB client with timeouts of its own; made on first use when left out.
        clock: The time now, with a zone.

    Example:
        >>> suppressions = DynamoDBSuppressions("mailstack-local")
        >>> suppressions.get_many(["ada@example.com"])  # doctest: +SKIP
        {}
    """

    def __init__(
        self, table: str, client: "DynamoDBClient | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table = _Table(table, client)
        self._clock = clock

    def get_many(self, keys: "Iterable[str]") -> dict[str, Suppression]:
        """See `SuppressionStore.get_many`. Read consistently, 100 keys a request."""
        wanted = sorted({address_key(key) for key in keys})
        found: dict[str, Suppression] = {}
        with self._table.translated("read suppressions from") as client:
            for start in range(0, len(wanted), _MAX_KEYS):
                chunk = [_suppression_key(key) for key in wanted[start : start + _MAX_KEYS]]
                for item in _batch_get(client, self._table.name, chunk):
                    suppression = _suppression(item)
                    found[suppression.address] = suppression
        now = self._clock()
        return {key: suppression for key, suppression in found.items() if suppression.active(now)}

    def put(self, suppression: Suppression) -> PutOutcome:
        """See `SuppressionStore.put`. One transaction, so that two writers cannot weaken what either wrote."""
        now = self._clock()
        row = suppression.known_at(now)
        not_removed_since: ConditionCheckTypeDef = {
            "TableName": self._table.name,
            "Key": _removal_key(row.address),
            "ConditionExpression": "attribute_not_exists(pk) OR removed_at < :created_at OR expires_at <= :now",
            "ExpressionAttributeValues": {":created_at": {"S": _text(row.created_at)}, ":now": _seconds(now)},
        }
        condition, values = _outranked_by(row)
        write: PutTypeDef = {
            "TableName": self._table.name,
            "Item": _suppression_item(row),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        with self._table.translated("write a suppression to") as client:
            unmet = _transact(client, {"ConditionCheck": not_removed_since}, {"Put": write})
        if not unmet:
            return PutOutcome.WRITTEN
        return PutOutcome.REMOVED_SINCE if 0 in unmet else PutOutcome.OUTRANKED

    def remove(self, address: str) -> bool:
        """See `SuppressionStore.remove`. The removal is kept and the row is deleted in one transaction."""
        address = address_key(address)
        key = _suppression_key(address)
        for _ in range(_ATTEMPTS):
            now = self._clock()
            with self._table.translated("remove a suppression from") as client:
                found = client.get_item(TableName=self._table.name, Key=key, ConsistentRead=True).get("Item")
                # Only the row that was read: one that came since is newer than this removal, and is read again.
                delete: DeleteTypeDef = {
                    "TableName": self._table.name,
                    "Key": key,
                    "ConditionExpression": "attribute_not_exists(created_at)",
                }
                if found and "created_at" in found:
                    delete["ConditionExpression"] = "created_at = :seen"
                    delete["ExpressionAttributeValues"] = {":seen": found["created_at"]}
                put: PutTypeDef = {"TableName": self._table.name, "Item": _removal_item(address, now)}
                if not _transact(client, {"Put": put}, {"Delete": delete}):
                    return bool(found) and _suppression(found).active(now)
        raise StoreError(
            f"A suppression in the DynamoDB table {self._table.name} changed each time that it was to be removed.",
            hint="Try again.",
        )

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """See `SuppressionStore.iterate`. A scan: it reads, and costs, the whole table."""
        now, given = self._clock(), 0
        with self._table.translated("list the suppressions in") as client:
            pages = client.get_paginator("scan").paginate(
                TableName=self._table.name,
                FilterExpression="sk = :kind",
                ExpressionAttributeValues={":kind": {"S": "SUPPRESSION"}},
            )
            for item in (item for page in pages for item in page["Items"]):
                suppression = _suppression(item)
                if not suppression.active(now):
                    continue
                if given == limit:
                    return
                given += 1
                yield suppression


class DynamoDBEvents:
    """A `mailer.stores.base.EventStore` in a stack's table. Arguments as for `DynamoDBSuppressions`."""

    def __init__(
        self, table: str, client: "DynamoDBClient | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table = _Table(table, client)
        self._clock = clock

    def get(self, key: str) -> ProcessedEvent | None:
        """See `EventStore.get`."""
        with self._table.translated("read an event from") as client:
            answer = client.get_item(TableName=self._table.name, Key=_event_key(key), ConsistentRead=True)
        item = answer.get("Item")
        event = _event(key, item) if item else None
        return event if event and event.expires_at > self._clock() else None

    def record(self, event: ProcessedEvent) -> bool:
        """See `EventStore.record`.

        A transaction of one, because it is idempotent: boto3 sends a write again when its answer is lost, and a plain
        conditional write would then find its own item and say that the event is not new.
        """
        put: PutTypeDef = {
            "TableName": self._table.name,
            "Item": _event_item(event),
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": _seconds(self._clock())},
        }
        with self._table.translated("record an event in") as client:
            return not _transact(client, {"Put": put})


class _Table:
    """A table's name and the client that reaches it."""

    def __init__(self, name: str, client: "DynamoDBClient | None") -> None:
        self.name = name
        self._client = client

    @contextmanager
    def translated(self, doing: str) -> "Generator[DynamoDBClient]":
        """The client; what AWS or the network refuses inside becomes a `StoreError`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client = self._client or dynamodb_client()
            yield self._client
        except (BotoCoreError, ClientError, ValueError) as error:  # the last for an endpoint that is no URL
            raise StoreError(f"Could not {doing} the DynamoDB table {self.name}: {error}", hint=_hint(error)) from error


# What to do next, by a part of the code or the exception's name.
_HINTS = {
    "Credential": "AWS credentials are missing or wrong: `aws sts get-caller-identity` shows what is used.",
    "Token": "AWS credentials have expired or are wrong: renew them, then try again.",
    "UnrecognizedClient": "AWS does not know these credentials: `aws sts get-caller-identity` shows what is used.",
    "AccessDenied": "Attach the stack's sender policy to the role: `mailer stack` shows its ARN.",
    "ResourceNotFound": "Check that the stack is deployed, and the region.",
    "Connect": "DynamoDB cannot be reached: check the network, AWS_ENDPOINT_URL and the region.",
    "ValueError": "Check AWS_ENDPOINT_URL.",
}


def _hint(error: Exception) -> str:
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "") or type(error).__name__
    return next((hint for part, hint in _HINTS.items() if part in code), "It may pass: try again later.")


def _batch_get(client: "DynamoDBClient", table: str, keys: "Sequence[Item]") -> "Iterator[Item]":
    pending: Mapping[str, KeysAndAttributesUnionTypeDef] = {table: {"Keys": keys, "ConsistentRead": True}}
    for attempt in range(_ATTEMPTS):
        answer = client.batch_get_item(RequestItems=pending)
        yield from answer["Responses"].get(table, ())
        pending = answer["UnprocessedKeys"]
        if not pending:
            return
        time.sleep(random.uniform(0, _FIRST_DELAY * 2**attempt))  # noqa: S311 - spreads load, guards nothing
    raise StoreError(
        f"The DynamoDB table {table} left keys unread after {_ATTEMPTS} requests.",
        hint="It is throttled: try again later, or look at the table's capacity.",
    )


def _transact(client: "DynamoDBClient", *actions: "TransactWriteItemTypeDef") -> frozenset[int]:
    """Do all of it or nothing; which actions' conditions were not met, by position.

    boto3 adds a ClientRequestToken, the same for each of its own retries, so that a lost answer does no harm.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    for attempt in range(_ATTEMPTS):
        try:
            client.transact_write_items(TransactItems=actions)
        except client.exceptions.TransactionCanceledException as error:
            codes = [reason.get("Code", "") for reason in error.response.get("CancellationReasons", ())]
            unmet = frozenset(at for at, code in enumerate(codes) if code == "ConditionalCheckFailed")
            if _PASSING.isdisjoint(codes):
                if not unmet:
                    raise
                return unmet
        else:
            return frozenset()
        time.sleep(random.uniform(0, _FIRST_DELAY * 2**attempt))  # noqa: S311 - spreads load, guards nothing
    raise StoreError(
        f"DynamoDB cancelled a write {_ATTEMPTS} times: others wrote to the same items, or it is throttled.",
        hint="It may pass: try again later.",
    )


def _outranked_by(suppression: Suppression) -> "tuple[str, dict[str, AttributeValueTypeDef]]":
    """`Suppression.outranks` as a condition on the item that stands in the table, with its values."""
    weaker: dict[str, AttributeValueTypeDef] = {
        f":weaker{i}": {"S": reason} for i, reason in enumerate(REASONS[: REASONS.index(suppression.reason)])
    }
    values: dict[str, AttributeValueTypeDef] = {
        ":reason": {"S": suppression.reason},
        ":created_at": {"S": _text(suppression.created_at)},
        ":feedback_id": {"S": suppression.feedback_id},
        ":message_id": {"S": suppression.message_id},
        **weaker,
    }
    ends_earlier, same = "attribute_exists(expires_at)", "attribute_not_exists(expires_at)"
    if suppression.expires_at:
        values[":end"] = _seconds(suppression.expires_at)
        ends_earlier, same = "expires_at < :end", "expires_at = :end"
    alternatives = ["attribute_not_exists(pk)", ends_earlier]
    if weaker:
        alternatives.append(f"({same} AND reason IN ({', '.join(weaker)}))")
    same += " AND reason = :reason"
    for name in ("created_at", "feedback_id", "message_id"):
        alternatives.append(f"({same} AND {name} < :{name})")
        same += f" AND {name} = :{name}"
    return " OR ".join(alternatives), values


def _suppression_key(key: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": f"SUPPRESSION#{key}"}, "sk": {"S": "SUPPRESSION"}}


def _suppression_item(suppression: Suppression) -> "dict[str, AttributeValueTypeDef]":
    item: dict[str, AttributeValueTypeDef] = {
        **_suppression_key(suppression.address),
        "address": {"S": suppression.address},
        "reason": {"S": suppression.reason},
        "detail": {"S": suppression.detail},
        "created_at": {"S": _text(suppression.created_at)},
        "message_id": {"S": suppression.message_id},
        "feedback_id": {"S": suppression.feedback_id},
    }
    if suppression.expires_at:
        item["expires_at"] = _seconds(suppression.expires_at)
    return item


def _suppression(item: "Item") -> Suppression:
    """Read leniently: people and other programs write rows, too, and one that cannot be read must still suppress."""
    reason = _string(item, "reason")
    return Suppression(
        address=_string(item, "address") or item["pk"]["S"].partition("#")[2],
        reason=reason if reason in REASONS else "manual",
        detail=_string(item, "detail"),
        created_at=_moment(_string(item, "created_at")),
        message_id=_string(item, "message_id"),
        feedback_id=_string(item, "feedback_id"),
        expires_at=_expiry(item) if "expires_at" in item else None,
    )


def _removal_key(address: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": f"SUPPRESSION#{address}"}, "sk": {"S": "REMOVAL"}}


def _removal_item(address: str, now: datetime) -> "dict[str, AttributeValueTypeDef]":
    return {**_removal_key(address), "removed_at": {"S": _text(now)}, "expires_at": _seconds(now + REMEMBERED)}


def _event_key(key: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": f"EVENT#{key}"}, "sk": {"S": "EVENT"}}


def _event_item(event: ProcessedEvent) -> "dict[str, AttributeValueTypeDef]":
    return {
        **_event_key(event.key),
        "kind": {"S": event.kind},
        "outcome": {"S": event.outcome},
        "detail": {"S": event.detail},
        "recipient": {"S": event.recipient},
        "message_id": {"S": event.message_id},
        "simulator": {"BOOL": event.simulator},
        "occurred_at": {"S": _text(event.occurred_at)},
        "expires_at": _seconds(event.expires_at),
        "counts_as": {"S": event.counts_as},
    }


def _event(key: str, item: "Item") -> ProcessedEvent:
    return ProcessedEvent(
        key=key,
        kind=_string(item, "kind"),
        outcome=_string(item, "outcome"),
        detail=_string(item, "detail"),
        recipient=_string(item, "recipient"),
        message_id=_string(item, "message_id"),
        simulator=item["simulator"]["BOOL"],
        occurred_at=datetime.fromisoformat(item["occurred_at"]["S"]),
        expires_at=_expiry(item),
        counts_as=_string(item, "counts_as"),
    )


def _string(item: "Item", name: str) -> str:
    return item[name].get("S", "") if name in item else ""


def _expiry(item: "Item") -> datetime:
    """The end; the last day there is for what is out of range, such as milliseconds, or is no number."""
    try:
        return datetime.fromtimestamp(float(item["expires_at"].get("N", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return LAST


def _moment(text: str) -> datetime:
    """A time that was written by `_text`; long ago for one that was not."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(moment: datetime) -> "AttributeValueTypeDef":
    """What DynamoDB's time to live reads."""
    return {"N": str(int(moment.timestamp()))}


def _text(moment: datetime) -> str:
    """ISO 8601 in UTC, always equally long, so that the database compares times by comparing text."""
    return in_utc(moment).isoformat(timespec="microseconds")
