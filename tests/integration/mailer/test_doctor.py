"""`mailer doctor` against a deployed stack: each fault is named by exactly one check, and a healthy stack by none."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from mailer.cli import main
from mailer.dnscheck.lookup import ask_server
from mailer.doctor import site as doctor_site
from mailer.doctor.check import Verdict
from mailer.doctor.checks import CHECKS
from mailer.doctor.run import examine
from mailer.doctor.site import Site
from mailer.stack import StackOutputs
from mailer.zonefile import lines
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from tests.unit.mailer.name_server import NameServer, serving
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
STACK, DOMAIN, SET = "local", "example.test", "mailstack-local-transactional"
PREFIX = f"mailstack-{STACK}"


@dataclass
class Patient:
    """A deployed stack in a local cloud of its own, and the records of its domain."""

    cloud: LocalCloud
    outputs: StackOutputs
    server: NameServer
    environ: dict[str, str]

    def __getattr__(self, service: str) -> Any:
        """A client: `patient.sns`."""
        return self.cloud.client(service.replace("lambda_", "lambda"))

    @property
    def records(self) -> list[str]:
        return lines(self.outputs.dns_records)

    def publish(self, records: list[str]) -> None:
        self.server.publish(DOMAIN, "\n".join(records) + "\n")

    def without(self, words: str) -> None:
        kept = [line for line in self.records if words not in line]
        assert kept != self.records
        self.publish(kept)

    def changed(self, old: str, new: str) -> None:
        records = [line.replace(old, new) for line in self.records]
        assert records != self.records
        self.publish(records)

    def mapping(self, function: str) -> str:
        return self.lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"][0]["UUID"]

    def destination(self, **changes: Any) -> None:
        found = self.sesv2.get_configuration_set_event_destinations(ConfigurationSetName=SET)["EventDestinations"]
        feedback = next(one for one in found if "SnsDestination" in one)
        self.sesv2.update_configuration_set_event_destination(
            ConfigurationSetName=SET,
            EventDestinationName=feedback["Name"],
            EventDestination={key: value for key, value in {**feedback, **changes}.items() if key != "Name"},
        )

    def key(self) -> str:
        attributes = self.sns.get_topic_attributes(TopicArn=self.outputs.events_topic_arn)["Attributes"]
        return str(attributes["KmsMasterKeyId"])

    def policy_without(self, action: str) -> None:
        """A new default version of the sender policy."""
        arn = self.outputs.sender_policy_arn
        found = self.iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
        kept = [one for one in found["Statement"] if action not in one["Action"]]
        assert kept != found["Statement"]
        document = json.dumps({**found, "Statement": kept})
        self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)

    def examined(self) -> dict[str, Verdict]:
        site = Site(self.outputs, ask_server("127.0.0.1", self.server.port), self.environ)
        return {result.check.name: result.verdict for result in examine(site, CHECKS, PATIENCE)}


@dataclass(frozen=True)
class Deployed:
    """A stack that was deployed once; the local cloud returns to that state before each test."""

    cloud: LocalCloud
    outputs: StackOutputs


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("doctor")
    with LocalCloud.start(state=folder / "cloud") as cloud:
        cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="doctor")
        config = {"mailstack:access": json.dumps({"services": ["lambda"]})}
        stack = InProcessStack(ROOT, STACK, config=config, environment=cloud.environment(), state=folder / "pulumi")
        stack.up()
        outputs = StackOutputs.model_validate(stack.outputs["outputs"])
        cloud.client("sqs").create_queue(QueueName="pager")
        pager = f"arn:aws:sqs:us-east-1:{outputs.account_id}:pager"
        cloud.client("sns").subscribe(TopicArn=outputs.paging_topic_arn, Protocol="sqs", Endpoint=pager)
        _wake_monitor(cloud)
        cloud.snapshot()
        yield Deployed(cloud, outputs)


def _wake_monitor(cloud: LocalCloud) -> None:
    """Measure as the account monitor does every five minutes: its alarm rings until then."""
    cloudwatch = cloud.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[f"{PREFIX}-account-monitor-silent"])["MetricAlarms"]
    metric = next(one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one)
    point = {key: metric["Metric"][key] for key in ("MetricName", "Dimensions")}
    now, period = datetime.now(UTC), timedelta(seconds=metric["Period"])
    # CloudWatch judges whole periods.
    data = [{**point, "Timestamp": now - number * period, "Value": 0.0} for number in range(4)]
    cloudwatch.put_metric_data(Namespace=metric["Metric"]["Namespace"], MetricData=data)
    cloud.control("POST", "alarms/evaluate")


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """For all tests: it reads the models of a dozen services."""
    return boto3.Session()


@pytest.fixture
def patient(deployed: Deployed, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    cloud = deployed.cloud
    cloud.restore()
    with serving() as server:
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT"):
            monkeypatch.setattr(doctor_site, name, PATIENCE)
        monkeypatch.setattr(boto3, "Session", lambda: session)
        found = Patient(cloud, deployed.outputs, server, {})
        found.publish(found.records)
        yield found


# What a stack need not have.
OPTIONAL = ("report-record", "tls-policy", "tls-reports", "bimi", "smtp-connection", "smtp-login", "microsoft365")


def test_healthy_stack_has_no_problem(patient: Patient):
    verdicts = patient.examined()
    assert {name: verdict for name, verdict in verdicts.items() if verdict is not Verdict.OK} == dict.fromkeys(
        OPTIONAL, Verdict.SKIPPED
    )


def _with(patient: Patient, **changes: object) -> None:
    patient.outputs = patient.outputs.model_copy(update=changes)


def _sender(patient: Patient) -> str:
    return patient.outputs.sender.partition("<")[2].rstrip(">")


def _account(patient: Patient, **settings: object) -> None:
    patient.cloud.control("PUT", "account", settings)


def _sends(patient: Patient, *, most: int, mails: int) -> None:
    _account(patient, max_24_hour_send=float(most))
    for _ in range(mails):
        patient.sesv2.send_email(
            FromEmailAddress=_sender(patient),
            Destination={"ToAddresses": ["ada@example.org"]},
            Content={"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}},
        )


def _detach(patient: Patient) -> None:
    role = patient.outputs.roles["lambda"].rpartition("/")[2]
    patient.iam.detach_role_policy(RoleName=role, PolicyArn=patient.outputs.sender_policy_arn)


def _close_topic(patient: Patient) -> None:
    closed = '{"Version":"2012-10-17","Statement":[]}'
    topic = patient.outputs.events_topic_arn
    patient.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=closed)


def _unsubscribe(patient: Patient, topic: str) -> None:
    for one in patient.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        patient.sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


def _queue(patient: Patient, **attributes: str) -> None:
    patient.sqs.set_queue_attributes(QueueUrl=patient.outputs.feedback_queue_url, Attributes=attributes)


def _delete_function(patient: Patient, name: str) -> None:
    patient.lambda_.delete_event_source_mapping(UUID=patient.mapping(name))
    patient.lambda_.delete_function(FunctionName=name)


def _stop_reading(patient: Patient, function: str) -> None:
    patient.lambda_.update_event_source_mapping(UUID=patient.mapping(function), Enabled=False)


def _expiry_off(patient: Patient) -> None:
    patient.dynamodb.update_time_to_live(
        TableName=patient.outputs.table,
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"},
    )


def _close_key(patient: Patient) -> None:
    key = patient.key()
    policy = json.loads(patient.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    kept = [one for one in policy["Statement"] if "Service" not in one["Principal"]]
    assert kept != policy["Statement"]
    patient.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({**policy, "Statement": kept}))


Fault = Callable[[Patient], object]
FAULTS: dict[str, tuple[str, Fault]] = {
    "another account": ("credentials", lambda p: _with(p, account_id="111122223333")),
    "old outputs": ("outputs", lambda p: _with(p, sender=f"Another name <{_sender(p)}>")),
    "outputs deleted": ("outputs", lambda p: p.ssm.delete_parameter(Name=f"/mailstack/{STACK}/outputs")),
    "SMTP password left": ("environment", lambda p: p.environ.update(EMAIL_HOST_PASSWORD="x")),
    "key of another provider left": ("environment", lambda p: p.environ.update(SENDGRID_API_KEY="x")),
    "long-term access key": ("environment", lambda p: p.environ.update(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")),
    "account under review": ("enforcement", lambda p: _account(p, enforcement_status="PROBATION")),
    "account suspended": ("enforcement", lambda p: _account(p, enforcement_status="SHUTDOWN")),
    "sending of the account off": (
        "enforcement",
        lambda p: p.sesv2.put_account_sending_attributes(SendingEnabled=False),
    ),
    "sandbox": ("sandbox", lambda p: _account(p, production_access=False)),
    "quota nearly used": ("quota", lambda p: _sends(p, most=10, mails=9)),
    "quota used": ("quota", lambda p: _sends(p, most=10, mails=10)),
    "identity deleted": ("identity", lambda p: p.sesv2.delete_email_identity(EmailIdentity=DOMAIN)),
    "signing off": (
        "dkim",
        lambda p: p.sesv2.put_email_identity_dkim_attributes(EmailIdentity=DOMAIN, SigningEnabled=False),
    ),
    "MAIL FROM removed": ("mail-from", lambda p: p.sesv2.put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN)),
    "another MAIL FROM": (
        "mail-from",
        lambda p: p.sesv2.put_email_identity_mail_from_attributes(
            EmailIdentity=DOMAIN, MailFromDomain=f"other.{DOMAIN}", BehaviorOnMxFailure="USE_DEFAULT_VALUE"
        ),
    ),
    "forwarding on": (
        "forwarding",
        lambda p: p.sesv2.put_email_identity_feedback_attributes(EmailIdentity=DOMAIN, EmailForwardingEnabled=True),
    ),
    "DKIM record missing": ("dkim-records", lambda p: p.publish(p.records[1:])),
    "DKIM record of another key": ("dkim-records", lambda p: p.changed(".dkim.amazonses.com", ".dkim.example.org")),
    "MX record missing": ("mx-record", lambda p: p.without(" MX ")),
    "MX record of another server": ("mx-record", lambda p: p.changed("feedback-smtp.", "mx.")),
    "SPF record missing": ("spf-record", lambda p: p.without("v=spf1")),
    "SPF record without SES": ("spf-record", lambda p: p.changed("include:amazonses.com", "include:example.org")),
    "two SPF records": ("spf-record", lambda p: p.publish([*p.records, f'bounce.{DOMAIN}. 60 IN TXT "v=spf1 -all"'])),
    "DMARC record missing": ("dmarc-record", lambda p: p.without("v=DMARC1")),
    "DMARC record weaker": ("dmarc-record", lambda p: p.changed("p=", "p=none; x=")),
    "two DMARC records": (
        "dmarc-record",
        lambda p: p.publish([*p.records, f'_dmarc.{DOMAIN}. 60 IN TXT "v=DMARC1; p=none"']),
    ),
    "configuration set deleted": ("streams", lambda p: p.sesv2.delete_configuration_set(ConfigurationSetName=SET)),
    "suppression off": (
        "streams",
        lambda p: p.sesv2.put_configuration_set_suppression_options(ConfigurationSetName=SET, SuppressedReasons=[]),
    ),
    "stream paused": (
        "paused",
        lambda p: p.sesv2.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=False),
    ),
    "destination deleted": (
        "event-destinations",
        lambda p: p.sesv2.delete_configuration_set_event_destination(
            ConfigurationSetName=SET, EventDestinationName="feedback"
        ),
    ),
    "destination off": ("event-destinations", lambda p: p.destination(Enabled=False)),
    "destination without complaints": ("event-destinations", lambda p: p.destination(MatchingEventTypes=["BOUNCE"])),
    "sender policy without sending": ("sender-policy", lambda p: p.policy_without("ses:SendEmail")),
    "sender policy without look-up": ("sender-policy", lambda p: p.policy_without("dynamodb:BatchGetItem")),
    "role without policy": ("roles", _detach),
    "events topic deleted": ("events-topic", lambda p: p.sns.delete_topic(TopicArn=p.outputs.events_topic_arn)),
    "events topic closed": ("events-topic", _close_topic),
    "not subscribed": ("events-subscription", lambda p: _unsubscribe(p, p.outputs.events_topic_arn)),
    "queue deleted": ("feedback-queue", lambda p: p.sqs.delete_queue(QueueUrl=p.outputs.feedback_queue_url)),
    "queue closed": ("feedback-queue", lambda p: _queue(p, Policy="")),
    "queue without dead letters": ("feedback-queue", lambda p: _queue(p, RedrivePolicy="")),
    "dead letters": (
        "dead-letters",
        lambda p: p.sqs.send_message(QueueUrl=p.outputs.feedback_dlq_url, MessageBody="junk"),
    ),
    "dead-letter queue deleted": ("dead-letters", lambda p: p.sqs.delete_queue(QueueUrl=p.outputs.feedback_dlq_url)),
    "function deleted": ("feedback-function", lambda p: _delete_function(p, p.outputs.feedback_function)),
    "function reads nothing": (
        "feedback-function",
        lambda p: p.lambda_.delete_event_source_mapping(UUID=p.mapping(p.outputs.feedback_function)),
    ),
    "reading stopped": ("feedback-function", lambda p: _stop_reading(p, p.outputs.feedback_function)),
    "function may not run": (
        "feedback-function",
        lambda p: p.lambda_.put_function_concurrency(
            FunctionName=p.outputs.feedback_function, ReservedConcurrentExecutions=0
        ),
    ),
    "table deleted": ("table", lambda p: p.dynamodb.delete_table(TableName=p.outputs.table)),
    "rows never expire": ("table", _expiry_off),
    "no backups": (
        "backup",
        lambda p: p.dynamodb.update_continuous_backups(
            TableName=p.outputs.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
        ),
    ),
    "key off": ("key", lambda p: p.kms.disable_key(KeyId=p.key())),
    "key to be deleted": ("key", lambda p: p.kms.schedule_key_deletion(KeyId=p.key(), PendingWindowInDays=7)),
    "key closed": ("key", _close_key),
    "alarm deleted": (
        "alarms",
        lambda p: p.cloudwatch.delete_alarms(AlarmNames=[f"{PREFIX}-transactional-bounce-rate-critical"]),
    ),
    "alarm muted": (
        "alarms",
        lambda p: p.cloudwatch.disable_alarm_actions(AlarmNames=[f"{PREFIX}-feedback-errors"]),
    ),
    "alarm rings": (
        "ringing",
        lambda p: p.cloudwatch.set_alarm_state(
            AlarmName=f"{PREFIX}-account-bounce-rate-warning", StateValue="ALARM", StateReason="A drill."
        ),
    ),
    "paging topic deleted": ("pagers", lambda p: p.sns.delete_topic(TopicArn=p.outputs.paging_topic_arn)),
    "nobody subscribed": ("pagers", lambda p: _unsubscribe(p, p.outputs.paging_topic_arn)),
    "a pager unconfirmed": (
        "pagers",
        lambda p: p.sns.subscribe(TopicArn=p.outputs.paging_topic_arn, Protocol="email", Endpoint="ada@example.com"),
    ),
    "guard deleted": ("guard", lambda p: _delete_function(p, p.outputs.guard_function)),
    "guard reads nothing": ("guard", lambda p: _stop_reading(p, p.outputs.guard_function)),
    "clock off": ("clocks", lambda p: p.events.disable_rule(Name=f"{PREFIX}-account-monitor")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named_by_exactly_one_check(patient: Patient, fault: str):
    check, inject = FAULTS[fault]
    inject(patient)
    verdicts = patient.examined()
    assert [name for name, verdict in verdicts.items() if verdict in {Verdict.FAILED, Verdict.WARNING}] == [check]
    assert Verdict.UNKNOWN not in verdicts.values()


def test_report_lists_findings_with_remedies(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", patient.outputs.to_json())
    patient.sesv2.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=False)
    patient.without("v=DMARC1")
    command = ["doctor", "--resolver", f"127.0.0.1:{patient.server.port}"]
    assert main(command) == 1
    shown = capsys.readouterr().out
    assert "fix    remove the cause, then: mailer resume transactional --stack local" in shown
    assert f"found  TXT _dmarc.{DOMAIN} is missing." in shown
    assert "Outlook.com are not met: dmarc-record." in shown
    assert main([*command, "--json", "--only", "paused", "--only", "dkim"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(one["check"], one["verdict"]) for one in found["checks"]] == [("dkim", "ok"), ("paused", "failed")]
    assert found["sender_rules"] is None


def test_list_of_checks_needs_no_stack(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CHECKS)


def test_unknown_check_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["doctor", "--only", "weather"])
    assert "there is no check 'weather'; `mailer doctor --list` shows all" in capsys.readouterr().err
