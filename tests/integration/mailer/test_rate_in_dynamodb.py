"""The shared rate in DynamoDB: leases of any number of workers never overlap, and one of them asks SES."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from mailer import Mailer, Message, RateLimit
from mailer.stores.dynamodb.rate import DynamoDBRate
from mailer.testing import Ses
from mailer.transports.ses import account_standing
from mailstack_localcloud import LocalCloud

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, tzinfo=UTC)


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
