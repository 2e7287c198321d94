"""The stores in DynamoDB keep what every store promises."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from localcloud import LocalCloud
from mailer.stores.base import StoreError, Suppression
from mailer.stores.dynamodb import DynamoDBEvents, DynamoDBSuppressions
from tests.contract.event_store import EVENT, EventStoreContract
from tests.contract.suppression_store import NOW, Clock, SuppressionStoreContract, suppression
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
