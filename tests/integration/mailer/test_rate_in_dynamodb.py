"""The shared rate in DynamoDB: leases of any number of workers never overlap, and one of them asks SES."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from mailer import Mailer, Message, RateLimit
from mailer.stores.dynamodb.rate import DynamoDBRate
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.stores.rate import Standing
from mailer.testing import Ses
from mailer.transports.ses import account_standing
from mailer.wire.client import WireApi
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(params=["wire", "boto3"])
def api(request: pytest.FixtureRequest, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> DynamoDBClient | WireApi:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    return cloud.client("dynamodb") if request.param == "boto3" else dynamodb_api(cloud.region)


@pytest.fixture
def store(api: DynamoDBClient | WireApi, cloud: LocalCloud) -> DynamoDBRate:
    return DynamoDBRate(new_table(cloud.client("dynamodb")), api)


def test_concurrent_leases_never_overlap(store: DynamoDBRate):
    with ThreadPoolExecutor(8) as threads:
        starts = sorted(threads.map(lambda _: store.lease(0.25, 1000.0), range(40)))
    assert starts[0] == 1000.0
    assert all(after - before == pytest.approx(0.25) for before, after in pairwise(starts))


def test_lease_begins_now_after_an_idle_time(store: DynamoDBRate):
    assert store.lease(1.0, 1000.0) == 1000.0
    assert store.lease(1.0, 1000.5) == 1001.0
    assert store.lease(1.0, 2000.0) == 2000.0
    assert store.lease(1.0, 1990.0) == 2001.0


def test_one_worker_a_minute_asks_ses(store: DynamoDBRate):
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(store.claim_refresh, [NOW] * 20)).count(True) == 1
    assert not store.claim_refresh(NOW + timedelta(seconds=59))
    assert store.claim_refresh(NOW + timedelta(seconds=60))


def test_standing_is_read_as_it_was_written(store: DynamoDBRate):
    assert store.standing() is None
    assert store.claim_refresh(NOW)
    assert store.standing() is None
    for found in (Standing.of(14.0, 50_000.0, 12.0, NOW), Standing.of(-1, -1, 0.0, NOW)):
        store.write_standing(found)
        assert store.standing() == found


def test_standing_of_the_account_is_what_ses_says(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    cloud.reset()
    quota = cloud.client("sesv2").get_account()["SendQuota"]
    found = account_standing(cloud.region)
    assert (found.max_rate, found.max_day, found.sent_day) == (
        quota["MaxSendRate"],
        quota["Max24HourSend"],
        quota["SentLast24Hours"],
    )


def test_mailer_with_a_shared_rate_is_never_throttled(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    ses = Ses(cloud)
    cloud.control("PUT", "account", {"max_send_rate": 40.0})
    DynamoDBRate(ses.outputs.table).write_standing(account_standing(cloud.region))
    mail = Message(subject="Hello", text="Hello", to="ada@example.com")
    mailers = [Mailer(ses.outputs, rate=RateLimit(shared=True)) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda number: mailers[number % 4].send(mail), range(80)))
    assert all(result.ok for result in results)
    assert cloud.control("GET", "refusals")["refusals"] == []


def test_used_up_quota_is_known_before_ses_refuses(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    ses = Ses(cloud)
    cloud.control("PUT", "account", {"max_24_hour_send": 2.0, "max_send_rate": 100.0})
    DynamoDBRate(ses.outputs.table).write_standing(account_standing(cloud.region))
    mailer = Mailer(ses.outputs)
    mail = Message(subject="Hello", text="Hello", to="ada@example.com")
    statuses = [str(mailer.send(mail).recipients[0].status) for _ in range(4)]
    assert statuses == ["sent", "sent", "throttled", "throttled"]
    assert cloud.control("GET", "refusals")["refusals"] == []
