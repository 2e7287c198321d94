"""What DynamoDB answers under load and in trouble, which the local cloud never does: botocore's own stubber says it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber
from mypy_boto3_dynamodb import DynamoDBClient

from mailer.errors import StoreError
from mailer.stores.base import PutOutcome, Suppression
from mailer.stores.dynamodb import table
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.tokens import DynamoDBTokens
from mailer.stores.tokens import Limit

TABLE = "mailstack-test"
ROW = Suppression("b@example.org", "bounce", created_at=datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> DynamoDBClient:
    monkeypatch.setattr(table, "_FIRST_DELAY", 0.0001)
    return boto3.client("dynamodb", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def stub(client: DynamoDBClient) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def key(address: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"SUPPRESSION#{address}"}, "sk": {"S": "SUPPRESSION"}}


def request(*addresses: str) -> dict[str, object]:
    return {"RequestItems": {TABLE: {"Keys": [key(address) for address in addresses], "ConsistentRead": True}}}


def item(row: Suppression) -> dict[str, dict[str, str]]:
    return {
        **key(row.address),
        "address": {"S": row.address},
        "reason": {"S": row.reason},
        "created_at": {"S": row.created_at.isoformat()},
    }


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ExpiredTokenException", "renew them"),
        ("UnrecognizedClientException", "get-caller-identity"),
        ("AccessDeniedException", "sender policy"),
        ("AccessDeniedException", "Lists and reports need more, such as dynamodb:Scan"),
        ("ResourceNotFoundException", "stack is deployed"),
    ],
)
def test_an_error_says_what_to_do_about_its_own_cause(client: DynamoDBClient, stub: Stubber, code: str, hint: str):
    stub.add_client_error("batch_get_item", code)
    with pytest.raises(StoreError, match=hint):
        DynamoDBSuppressions(TABLE, client).get_many(["b@example.org"])


def test_keys_that_were_left_unread_are_asked_for_again(client: DynamoDBClient, stub: Stubber):
    unread = request("b@example.org")["RequestItems"]
    asked = request("a@example.org", "b@example.org")
    stub.add_response("batch_get_item", {"Responses": {TABLE: []}, "UnprocessedKeys": unread}, asked)
    stub.add_response(
        "batch_get_item", {"Responses": {TABLE: [item(ROW)]}, "UnprocessedKeys": {}}, request("b@example.org")
    )
    found = DynamoDBSuppressions(TABLE, client).get_many(["a@example.org", "b@example.org"])
    assert found == {"b@example.org": ROW}


def test_asking_again_has_an_end(client: DynamoDBClient, stub: Stubber):
    asked = request("a@example.org")
    for _ in range(table.ATTEMPTS):
        stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": asked["RequestItems"]}, asked)
    with pytest.raises(StoreError, match="left keys unread after 7 requests"):
        DynamoDBSuppressions(TABLE, client).get_many(["a@example.org"])


def test_a_refusal_names_the_table_and_what_to_check(client: DynamoDBClient, stub: Stubber):
    stub.add_client_error("batch_get_item", "AccessDeniedException", "not authorized")
    with pytest.raises(StoreError, match=r"mailstack-test.*not authorized.*sender policy"):
        DynamoDBSuppressions(TABLE, client).get_many(["a@example.org"])


def cancelled(stub: Stubber, *codes: str) -> None:
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_write_that_others_got_in_the_way_of_is_sent_again(client: DynamoDBClient, stub: Stubber, code: str):
    cancelled(stub, "None", code)
    cancelled(stub, "ConditionalCheckFailed", code)
    stub.add_response("transact_write_items", {})
    assert DynamoDBSuppressions(TABLE, client).put(ROW) is PutOutcome.WRITTEN


def test_sending_again_has_an_end(client: DynamoDBClient, stub: Stubber):
    for _ in range(table.ATTEMPTS):
        cancelled(stub, "None", "TransactionConflict")
    with pytest.raises(StoreError, match="cancelled a transaction 7 times"):
        DynamoDBSuppressions(TABLE, client).put(ROW)


def test_a_write_that_dynamodb_cannot_do_is_an_error(client: DynamoDBClient, stub: Stubber):
    cancelled(stub, "None", "ValidationError")
    with pytest.raises(StoreError, match="TransactionCanceledException"):
        DynamoDBSuppressions(TABLE, client).put(ROW)


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        (("None", "ConditionalCheckFailed"), PutOutcome.OUTRANKED),
        (("ConditionalCheckFailed", "None"), PutOutcome.REMOVED_SINCE),
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), PutOutcome.REMOVED_SINCE),
    ],
)
def test_failed_write_gives_the_reason(
    client: DynamoDBClient, stub: Stubber, codes: tuple[str, ...], outcome: PutOutcome
):
    cancelled(stub, *codes)
    assert DynamoDBSuppressions(TABLE, client).put(ROW) is outcome


def test_a_removal_that_never_gets_through_is_an_error(client: DynamoDBClient, stub: Stubber):
    for _ in range(table.ATTEMPTS):
        stub.add_response("get_item", {"Item": item(ROW)})
        cancelled(stub, "None", "ConditionalCheckFailed")
    with pytest.raises(StoreError, match="changed during every attempt"):
        DynamoDBSuppressions(TABLE, client).remove(ROW.address)


def test_attempt_that_meets_a_transaction_is_made_again(client: DynamoDBClient, stub: Stubber):
    for code in ("TransactionConflictException", "ConditionalCheckFailedException"):
        stub.add_client_error("update_item", code, http_status_code=400)
    assert DynamoDBTokens(TABLE, client).attempt("0a") is None


def test_limit_that_others_keep_changing_is_an_error(client: DynamoDBClient, stub: Stubber):
    for _ in range(table.ATTEMPTS):
        stub.add_response("get_item", {})
        stub.add_client_error("put_item", "ConditionalCheckFailedException", http_status_code=400)
    with pytest.raises(StoreError, match="changed during every attempt"):
        DynamoDBTokens(TABLE, client).take("key", Limit(5), ROW.created_at)
