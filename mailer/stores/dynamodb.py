"""Suppressions and processed events in the DynamoDB table that a stack makes.

The table's keys, attributes and expiry are written down here and nowhere else. Standard library and boto3 only: the
Lambdas import it.
"""

import random
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from mailer.address import address_key
from mailer.redaction import raise_masked, redact
from mailer.stores.base import REASONS, ProcessedEvent, StoreError, Suppression, utcnow

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesUnionTypeDef

    from mailer.stores.base import Reason

    Item = Mapping[str, AttributeValueTypeDef]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_MAX_KEYS = 100
# What DynamoDB hands back unprocessed is asked for again at most this often, after up to 0.05, 0.1, ... 1.6 s.
_ATTEMPTS, _FIRST_DELAY = 7, 0.05


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

    def put(self, suppression: Suppression) -> bool:
        """See `SuppressionStore.put`. One conditional write, so that two writers cannot weaken what either wrote."""
        weaker = {f":weaker{i}": {"S": r} for i, r in enumerate(REASONS[: REASONS.index(suppression.reason)])}
        outranked = f"reason IN ({', '.join(weaker)}) OR " if weaker else ""
        with self._table.translated("write a suppression to") as client:
            try:
                client.put_item(
                    TableName=self._table.name,
                    Item=_suppression_item(suppression),
                    ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now OR "
                    f"{outranked}(reason = :reason AND created_at < :created_at)",
                    ExpressionAttributeValues={
                        ":now": {"N": str(int(self._clock().timestamp()))},
                        ":reason": {"S": suppression.reason},
                        ":created_at": {"S": _text(suppression.created_at)},
                        **weaker,
                    },
                )
            except client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def remove(self, address: str) -> bool:
        """See `SuppressionStore.remove`."""
        key = _suppression_key(address_key(address))
        with self._table.translated("remove a suppression from") as client:
            answer = client.delete_item(TableName=self._table.name, Key=key, ReturnValues="ALL_OLD")
        removed = answer.get("Attributes")
        return bool(removed) and _suppression(removed).active(self._clock())

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
        """See `EventStore.record`."""
        with self._table.translated("record an event in") as client:
            try:
                client.put_item(
                    TableName=self._table.name,
                    Item=_event_item(event),
                    ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                    ExpressionAttributeValues={":now": {"N": str(int(self._clock().timestamp()))}},
                )
            except client.exceptions.ConditionalCheckFailedException:
                return False
        return True


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
            ours = f"Could not {doing} the DynamoDB table {self.name}: {redact(str(error))}"
            raise_masked(StoreError(ours, hint=_hint(error)), error)


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
        item["expires_at"] = {"N": str(int(suppression.expires_at.timestamp()))}
    return item


def _suppression(item: "Item") -> Suppression:
    return Suppression(
        address=item["address"]["S"],
        reason=cast("Reason", item["reason"]["S"]),
        detail=_string(item, "detail"),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        message_id=_string(item, "message_id"),
        feedback_id=_string(item, "feedback_id"),
        expires_at=_expiry(item) if "expires_at" in item else None,
    )


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
        "expires_at": {"N": str(int(event.expires_at.timestamp()))},
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
    )


def _string(item: "Item", name: str) -> str:
    return item[name].get("S", "") if name in item else ""


def _expiry(item: "Item") -> datetime:
    return datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)


def _text(moment: datetime) -> str:
    """ISO 8601 in UTC, always equally long, so that the database compares times by comparing text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
