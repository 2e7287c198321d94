"""What the stores in DynamoDB share: the connections, the requests, and what an error means.

Standard library and botocore only: the Lambda functions import it.
"""

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from mailer.errors import ConfigurationError, StoreError
from mailer.redaction import raise_masked, redact
from mailer.table import SORT_KEY
from mailer.wire.boto import BotoApi
from mailer.wire.client import DYNAMODB, WireApi
from mailer.wire.deadline import Limits
from mailer.wire.errors import CannotAsk, ServiceError, WireError
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from mailer.wire.access import Access
    from mailer.wire.client import Api

    Item = Mapping[str, AttributeValueTypeDef]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_KEYS = 100
# What DynamoDB hands back unprocessed is asked for again at most this often, after up to 0.05, 0.1, ... 1.6 s.
ATTEMPTS, _FIRST_DELAY = 7, 0.05
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


class Table:
    """A table's name and what reaches it."""

    def __init__(self, name: str, client: "DynamoDBClient | Api | None") -> None:
        self.name = name
        self._mine = dynamodb_api() if client is None else None
        self._api: Api = self._mine or (cast("Api", client) if hasattr(client, "call") else BotoApi(client))

    def close(self) -> None:
        """Close the connections that it keeps; a client that was given stays open."""
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
    "AccessDenied": "To send, the role needs the stack's sender policy: `mailer stack` shows its ARN. Lists and "
    "reports need more, such as dynamodb:Scan: docs/guides/suppressions.md.",
    "ResourceNotFound": "Check that the stack is deployed, and the region.",
    "NotWritten": "DynamoDB cannot be reached: check the network, AWS_ENDPOINT_URL and the region.",
}


def _hint(error: WireError) -> str:
    code = getattr(error, "code", "") or type(error).__name__
    return next((hint for part, hint in _HINTS.items() if part in code), "This may be temporary: try again later.")


def get(api: "Api", table: str, key: "Item") -> "Item | None":
    """The item with the key, read consistently."""
    answer = ask(api, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
    return cast("Item | None", answer.get("Item"))


def scan(api: "Api", table: str, kind: str) -> "Iterator[Item]":
    """Every item whose sort key begins with the kind, page by page (API_Scan.html)."""
    request: dict[str, object] = {
        "TableName": table,
        "FilterExpression": f"begins_with({SORT_KEY}, :kind)",
        "ExpressionAttributeValues": {":kind": {"S": kind}},
    }
    while True:  # ends: each page begins where the last one ended
        answer = ask(api, "Scan", request)
        yield from cast("Sequence[Item]", answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def batch_get(api: "Api", table: str, keys: "Sequence[Item]") -> "Iterator[Item]":
    """The items with the keys, at most `MAX_KEYS`, read consistently; what is throttled is requested again."""
    pending: object = {table: {"Keys": keys, "ConsistentRead": True}}
    for attempt in range(ATTEMPTS):
        answer = cast("Mapping[str, Mapping[str, Sequence[Item]]]", ask(api, "BatchGetItem", {"RequestItems": pending}))
        yield from answer["Responses"].get(table, ())
        pending = answer.get("UnprocessedKeys")
        if not pending:
            return
        time.sleep(random.uniform(0, _FIRST_DELAY * 2**attempt))  # noqa: S311 - spreads load, guards nothing
    raise StoreError(
        f"The DynamoDB table {table} left keys unread after {ATTEMPTS} requests.",
        hint="The table is throttled: try again later, or raise its capacity.",
    )


def transact(api: "Api", *actions: "TransactWriteItemTypeDef") -> frozenset[int]:
    """Do all of it or nothing; which actions' conditions were not met, by position.

    The ClientRequestToken is the same each time that a request is made again, so that a lost answer does no harm.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    for attempt in range(ATTEMPTS):
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
        f"DynamoDB cancelled a transaction {ATTEMPTS} times: concurrent writes to the same items, or throttling.",
        hint="This may be temporary: try again later.",
    )
