"""The stores in DynamoDB keep what every store promises."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from localcloud import LocalCloud
from mailer.stores.base import StoreError, Suppression
from mailer.stores.dynamodb import DynamoDBEvents, DynamoDBSuppressions
from tests.contract.event_store import EVENT, EventStoreContract
from tests.contract.suppression_store import NOW, Clock, SuppressionStoreContract, suppression
from tests.integration.tables import new_table
from tests.unit.wire.raw_server import Behaviour, answer, hang_up, raw, raw_server
from tests.unit.wire.test_outcomes import known

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


@pytest.mark.parametrize(
    "step",
    [
        answer(200, b"<html>a proxy's page</html>"),
        answer(200, b"{}"),
        answer(200, b"[]"),
        answer(200, b'{"Responses": []}'),
        answer(200, b'{"Responses": {"mail": [{"pk": 7}]}, "UnprocessedKeys": {}}'),
        answer(200, b'{"Responses": {"mail": [{"address": {"S": "a@example.com"}}]}, "UnprocessedKeys": {}}'),
        answer(200, b'{"Responses": {}, "UnprocessedKeys": {}}', "x-amz-crc32: 1"),
        answer(403, b"<html>no</html>"),
        answer(500, b'{"__type": "com.amazonaws#InternalServerError"}'),
        answer(400, b'{"__type": "com.amazonaws#ResourceNotFoundException", "message": "no table"}'),
        raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"Responses"', then_close=True),
        raw(b"\x00\x01\x02", then_close=True),
        hang_up,
    ],
)
def test_an_answer_that_is_not_dynamodb_s_is_a_store_error(step: Behaviour, monkeypatch: pytest.MonkeyPatch):
    with raw_server() as server:
        known(monkeypatch, server.url)
        server.default = step
        with pytest.raises(StoreError) as raised:
            DynamoDBSuppressions("mail", region="us-east-1").get_many(["a@example.com"])
    assert raised.value.hint


def test_a_read_is_made_again_after_an_answer_that_was_lost(monkeypatch: pytest.MonkeyPatch):
    with raw_server() as server:
        known(monkeypatch, server.url)
        server.script = [hang_up, answer(500, b"{}"), answer(400, b'{"__type": "x#ThrottlingException"}')]
        server.default = answer(200, b'{"Responses": {"mail": []}, "UnprocessedKeys": {}}')
        assert DynamoDBSuppressions("mail", region="us-east-1").get_many(["a@example.com"]) == {}
    assert len(server.received) == 4


def test_suppressions_are_read_over_connections_of_our_own(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    table = new_table(cloud.client("dynamodb"))
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    with closing(DynamoDBSuppressions(table, region=cloud.region)) as store:
        DynamoDBSuppressions(table, cloud.client("dynamodb")).put(suppression())
        assert set(store.get_many([suppression().address, "nobody@example.com"])) == {suppression().address}
