"""The feedback function's own code against the local cloud's DynamoDB: every event, wrapped in every way."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from mailer.errors import BatchFailed
from mailer.functions.metrics import FAILED_RECORDS, SENDER_BOUNCES
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table
from tests.unit.lambdas.records import batch, handler
from tests.unit.mailer.feedback.payloads import WRAPPERS, Json, bounced, changed, in_sns, load, raw

pytestmark = pytest.mark.integration
ADA = "ada@example.org"
EVENTS = (
    "send", "delivery", "bounce", "complaint", "reject", "open", "click", "rendering-failure", "delivery-delay",
    "subscription", "notification-bounce", "notification-complaint", "notification-delivery",
)  # fmt: skip


class Function:
    def __init__(self, module: ModuleType, suppressions: DynamoDBSuppressions, out: pytest.CaptureFixture[str]) -> None:
        self._module, self.suppressions, self._out = module, suppressions, out

    def failures(self, *bodies: str, sent_at: datetime | None = None) -> list[str]:
        records = batch(*bodies)
        if sent_at:
            for record in records["Records"]:
                record["attributes"]["SentTimestamp"] = str(int(sent_at.timestamp() * 1000) + 1)
        answer = self._module.handle(records, None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def reasons(self) -> dict[str, str]:
        return {row.address: row.reason for row in self.suppressions.iterate()}

    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._out.readouterr().out.splitlines()]


@pytest.fixture
def function(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Function]:
    client = cloud.client("dynamodb")
    table = new_table(client)
    stack = {"MAILSTACK_TABLE": table, "MAILSTACK_MESSAGE_LOG_DAYS": "0"}
    for name, value in {**cloud.environment(), **stack}.items():
        monkeypatch.setenv(name, value)
    yield Function(handler("feedback"), DynamoDBSuppressions(table, client), capsys)
    client.delete_table(TableName=table)


@pytest.mark.parametrize("wrap", WRAPPERS, ids=lambda wrap: wrap.__name__)
def test_every_event_is_understood_in_every_wrapper(function: Function, wrap: Callable[[Json], str]):
    assert function.failures(*(wrap(load(name)) for name in EVENTS)) == []
    assert function.reasons() == {ADA: "complaint", "alan@example.org": "bounce", "grace@example.org": "complaint"}
    assert {line["kind"] for line in function.log()} == {
        load(name).get("eventType") or load(name)["notificationType"] for name in EVENTS
    }


def test_notification_and_event_of_one_bounce_count_once(function: Function):
    event = changed("bounce", "bounce", feedbackId="one")
    notification = {**event, "notificationType": "Bounce"}
    assert function.failures(in_sns(event), raw(notification), in_sns(event)) == []
    assert [line["status"] for line in function.log()] == ["suppressed", "duplicate", "duplicate"]


def test_malformed_message_fails_alone_in_its_batch(function: Function):
    confirmation = json.dumps({"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe"})
    assert function.failures("junk", in_sns(load("bounce")), confirmation) == ["1", "3"]
    assert function.reasons() == {ADA: "bounce"}
    assert [line["level"] for line in function.log()] == ["ERROR", "INFO", "ERROR"]


def test_notice_of_a_new_event_destination_is_accepted(function: Function):
    assert function.failures("Successfully validated SNS topic for Amazon SES event publishing.") == []
    assert function.log()[0]["message"] == "setup notice"


def test_the_log_names_no_full_address(function: Function):
    function.failures(*(in_sns(load(name)) for name in EVENTS))
    text = json.dumps(function.log())
    assert "a***@example.org" in text
    assert not [address for address in ("ada@", "alan@", "grace@") if address in text]


def test_a_store_out_of_reach_is_an_error_of_the_function(function: Function, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_TABLE", "mailstack-nowhere")
    with pytest.raises(BatchFailed, match="All 2 records"):
        function.failures(raw(load("bounce")), raw(load("complaint")))
    log = function.log()
    assert {line["error"] for line in log} == {"StoreError"}
    assert [line[FAILED_RECORDS] for line in log] == [1, 1]


def test_failed_recipient_fails_only_its_record(function: Function):
    listed = [{"emailAddress": "bob@example.com <ada@example.org>"}, *bounced("grace@example.org")]
    event = changed("bounce", "bounce", bouncedRecipients=listed)
    event["mail"]["destination"] = [ADA, "grace@example.org"]
    for status in ("suppressed", "duplicate"):  # and again, when the queue delivers it again
        assert function.failures(raw(load("send")), raw(event)) == ["2"]
        assert function.reasons() == {"grace@example.org": "bounce"}
        _, done, failed = function.log()
        assert (done["recipient"], done["status"]) == ("g***@example.org", status)
        assert failed["why"] == "A recipient field names several addresses."


HOSTILE_PIECES: tuple[object, ...] = (
    None, True, -1, 1e308, "", "\ud800", "\x00", "9999-12-31T23:59:59-14:00", "<", '"', "a@b.test", "5.1.1",
    "Permanent", "(" * 2_000, "a@" * 2_000, "1" * 5_000, [], {}, [None], [[]], [{}], {"emailAddress": 7},
    [{"emailAddress": ADA}], [{"emailAddress": "<a@b.test> c@d.test", "action": []}],
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_hostile_event_does_not_hold_up_its_batch(function: Function, seed: int):
    chance = random.Random(seed)
    for number in range(25):
        event = load(chance.choice(EVENTS))
        for _ in range(chance.randint(1, 4)):
            section = chance.choice([event, *(part for part in event.values() if isinstance(part, dict))])
            section[chance.choice([*section, "bouncedRecipients", "feedbackId"])] = chance.choice(HOSTILE_PIECES)
        witness = changed("bounce", "bounce", feedbackId=f"witness-{number}")
        assert "2" not in function.failures(raw(event), raw(witness))
        lines = function.log()
        assert not [line for line in lines if line["message"] == "defect"], lines
        assert "ada@" not in json.dumps(lines)


@pytest.mark.parametrize(
    "event",
    [
        # Shapes that others' tests and logs show: no times, no ids, no list of headers, odd spellings.
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": "ada@example.org"}, {"emailAddress": "grace@example.org"}],
            },
            "mail": {"messageId": "m1", "destination": ["ada@example.org", "mary@example.org", "grace@example.org"]},
        },
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "Suppressed",
                "bouncedRecipients": [
                    {
                        "emailAddress": "<ADA@example.org>",
                        "action": "failed",
                        "status": "5.1.1",
                        "diagnosticCode": "Amazon SES has suppressed sending to this address",
                    }
                ],
                "timestamp": "2017-12-28T07:06:37.106Z",
                "feedbackId": "f1",
                "reportingMTA": "dns; amazonses.com",
            },
            "mail": {"timestamp": "2024-04-25T18:05:04.84108+03:00", "messageId": "m2", "tags": {"a": None}},
        },
        {
            "notificationType": "Complaint",
            "complaint": {"complainedRecipients": [{"emailAddress": '"Lovelace, Ada" <ada@example.org>'}]},
            "mail": {"messageId": "m3", "destination": [], "headers": None, "commonHeaders": {}},
        },
    ],
)
def test_other_peoples_payloads_suppress_as_well(function: Function, event: dict[str, object]):
    assert function.failures(in_sns(event)) == []
    assert ADA in function.reasons()
    assert function.failures(in_sns(event)) == []
    assert function.log()[-1]["status"] == "duplicate"


def test_bounce_about_the_sender_is_a_metric_once(function: Function):
    event = changed("bounce", "bounce", bounceType="Transient", bouncedRecipients=bounced(ADA, status="5.7.1"))
    assert function.failures(raw(event), in_sns(event), raw(load("bounce"))) == []
    assert [(line["level"], line.get(SENDER_BOUNCES)) for line in function.log()] == [
        ("WARNING", 1),
        ("INFO", None),
        ("INFO", None),
    ]


def test_mailbox_that_is_full_for_days_is_suppressed_for_a_while(function: Function):
    now = datetime.now(UTC)
    for days in (3, 2, 1, 0):
        assert function.reasons() == {}
        event = changed(
            "bounce",
            "bounce",
            bounceType="Transient",
            bounceSubType="MailboxFull",
            bouncedRecipients=bounced(ADA, status="4.2.2"),
            timestamp=(now - timedelta(days=days, minutes=5)).isoformat(),
            feedbackId=f"f{days}",
        )
        event["mail"] |= {"timestamp": (now - timedelta(days=4)).isoformat()}
        assert function.failures(raw(event), sent_at=now) == []
    (row,) = function.suppressions.iterate()
    assert (row.address, row.reason, row.actor) == (ADA, "bounce", "soft bounces")
    assert row.expires_at
    assert timedelta(days=2) < row.expires_at - now < timedelta(days=4)
    delivery = load("delivery")
    delivery["delivery"] |= {"timestamp": now.isoformat(), "recipients": [ADA]}
    delivery["mail"] |= {"timestamp": (now - timedelta(days=1)).isoformat()}
    assert function.failures(raw(delivery), sent_at=now + timedelta(seconds=2)) == []
    assert function.reasons() == {}
