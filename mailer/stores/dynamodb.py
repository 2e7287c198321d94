"""Suppressions and processed events in the DynamoDB table that a stack makes.

The table's attributes and expiry are written down here and nowhere else; what its keys begin with is in
`mailer.table`. Standard library and botocore only: the Lambdas import it.
"""

import random
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from mailer.address import address_key
from mailer.errors import ConfigurationError, StoreError
from mailer.redaction import raise_masked, redact
from mailer.stores.base import (
    LAST,
    REASONS,
    REMEMBERED,
    ProcessedEvent,
    PutOutcome,
    Suppression,
    in_utc,
    utcnow,
)
from mailer.table import EVENTS, SUPPRESSIONS
from mailer.wire.boto import BotoApi
from mailer.wire.client import DYNAMODB, WireApi
from mailer.wire.deadline import Limits
from mailer.wire.errors import CannotAsk, ServiceError, WireError
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        ConditionCheckTypeDef,
        DeleteTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
    )

    from mailer.wire.access import Access
    from mailer.wire.client import Api

    Item = Mapping[str, AttributeValueTypeDef]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_MAX_KEYS = 100
# What DynamoDB hands back unprocessed is asked for again at most this often, after up to 0.05, 0.1, ... 1.6 s.
_ATTEMPTS, _FIRST_DELAY = 7, 0.05
# Why DynamoDB cancels a transaction that may succeed when it is sent again: API_TransactWriteItems.html.
_PASSING = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})
# DynamoDB answers within milliseconds.
LIMITS = Limits(connect=2.0, attempt=5.0)


def dynamodb_api(region: str | None = None, access: "Access | None" = None) -> WireApi:
    """What several stores may share: the connections to DynamoDB in a region.

    Args:
        region: Default: the region that boto3 is configured with.
        access: A boto3 session, a role, or both. Default: what boto3 finds by itself.
    """
    return WireApi(DYNAMODB, region, LIMITS, access)


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
        self._table = _Table(table, client)
        self._clock = clock

    def get_many(self, keys: "Iterable[str]") -> dict[str, Suppression]:
        """See `SuppressionStore.get_many`. Read consistently, 100 keys a request."""
        wanted = sorted({address_key(key) for key in keys})
        found: dict[str, Suppression] = {}
        with self._table.translated("read suppressions from") as api:
            for start in range(0, len(wanted), _MAX_KEYS):
                chunk = [_suppression_key(key) for key in wanted[start : start + _MAX_KEYS]]
                for item in _batch_get(api, self._table.name, chunk):
                    suppression = _suppression(item)
                    found[suppression.address] = suppression
        now = self._clock()
        return {key: suppression for key, suppression in found.items() if suppression.active(now)}

    def close(self) -> None:
        """Close the connections that are kept; those of a client that was given are its owner's."""
        self._table.close()

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
        with self._table.translated("write a suppression to") as api:
            unmet = _transact(api, {"ConditionCheck": not_removed_since}, {"Put": write})
        if not unmet:
            return PutOutcome.WRITTEN
        return PutOutcome.REMOVED_SINCE if 0 in unmet else PutOutcome.OUTRANKED

    def remove(self, address: str) -> bool:
        """See `SuppressionStore.remove`. The removal is kept and the row is deleted in one transaction."""
        address = address_key(address)
        key = _suppression_key(address)
        for _ in range(_ATTEMPTS):
            now = self._clock()
            with self._table.translated("remove a suppression from") as api:
                found = _get(api, self._table.name, key)
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
                if not _transact(api, {"Put": put}, {"Delete": delete}):
                    return bool(found) and _suppression(found).active(now)
        raise StoreError(
            f"A suppression in the DynamoDB table {self._table.name} changed during every attempt to remove it.",
            hint="Try again.",
        )

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """See `SuppressionStore.iterate`. A scan: it reads, and costs, the whole table."""
        now, given = self._clock(), 0
        with self._table.translated("list the suppressions in") as api:
            for item in _scan(api, self._table.name, "SUPPRESSION"):
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
        self, table: str, client: "DynamoDBClient | Api | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table = _Table(table, client)
        self._clock = clock

    def get(self, key: str) -> ProcessedEvent | None:
        """See `EventStore.get`."""
        with self._table.translated("read an event from") as api:
            item = _get(api, self._table.name, _event_key(key))
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
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": _seconds(self._clock())},
        }
        with self._table.translated("record an event in") as api:
            return not _transact(api, {"Put": put})


class _Table:
    """A table's name and what reaches it."""

    def __init__(self, name: str, client: "DynamoDBClient | Api | None") -> None:
        self.name = name
        self._mine = dynamodb_api() if client is None else None
        self._api: Api = self._mine or (cast("Api", client) if hasattr(client, "call") else BotoApi(client))

    def close(self) -> None:
        if self._mine:
            self._mine.close()

    @contextmanager
    def translated(self, doing: str) -> "Generator[Api]":
        """The service. What it or the network refuses, or answers in no form of DynamoDB's, is a `StoreError`."""
        try:
            yield self._api
        except WireError as error:
            why = redact(str(error))
            if isinstance(error, CannotAsk) and not error.is_about_credentials:
                hint = "Check AWS_ENDPOINT_URL, AWS_REGION and AWS_PROFILE."
                raise_masked(ConfigurationError(f"No request to DynamoDB is possible: {why}.", hint=hint), error)
            ours = f"Could not {doing} the DynamoDB table {self.name}: {why}"
            raise_masked(StoreError(ours, hint=_hint(error)), error)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            ours = f"Could not {doing} the DynamoDB table {self.name}: the response is not from DynamoDB."
            raise_masked(StoreError(ours, hint="Check for a proxy that changes responses."), error)


# What to do next, by a part of the code or the exception's name.
_HINTS = {
    "Credential": "AWS credentials are missing or wrong: `aws sts get-caller-identity` shows what is used.",
    "Profile": "AWS_PROFILE names a profile that does not exist.",
    "Token": "AWS credentials have expired or are wrong: renew them, then try again.",
    "UnrecognizedClient": "AWS does not know these credentials: `aws sts get-caller-identity` shows which are used.",
    "AccessDenied": "Attach the stack's sender policy to the role: `mailer stack` shows its ARN.",
    "ResourceNotFound": "Check that the stack is deployed, and the region.",
    "NotWritten": "DynamoDB cannot be reached: check the network, AWS_ENDPOINT_URL and the region.",
}


def _hint(error: WireError) -> str:
    code = getattr(error, "code", "") or type(error).__name__
    return next((hint for part, hint in _HINTS.items() if part in code), "This may be temporary: try again later.")


def _get(api: "Api", table: str, key: "Item") -> "Item | None":
    answer = ask(api, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
    return cast("Item | None", answer.get("Item"))


def _scan(api: "Api", table: str, kind: str) -> "Iterator[Item]":
    """Every item of a kind, page by page (API_Scan.html)."""
    request: dict[str, object] = {
        "TableName": table,
        "FilterExpression": "sk = :kind",
        "ExpressionAttributeValues": {":kind": {"S": kind}},
    }
    while True:  # ends: each page begins where the last one ended
        answer = ask(api, "Scan", request)
        yield from cast("Sequence[Item]", answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _batch_get(api: "Api", table: str, keys: "Sequence[Item]") -> "Iterator[Item]":
    pending: object = {table: {"Keys": keys, "ConsistentRead": True}}
    for attempt in range(_ATTEMPTS):
        answer = cast("Mapping[str, Mapping[str, Sequence[Item]]]", ask(api, "BatchGetItem", {"RequestItems": pending}))
        yield from answer["Responses"].get(table, ())
        pending = answer.get("UnprocessedKeys")
        if not pending:
            return
        time.sleep(random.uniform(0, _FIRST_DELAY * 2**attempt))  # noqa: S311 - spreads load, guards nothing
    raise StoreError(
        f"The DynamoDB table {table} left keys unread after {_ATTEMPTS} requests.",
        hint="The table is throttled: try again later, or raise its capacity.",
    )


def _transact(api: "Api", *actions: "TransactWriteItemTypeDef") -> frozenset[int]:
    """Do all of it or nothing; which actions' conditions were not met, by position.

    The ClientRequestToken is the same each time that a request is made again, so that a lost answer does no harm.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    for attempt in range(_ATTEMPTS):
        try:
            ask(api, "TransactWriteItems", {"TransactItems": actions, "ClientRequestToken": str(uuid4())})
        except ServiceError as error:
            if error.code != "TransactionCanceledException":
                raise
            reasons = cast("Sequence[Mapping[str, str]]", error.details.get("CancellationReasons", ()))
            codes = [reason.get("Code", "") for reason in reasons]
            unmet = frozenset(at for at, code in enumerate(codes) if code == "ConditionalCheckFailed")
            if _PASSING.isdisjoint(codes):
                if not unmet:
                    raise
                return unmet
        else:
            return frozenset()
        time.sleep(random.uniform(0, _FIRST_DELAY * 2**attempt))  # noqa: S311 - spreads load, guards nothing
    raise StoreError(
        f"DynamoDB cancelled a transaction {_ATTEMPTS} times: concurrent writes to the same items, or throttling.",
        hint="This may be temporary: try again later.",
    )


def _outranked_by(suppression: Suppression) -> "tuple[str, dict[str, AttributeValueTypeDef]]":
    """`Suppression.outranks` as a condition expression on the item in the table, with its values."""
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
    return {"pk": {"S": f"{SUPPRESSIONS}{key}"}, "sk": {"S": "SUPPRESSION"}}


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
    return {"pk": {"S": f"{SUPPRESSIONS}{address}"}, "sk": {"S": "REMOVAL"}}


def _removal_item(address: str, now: datetime) -> "dict[str, AttributeValueTypeDef]":
    return {**_removal_key(address), "removed_at": {"S": _text(now)}, "expires_at": _seconds(now + REMEMBERED)}


def _event_key(key: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": f"{EVENTS}{key}"}, "sk": {"S": "EVENT"}}


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
