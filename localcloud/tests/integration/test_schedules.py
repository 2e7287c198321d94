"""Long schedules of faults: the cloud ends in the documented state, and every mail has its events."""

import json
import random
import smtplib
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

ADA = "ada@example.com"
SENDS, STEPS = 30, 3
# As the guide has it: whether the request is accepted, and whether its client hears so.
OUTCOMES: dict[str, tuple[bool, bool]] = {
    "throttle": (False, False),
    "error": (False, False),
    "timeout-before": (False, False),
    "timeout-after": (True, False),
    "reset-before": (False, False),
    "reset-after": (True, False),
    "slow": (True, True),
    "malformed": (True, False),
}
# What no client of boto3's asks again for: it takes an answer that it cannot read for the last word.
FINAL = frozenset({"malformed"})
# A time-out ends when the cloud hangs up: clients that lose patience sooner would do so with a slow machine, too.
SECONDS = {"slow": 0.01, "timeout-before": 0.05, "timeout-after": 0.05}
FAILURES = (ClientError, BotoCoreError, ResponseParserError, smtplib.SMTPException, OSError, KeyError)
HELLO: Any = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}

Send = Callable[[str, int], str]


class Clients:
    """Ways to send a mail to one recipient, trying as often as is said; each returns the message id that it is told."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._known: dict[tuple[str, int], Any] = {}

    def _client(self, service: str, tries: int) -> Any:
        if (service, tries) not in self._known:
            known = self._cloud.environment()
            make: Any = boto3.client  # whose types know every service by its name alone
            self._known[service, tries] = make(
                service,
                endpoint_url=self._cloud.endpoint,
                region_name=self._cloud.region,
                aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
                config=Config(read_timeout=PATIENCE, retries={"total_max_attempts": tries, "mode": "standard"}),
            )
        return self._known[service, tries]

    def v2(self, to: str, tries: int) -> str:
        destination = {"ToAddresses": [to]}
        return self._client("sesv2", tries).send_email(
            FromEmailAddress=ADA, Destination=destination, Content={"Simple": HELLO}, ConfigurationSetName="news"
        )["MessageId"]

    def v1(self, to: str, tries: int) -> str:
        destination = {"ToAddresses": [to]}
        return self._client("ses", tries).send_email(
            Source=ADA, Destination=destination, Message=HELLO, ConfigurationSetName="news"
        )["MessageId"]

    def smtp(self, to: str, _: int) -> str:
        smtp = self._cloud.smtp
        with smtplib.SMTP(smtp.host, smtp.port, timeout=PATIENCE) as client:
            client.starttls(context=smtp.context())
            client.login(smtp.username, smtp.password)
            client.mail(ADA)
            client.rcpt(to)
            head = f"From: {ADA}\r\nTo: {to}\r\nX-SES-CONFIGURATION-SET: news\r\n\r\n"
            code, text = client.data(f"{head}Hello".encode())
            if code != 250:
                raise smtplib.SMTPDataError(code, text)
            return text.decode().split()[-1]


@pytest.fixture(autouse=True)
def no_pause_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def heard(cloud: LocalCloud) -> Iterator[Callable[[], Counter[tuple[str, str]]]]:
    """What a queue behind the configuration set has heard: how often of which mail which event."""
    ses, sns, sqs = cloud.client("sesv2"), cloud.client("sns"), cloud.client("sqs")
    ses.create_email_identity(EmailIdentity="example.com")
    cloud.control("POST", "identities/example.com/verify")
    cloud.control("PUT", "account", {"max_send_rate": -1})
    topic = sns.create_topic(Name="events")["TopicArn"]
    queue = sqs.create_queue(QueueName="heard", Attributes=open_to("sns", "heard"))["QueueUrl"]
    statement = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": topic}]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:heard", Attributes=raw)
    ses.create_configuration_set(ConfigurationSetName="news")
    destination: Any = {
        "Enabled": True,
        "MatchingEventTypes": ["SEND", "DELIVERY"],
        "SnsDestination": {"TopicArn": topic},
    }
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="news", EventDestinationName="sns", EventDestination=destination
    )

    def count() -> Counter[tuple[str, str]]:
        cloud.control("POST", "events/drain")
        found = Counter[tuple[str, str]]()
        while got := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for one in got:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
            events = [json.loads(one["Body"]) for one in got if one["Body"].startswith("{")]
            found.update((event["mail"]["messageId"], event["eventType"]) for event in events)
        return found

    yield count
    cloud.control("DELETE", "faults")


def foreseen(plan: list[str], tries: int) -> tuple[int, bool]:
    """How many mails the cloud holds after a send that meets these faults, and whether its client hears of success."""
    held = 0
    for effect in (*plan, "")[:tries]:
        accepted, told = OUTCOMES.get(effect, (True, True))
        held += accepted
        if told or effect in FINAL:
            return held, told
    return held, False


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_schedule_of_faults_clients_and_cloud_agree(
    cloud: LocalCloud, heard: Callable[[], Counter[tuple[str, str]]], seed: int
):
    chance, clients = random.Random(seed), Clients(cloud)
    expected, told = dict[str, int](), dict[str, str]()
    for number in range(SENDS):
        to, tries = f"reader{number}@example.org", chance.choice([1, 3])
        plan = chance.choices(
            [*OUTCOMES], [1 if name in SECONDS else 5 for name in OUTCOMES], k=chance.randrange(STEPS)
        )
        for place, effect in enumerate(plan):
            fault = {"effect": effect, "times": 1, "operation": "Send*", "code": "InternalServiceErrorException"}
            cloud.control("PUT", f"faults/{place}", {**fault, "seconds": SECONDS.get(effect)})
        way: Send = chance.choice([clients.v2, clients.v1, clients.smtp])
        expected[to], success = foreseen(plan, 1 if way == clients.smtp else tries)
        try:
            told[to] = way(to, tries)
        except FAILURES:
            assert not success, f"{to} met {plan}"
        assert (to in told) == success, f"{to} met {plan}"
        cloud.control("DELETE", "faults")
    messages = cloud.control("GET", "messages?limit=1000")["messages"]
    held = {message["message_id"]: message["to"][0] for message in messages}
    assert Counter(held.values()) == Counter({to: count for to, count in expected.items() if count})
    assert {to: held[message_id] for to, message_id in told.items()} == {to: to for to in told}
    assert heard() == Counter({(message_id, kind): 1 for message_id in held for kind in ("Send", "Delivery")})
