"""The stores in DynamoDB keep what every store promises."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from localcloud import LocalCloud
from mailer.stores.base import REMEMBERED, PutOutcome, StoreError, Suppression
from mailer.stores.dynamodb import DynamoDBEvents, DynamoDBSuppressions
from tests.contract.event_store import EVENT, EventStoreContract
from tests.contract.feedback_disorder import FeedbackDisorder, Stores
from tests.contract.suppression_store import ADA, NOW, Clock, SuppressionStoreContract, suppression
from tests.integration.tables import new_table

pytestmark = pytest.mark.integration


@pytest.fixture
def dynamodb(cloud: LocalCloud) -> DynamoDBClient:
    return cloud.client("dynamodb")


class TestSuppressionsInDynamoDB(SuppressionStoreContract):
    @pytest.fixture
    def make(self, dynamodb: DynamoDBClient) -> Callable[[Clock], DynamoDBSuppressions]:
        return lambda clock: DynamoDBSuppressions(new_table(dynamodb), dynamodb, clock=clock)


class TestEventsInDynamoDB(EventStoreContract):
    @pytest.fixture
    def make(self, dynamodb: DynamoDBClient) -> Callable[[Clock], DynamoDBEvents]:
        return lambda clock: DynamoDBEvents(new_table(dynamodb), dynamodb, clock=clock)


class TestFeedbackInDynamoDB(FeedbackDisorder):
    seeds = range(6)

    @pytest.fixture
    def make(self, dynamodb: DynamoDBClient) -> Callable[[Clock], Stores]:
        def stores(clock: Clock) -> Stores:
            table = new_table(dynamodb)
            return DynamoDBSuppressions(table, dynamodb, clock=clock), DynamoDBEvents(table, dynamodb, clock=clock)

        return stores


def sent_twice(client: DynamoDBClient) -> list[int]:
    """Make botocore send the next transaction again although it was done, as after a lost answer; counts the sends."""
    sent: list[int] = []

    def again(**_: object) -> int | None:
        sent.append(1)
        return 0 if len(sent) == 1 else None

    client.meta.events.register_first("needs-retry.dynamodb.TransactWriteItems", again)  # pyright: ignore[reportArgumentType] - the answer matters
    return sent


def test_an_event_whose_answer_was_lost_is_new_all_the_same(dynamodb: DynamoDBClient):
    events = DynamoDBEvents(new_table(dynamodb), dynamodb, clock=Clock())
    sent = sent_twice(dynamodb)
    assert events.record(EVENT)
    assert len(sent) == 2
    assert not events.record(EVENT)


def test_a_suppression_whose_answer_was_lost_was_written(dynamodb: DynamoDBClient):
    suppressions = DynamoDBSuppressions(new_table(dynamodb), dynamodb, clock=Clock())
    sent = sent_twice(dynamodb)
    assert suppressions.put(suppression()) is PutOutcome.WRITTEN
    assert len(sent) == 2


def test_what_happens_while_a_removal_is_under_way_is_not_lost(dynamodb: DynamoDBClient):
    table, clock = new_table(dynamodb), Clock()
    suppressions = DynamoDBSuppressions(table, dynamodb, clock=clock)
    suppressions.put(suppression())
    later = replace(suppression("complaint"), created_at=NOW + timedelta(seconds=1))
    interrupted: list[int] = []

    def meanwhile(**_: object) -> None:
        if not interrupted:
            interrupted.append(1)
            clock.now = NOW + timedelta(seconds=2)
            suppressions.put(later)

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", meanwhile)
    # The removal read the bounce, and then found a complaint in its place: it begins anew, and so happens after it.
    assert suppressions.remove(ADA)
    assert suppressions.get_many([ADA]) == {}
    assert suppressions.put(later) is PutOutcome.REMOVED_SINCE


def test_a_removal_stands_in_the_table_as_agreed(dynamodb: DynamoDBClient):
    table = new_table(dynamodb)
    suppressions = DynamoDBSuppressions(table, dynamodb, clock=Clock())
    suppressions.put(suppression())
    suppressions.remove("Ada@Example.org")
    assert dynamodb.scan(TableName=table)["Items"] == [
        {
            "pk": {"S": "SUPPRESSION#ada@example.org"},
            "sk": {"S": "REMOVAL"},
            "removed_at": {"S": "2026-03-02T12:00:00.000000+00:00"},
            "expires_at": {"N": str(int((NOW + REMEMBERED).timestamp()))},
        }
    ]


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"reason": {"S": "manual"}, "created_at": {"S": "yesterday"}},
        {"reason": {"S": "a reason of tomorrow"}, "created_at": {"S": "2026-03-01"}},
        {"created_at": {"S": "9999-12-31T23:59:59-12:00"}},
        {"created_at": {"N": "1772442000"}},
        *({"expires_at": {"N": end}} for end in ("1e30", "-1e30", "4102444800000", "1.9e9")),
        {"expires_at": {"S": "tomorrow"}},
    ],
)
def test_a_row_that_others_wrote_suppresses_and_can_be_removed(
    dynamodb: DynamoDBClient, written: dict[str, dict[str, str]]
):
    table = new_table(dynamodb)
    suppressions = DynamoDBSuppressions(table, dynamodb, clock=Clock())
    key = {"pk": {"S": f"SUPPRESSION#{ADA}"}, "sk": {"S": "SUPPRESSION"}}
    dynamodb.put_item(TableName=table, Item={**key, **written})  # type: ignore[typeddict-item]
    assert list(suppressions.get_many([ADA])) == [ADA]
    assert [row.address for row in suppressions.iterate()] == [ADA]
    assert suppressions.remove(ADA)
    assert suppressions.get_many([ADA]) == {}


def test_a_suppression_stands_in_the_table_as_agreed(dynamodb: DynamoDBClient):
    table = new_table(dynamodb)
    row = Suppression("Ada@Example.org", "bounce", "5.1.1", NOW, "m1", "f1", NOW + timedelta(days=1))
    DynamoDBSuppressions(table, dynamodb, clock=Clock()).put(row)
    key = {"pk": {"S": "SUPPRESSION#ada@example.org"}, "sk": {"S": "SUPPRESSION"}}
    assert dynamodb.get_item(TableName=table, Key=key)["Item"] == {
        **key,
        "address": {"S": "ada@example.org"},
        "reason": {"S": "bounce"},
        "detail": {"S": "5.1.1"},
        "created_at": {"S": "2026-03-02T12:00:00.000000+00:00"},
        "message_id": {"S": "m1"},
        "feedback_id": {"S": "f1"},
        "expires_at": {"N": str(int((NOW + timedelta(days=1)).timestamp()))},
    }


def test_a_suppression_without_an_end_has_no_time_to_live(dynamodb: DynamoDBClient):
    table = new_table(dynamodb)
    DynamoDBSuppressions(table, dynamodb).put(suppression())
    assert "expires_at" not in dynamodb.scan(TableName=table)["Items"][0]


def test_events_and_suppressions_share_a_table_and_do_not_mix(dynamodb: DynamoDBClient):
    table = new_table(dynamodb)
    suppressions, events = DynamoDBSuppressions(table, dynamodb, clock=Clock()), DynamoDBEvents(table, dynamodb)
    events.record(EVENT)
    suppressions.put(suppression())
    assert list(suppressions.iterate()) == [suppression()]


def test_a_table_that_is_not_there_is_said_so(dynamodb: DynamoDBClient):
    with pytest.raises(StoreError, match="mailstack-nowhere"):
        DynamoDBSuppressions("mailstack-nowhere", dynamodb).get_many(["ada@example.org"])
