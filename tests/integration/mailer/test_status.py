"""`mailer status` against the local cloud: the state of a stack in AWS, and what is left to do."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from mailer.cli import INTERRUPTED, main, status
from mailer.stack import StackOutputs, WarmUp
from mailstack_localcloud import LocalCloud
from tests.unit.mailer.stack_outputs import SET, outputs

pytestmark = pytest.mark.integration
IDENTITY, MAIL_FROM = "example.test", "bounce.example.test"
PAGER = "arn:aws:sqs:us-east-1:000000000000:pager"


@pytest.fixture
def stack(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> StackOutputs:
    """A stack in a new account, on its first day."""
    cloud.control("PUT", "account", {"production_access": False, "verify_at_once": False})
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity=IDENTITY)
    ses.put_email_identity_mail_from_attributes(
        EmailIdentity=IDENTITY, MailFromDomain=MAIL_FROM, BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    for name in (SET, "mailstack-dev-news"):
        ses.create_configuration_set(ConfigurationSetName=name)
    topics = {
        f"{name}_topic_arn": cloud.client("sns").create_topic(Name=f"mailstack-dev-{name}")["TopicArn"]
        for name in ("paging", "events")
    }
    urls = {
        f"feedback_{name}_url": cloud.client("sqs").create_queue(QueueName=f"feedback-{name}")["QueueUrl"]
        for name in ("queue", "dlq")
    }
    found = outputs().model_copy(update={**topics, **urls})
    _alarm(cloud, "account-quota")
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": found.to_json()}.items():
        monkeypatch.setenv(name, value)
    return found


def said(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["status", "--stack", "dev", *options]) == 0
    return capsys.readouterr().out


def test_new_account_shows_everything_left_to_do(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    cloud.client("sns").subscribe(
        TopicArn=stack.paging_topic_arn, Protocol="email", Endpoint="oncall@example.com", ReturnSubscriptionArn=True
    )
    shown = said(capsys)
    for words in (
        f"MAIL FROM {MAIL_FROM}",
        "PENDING (REJECT_MESSAGE)",
        "until then SES refuses mail",
        "sandbox",
        "aws sesv2 create-email-identity --email-identity RECIPIENT --region us-east-1",
        "publish the records that `mailer dns` shows",
    ):
        assert words in shown


def test_paused_stream_and_missing_pagers_are_shown(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    ses = cloud.client("sesv2")
    ses.put_configuration_set_sending_options(ConfigurationSetName="mailstack-dev-news", SendingEnabled=False)
    shown = said(capsys)
    assert "mailer resume news --stack dev" in shown
    assert "mailer resume transactional" not in shown
    assert "nobody is paged" in shown
    assert "pulumi up --refresh" in shown


def test_nothing_is_left_to_do_where_all_is_well(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    _healthy(cloud, stack)
    shown = said(capsys)
    assert f"pager {PAGER}" in shown
    assert "production" in shown
    assert "recipients in 24 hours" in shown
    assert "!" not in shown
    assert "?" not in shown
    assert "aws " not in shown


def test_missing_identity_is_unknown_and_the_rest_shown(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    cloud.client("sesv2").delete_email_identity(EmailIdentity=IDENTITY)
    shown = said(capsys)
    assert "NotFoundException" in shown
    assert "stream transactional" in shown


def test_ringing_alarm_and_dead_letters_are_shown(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    _healthy(cloud, stack)
    cloud.client("sqs").send_message(QueueUrl=stack.feedback_dlq_url, MessageBody="broken")
    _ring(cloud, "account-quota")
    rows = {row["what"]: row for row in json.loads(said(capsys, "--json"))["rows"]}
    assert rows["dead-letter queue"]["values"] == {"depth": 1}
    assert rows["account-quota"]["state"] == "ALARM: The quota is nearly used up."
    assert rows["account-quota"]["then"] == "send less"
    assert rows["alarms"]["values"] == {"ok": 0, "silent": 0, "ringing": 1}


def test_stream_paused_by_the_guard_names_its_alarm(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    _alarm(cloud, "news-bounce-rate-critical")
    _ring(cloud, "news-bounce-rate-critical")
    cloud.client("sesv2").put_configuration_set_sending_options(
        ConfigurationSetName="mailstack-dev-news", SendingEnabled=False
    )
    rows = {row["what"]: row for row in json.loads(said(capsys, "--json"))["rows"]}
    assert rows["stream news"]["values"]["by"] == "the guard (news-bounce-rate-critical in ALARM)"


def test_json_counts_quota_rate_and_verification(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    _healthy(cloud, stack)
    cloud.client("sesv2").send_email(
        FromEmailAddress=f"a@{IDENTITY}",
        Destination={"ToAddresses": ["ada@example.com"]},
        Content={"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}},
    )
    found = json.loads(said(capsys, "--json"))
    values = {row["what"]: row["values"] for row in found["rows"]}
    assert found["verified"] is True
    assert values["quota"]["sent"] == 1
    assert values["rate"]["used"] == pytest.approx(1 / 60)


def test_warm_up_plan_of_the_stack_is_shown(
    stack: StackOutputs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    plan = WarmUp(starts=datetime.now(UTC).date() - timedelta(days=1), first=100, growth=2.0, target=100_000)
    monkeypatch.setenv("MAILSTACK_OUTPUTS", stack.model_copy(update={"warm_up": plan}).to_json())
    rows = {row["what"]: row for row in json.loads(said(capsys, "--json"))["rows"]}
    day = rows["warm-up"]["values"]["day"]
    assert day in {2, 3}, "midnight may pass meanwhile"
    assert rows["warm-up"]["values"]["ceiling"] == 100 * 2 ** (day - 1)


def test_wait_fails_where_nothing_verifies(stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    assert main(["status", "--stack", "dev", "--wait", "1"]) == 1
    assert "waiting for identity example.test: PENDING" in capsys.readouterr().err


def test_wait_ends_once_the_identity_verifies(
    cloud: LocalCloud, stack: StackOutputs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(status, "_PAUSE", 0.05)
    verify = threading.Timer(0.5, lambda: cloud.control("POST", f"identities/{IDENTITY}/verify"))
    verify.start()
    assert main(["status", "--stack", "dev", "--wait", "60"]) == 0
    verify.join()


def test_watch_looks_again_until_interrupted(
    stack: StackOutputs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    looks = iter([None, KeyboardInterrupt()])

    def sleep(_: float) -> None:
        if interrupt := next(looks):
            raise interrupt

    monkeypatch.setattr(status.time, "sleep", sleep)
    assert main(["status", "--stack", "dev", "--watch", "5", "--json"]) == INTERRUPTED
    assert [json.loads(line)["stack"] for line in capsys.readouterr().out.splitlines()] == ["dev", "dev"]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "1e9"])
def test_unusable_number_of_seconds_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["status", "--stack", "dev", "--wait", seconds])
    assert stopped.value.code == 2
    assert "number of seconds" in capsys.readouterr().err


def test_stack_names_the_command_for_its_state(stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    assert main(["stack", "--stack", "dev"]) == 0
    assert "mailer status --stack dev" in capsys.readouterr().out


def _healthy(cloud: LocalCloud, stack: StackOutputs) -> None:
    cloud.control("PUT", "account", {"production_access": True})
    cloud.control("POST", f"identities/{IDENTITY}/verify")
    cloud.client("sqs").create_queue(QueueName="pager")
    for topic in (stack.paging_topic_arn, stack.events_topic_arn):
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=PAGER)


def _alarm(cloud: LocalCloud, name: str) -> None:
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=f"mailstack-dev-{name}",
        AlarmDescription="The quota is nearly used up.\nNext: send less",
        AlarmActions=["arn:aws:sns:us-east-1:000000000000:mailstack-dev-paging"],
        Namespace="example",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName=f"mailstack-dev-{name}", StateValue="OK", StateReason="of the test")


def _ring(cloud: LocalCloud, name: str) -> None:
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName=f"mailstack-dev-{name}", StateValue="ALARM", StateReason="of the test"
    )
