"""What is particular to the stores in DynamoDB. Promises of every store: tests/contract/test_stores.py."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from mailer.errors import StoreError
from mailer.stores.base import REMEMBERED, PutOutcome, Suppression, utcnow
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailstack_localcloud import LocalCloud
from tests.contract.event_store import EVENT
from tests.contract.idempotency_store import RECORD, RESULTS
from tests.contract.message_log import DAYS, HISTORY, ID, SES_ID
from tests.contract.suppression_store import ADA, NOW, Clock, suppression
from tests.integration.tables import new_table
from tests.unit.mailer.wire.raw_server import Behaviour, answer, hang_up, raw, raw_server
from tests.unit.mailer.wire.test_outcomes import known

pytestmark = pytest.mark.integration


@pytest.fixture
def dynamodb(cloud: LocalCloud) -> DynamoDBClient:
    return cloud.client("dynamodb")


def sent_twice(client: DynamoDBClient, operation: str = "TransactWriteItems") -> list[int]:
    """Make botocore send the next request again although it was done, as after a lost answer; counts the sends."""
    sent: list[int] = []

    def again(**_: object) -> int | None:
        sent.append(1)
        return 0 if len(sent) == 1 else None

    client.meta.events.register_first(f"needs-retry.dynamodb.{operation}", again)  # pyright: ignore[reportArgumentType] - the answer matters
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


def test_idempotency_key_whose_answer_was_lost_is_its_own(dynamodb: DynamoDBClient):
    attempts = sent_twice(dynamodb, "PutItem")
    store = DynamoDBIdempotency(new_table(dynamodb), dynamodb)
    record = replace(RECORD, expires_at=utcnow().replace(microsecond=0) + timedelta(hours=24))
    assert store.begin(record) is None
    assert len(attempts) == 2
    assert store.begin(replace(record, id="message-2")) == record
    store.complete(replace(record, results=RESULTS))
    assert store.begin(record) == replace(record, results=RESULTS)


def test_bounce_during_a_removal_is_not_lost(dynamodb: DynamoDBClient):
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


def test_removal_has_the_documented_item(dynamodb: DynamoDBClient):
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


def test_suppression_has_the_documented_item(dynamodb: DynamoDBClient):
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


def test_message_log_items_have_keys_that_policies_name(dynamodb: DynamoDBClient):
    table = new_table(dynamodb)
    DynamoDBMessageLog(table, dynamodb, days=DAYS, clock=Clock()).add(HISTORY[:1])
    items = dynamodb.scan(TableName=table)["Items"]
    found_at = f"2026-03-02T12:00:00.000000+00:00#{ID}"
    assert {(item["pk"]["S"], item["sk"]["S"]) for item in items} == {
        (f"MESSAGE#{ID}", "Send-ada@example.org"),
        (f"MESSAGE#{SES_ID}", "ID"),
        ("RECIPIENT#ada@example.org", found_at),
        ("TAG#mailstack-template=welcome", found_at),
        ("TAG#order=1234", found_at),
        ("TAG#campaign=spring", found_at),
    }
    assert {item["expires_at"]["N"] for item in items} == {str(int((NOW + timedelta(days=DAYS)).timestamp()))}


def test_delivery_after_a_send_is_one_write(dynamodb: DynamoDBClient):
    table = new_table(dynamodb)
    log = DynamoDBMessageLog(table, dynamodb, days=DAYS, clock=Clock())
    log.add(HISTORY[1:2])
    assert [item["pk"]["S"] for item in dynamodb.scan(TableName=table)["Items"]] == [f"MESSAGE#{ID}"]


def test_events_and_suppressions_share_a_table_and_do_not_mix(dynamodb: DynamoDBClient):
    table = new_table(dynamodb)
    suppressions, events = DynamoDBSuppressions(table, dynamodb, clock=Clock()), DynamoDBEvents(table, dynamodb)
    events.record(EVENT)
    suppressions.put(suppression())
    assert list(suppressions.iterate()) == [suppression()]


def test_missing_table_is_a_store_error(dynamodb: DynamoDBClient):
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
            DynamoDBSuppressions("mail", dynamodb_api("us-east-1")).get_many(["a@example.com"])
    assert raised.value.hint


def test_a_read_is_made_again_after_an_answer_that_was_lost(monkeypatch: pytest.MonkeyPatch):
    with raw_server() as server:
        known(monkeypatch, server.url)
        server.script = [hang_up, answer(500, b"{}"), answer(400, b'{"__type": "x#ThrottlingException"}')]
        server.default = answer(200, b'{"Responses": {"mail": []}, "UnprocessedKeys": {}}')
        assert DynamoDBSuppressions("mail", dynamodb_api("us-east-1")).get_many(["a@example.com"]) == {}
    assert len(server.received) == 4


def test_suppressions_are_read_over_connections_of_our_own(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    table = new_table(cloud.client("dynamodb"))
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    with closing(DynamoDBSuppressions(table, dynamodb_api(cloud.region))) as store:
        DynamoDBSuppressions(table, cloud.client("dynamodb")).put(suppression())
        assert set(store.get_many([suppression().address, "nobody@example.com"])) == {suppression().address}
