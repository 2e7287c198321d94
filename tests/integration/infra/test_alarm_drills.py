"""A drill for every alarm that acts: data goes in, the alarm goes off, the page arrives, and so does the recovery.

Each page arrives twice: at a queue, as people's mail and PagerDuty's URL would have it, and in a channel in Slack.
"""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailer.cli import main
from mailer.stack import StackOutputs
from mailstack_infra.environment import Environment
from mailstack_infra.inventory import Inventory
from mailstack_infra.monitoring.definitions import Alarm, alarms, composites
from mailstack_infra.settings.loading import read
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from tests.integration.queues import open_to
from tests.unit.infra.program import config_of
from tests.waiting import eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
# An alarm judges the newest whole period with data, and the functions publish data too. The drills put one period after
# another within a second, so none may end meanwhile: of many lengths, the one that has the longest to run.
NOW = int(datetime.now(UTC).timestamp())
PERIOD = timedelta(seconds=max(range(3600, 7200, 60), key=lambda seconds: seconds - NOW % seconds))
CHANNELS = {"critical": "C0PAGES", "warning": "C0WARNINGS"}
SLACK = {"workspace": "T0EXAMPLE", "page": CHANNELS["critical"], "warn": CHANNELS["warning"]}
CONFIG = {
    "mailstack:alarmPeriodSeconds": str(int(PERIOD.total_seconds())),
    "mailstack:page": "oncall@example.com",
    "mailstack:warn": "team@example.com",
    "mailstack:slack": json.dumps(SLACK),
}
SETTINGS = read("local", {**config_of("local"), **CONFIG})
MONITORING = SETTINGS.monitoring
ENV = Environment("local", "000000000000", "us-east-1", "aws", {})


def _metric(alarm: Alarm) -> tuple[str, ...]:
    return (alarm.namespace, alarm.metric, *alarm.dimensions.values())


def _alone(alarm: Alarm) -> bool:
    return alarm.level is not None and alarm.key not in BY_ITSELF and not alarm.metric.startswith("Reputation.")


ALARMS = {alarm.key: alarm for alarm in alarms(ENV, MONITORING, Inventory.of(MONITORING))}
HEARTBEAT, ENOUGH, PAGERS = "account-monitor-silent", "account-sends-enough", "account-pagers-missing"
# Each has a drill of its own.
BY_ITSELF = {HEARTBEAT, PAGERS}
# Alarms that act, by the metric that they share. Rates are drilled together with how much was sent.
SINGLE = [
    sorted(alarm.key for alarm in group)
    for _, group in itertools.groupby(
        sorted((alarm for alarm in ALARMS.values() if _alone(alarm)), key=_metric),
        key=_metric,
    )
]
BOTH = {alarm.key: alarm for alarm in composites(ENV, MONITORING)}


class Drill:
    """A deployed stack, and a queue on each of its pagers."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        cloud.client("route53").create_hosted_zone(Name="example.test", CallerReference="drill")
        state, environment = folder / "state.json", cloud.environment()
        self.stack = InProcessStack(ROOT, "local", config=CONFIG, environment=environment, state=state)
        self.stack.up()
        self.outputs = StackOutputs.model_validate(self.stack.outputs["outputs"])
        topic = self.outputs.paging_topic_arn
        self._queues = {
            level: self._pager(level, arn)
            for level, arn in (("critical", topic), ("warning", topic.replace("-paging", "-warnings")))
        }
        self._pages: dict[str, list[dict[str, Any]]] = {level: [] for level in self._queues}
        self._texts: list[str] = []
        cloud.snapshot()

    def begin(self) -> None:
        """Have everything as it was after the deployment."""
        self.cloud.restore()
        self._texts.clear()
        for pages in self._pages.values():
            pages.clear()

    def _pager(self, level: str, topic: str) -> str:
        sqs = self.cloud.client("sqs")
        name = f"pager-{level}"
        url = sqs.create_queue(QueueName=name, Attributes=open_to("sns", name))["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.cloud.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )
        return url

    def put(self, alarm: Alarm, value: float, ago: timedelta) -> None:
        dimensions = [{"Name": name, "Value": text} for name, text in alarm.dimensions.items()]
        datum: Any = {"MetricName": alarm.metric, "Dimensions": dimensions, "Value": value}
        datum["Timestamp"] = datetime.now(UTC) - ago
        self.cloud.client("cloudwatch").put_metric_data(Namespace=alarm.namespace, MetricData=[datum])

    def measured(self, alarm: Alarm) -> list[float]:
        """What was published lately of the metric that an alarm watches."""
        now = datetime.now(UTC)
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace=alarm.namespace,
            MetricName=alarm.metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in alarm.dimensions.items()],
            StartTime=now - PERIOD,
            EndTime=now + PERIOD,
            Period=60,
            Statistics=["Minimum"],
        )["Datapoints"]
        return [point["Minimum"] for point in points]

    def period(self, alarm: Alarm) -> timedelta:
        return timedelta(seconds=alarm.period or SETTINGS.alarm_period_seconds)

    def evaluate(self) -> dict[str, str]:
        return self.cloud.control("POST", "alarms/evaluate")["alarms"]

    def page(self, level: str, key: str, state: str) -> dict[str, Any]:
        """The newest page of an alarm, once it says this state."""

        def newest() -> dict[str, Any] | None:
            self._collect(level)
            found = [page for page in self._pages[level] if page.get("AlarmName") == ENV.name(key)]
            return found[-1] if found and found[-1]["NewStateValue"] == state else None

        def in_slack() -> bool:
            shown = [message for message in self.slack(level, "alarm") if f"| {ENV.name(key)} |" in message["title"]]
            return bool(shown) and f"→ {state}: " in shown[-1]["text"]

        page = eventually(newest, f"no page that {key} is {state}")
        eventually(in_slack, f"Slack does not show that {key} is {state}")
        return page

    def slack(self, level: str, kind: str) -> list[dict[str, Any]]:
        """What a level's channel shows of one kind, the oldest first."""
        messages = self.cloud.control("GET", f"slack/{ENV.name(CHANNELS[level].lower())}")["messages"]
        return [message for message in messages if message["shown"] and message["kind"] == kind]

    def text(self, first_line: str) -> str:
        """The newest page that begins with a line, and is no notification of an alarm."""

        def found() -> str:
            self._collect("critical")
            return next((text for text in reversed(self._texts) if text.startswith(first_line)), "")

        return eventually(found, f"no page {first_line!r}")

    def pages(self, level: str, key: str) -> list[str]:
        """The states that an alarm paged about so far."""
        self._collect(level)
        return [page["NewStateValue"] for page in self._pages[level] if page.get("AlarmName") == ENV.name(key)]

    def heard(self, level: str, key: str) -> bool:
        return bool(self.pages(level, key))

    def guards_page(self) -> str:
        """The newest page that is no notification of an alarm."""

        def newest() -> str:
            self._collect("critical")
            return self._texts[-1] if self._texts else ""

        return eventually(newest, "no page of the guard")

    def _collect(self, level: str) -> None:
        sqs, url = self.cloud.client("sqs"), self._queues[level]
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            body = message["Body"]
            if body.startswith("{"):
                self._pages[level].append(json.loads(body))
            else:
                self._texts.append(body)

    def tick(self) -> None:
        """What the account monitor's clock sends."""
        self._tick("account-monitor")

    def guards_tick(self) -> None:
        """What the guard's clock sends; returns once the guard has taken it."""
        self._tick("sending-guard")
        eventually(lambda: self.waiting("sending-guard") == 0, "the guard does not take its tick")

    def waiting(self, queue: str) -> int:
        """How many messages are in a queue, those in work included."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.cloud.client("sqs").get_queue_attributes(QueueUrl=self._url(queue), AttributeNames=names)
        return sum(map(int, found["Attributes"].values()))

    def _tick(self, worker: str) -> None:
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
        self.cloud.client("sqs").send_message(QueueUrl=self._url(worker), MessageBody=json.dumps(event))

    def _url(self, worker: str) -> str:
        return self.cloud.client("sqs").get_queue_url(QueueName=ENV.name(worker))["QueueUrl"]

    def mailer(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
        """A command of `mailer` about the stack."""
        for name, value in {**self.cloud.environment(), "MAILSTACK_OUTPUTS": self.outputs.to_json()}.items():
            monkeypatch.setenv(name, value)
        return main([*arguments, "--stack", "local"])

    def send(self, to: str = "bob@example.com", **more: Any) -> None:
        simple = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}, **more}
        content: Any = {"Simple": simple}
        self.cloud.client("sesv2").send_email(
            FromEmailAddress="no-reply@example.test",
            Destination={"ToAddresses": [to]},  # the simulator's mail counts in no quota
            Content=content,
            ConfigurationSetName=self.outputs.default_configuration_set,
        )

    def sends(self) -> bool:
        name = self.outputs.default_configuration_set
        found = self.cloud.client("sesv2").get_configuration_set(ConfigurationSetName=name)
        return found["SendingOptions"]["SendingEnabled"]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    folder = tmp_path_factory.mktemp("drill")
    with LocalCloud.start(state=folder / "cloud") as cloud:
        yield Drill(cloud, folder)


@pytest.fixture
def drill(deployed: Drill) -> Drill:
    deployed.begin()
    return deployed


def test_a_silent_monitor_pages_until_it_measures_again(drill: Drill):
    assert drill.evaluate()[ENV.name(HEARTBEAT)] == "ALARM"
    heartbeat = ALARMS[HEARTBEAT]
    drill.tick()
    eventually(lambda: drill.measured(heartbeat), "the monitor stays silent")
    # CloudWatch judges whole periods: as if the tick had come one earlier.
    drill.put(heartbeat, drill.measured(heartbeat)[0], drill.period(heartbeat))
    assert drill.evaluate()[ENV.name(HEARTBEAT)] == "OK"
    assert drill.page("critical", HEARTBEAT, "OK")["OldStateValue"] == "ALARM"


@pytest.mark.parametrize("key", [key for key, *_ in SINGLE])
def test_alarms_page_their_topic_and_report_recovery(drill: Drill, key: str):
    (group,) = (group for group in SINGLE if group[0] == key)
    worst = max(ALARMS[each].threshold for each in group)
    period = drill.period(ALARMS[key])
    drill.put(ALARMS[key], worst + 1, 2 * period)
    states = drill.evaluate()
    for each in group:
        assert states[ENV.name(each)] == "ALARM"
        alarm = ALARMS[each]
        assert alarm.level
        page = drill.page(alarm.level, each, "ALARM")
        assert page["AlarmDescription"] == alarm.does
        assert page["Trigger"]["MetricName"] == alarm.metric
    drill.put(ALARMS[key], 0, period)
    states = drill.evaluate()
    for each in group:
        assert states[ENV.name(each)] == "OK"
        drill.page(str(ALARMS[each].level), each, "OK")
        assert not drill.heard({"warning": "critical", "critical": "warning"}[str(ALARMS[each].level)], each)


def test_critical_rate_with_few_mails_only_warns(drill: Drill):
    reached = ALARMS["transactional-bounce-rate-reached-critical"]
    drill.put(reached, reached.threshold, 2 * PERIOD)
    states = drill.evaluate()
    drill.page("warning", "transactional-bounce-rate-warning", "ALARM")
    assert states[ENV.name(reached.key)] == "ALARM"
    assert "ALARM" not in drill.pages("critical", "transactional-bounce-rate-critical")
    assert drill.sends()


# To deploy takes a while, and does the same whichever rate it was.
@pytest.mark.parametrize(("kind", "deploys"), [("bounce", True), ("complaint", False)])
def test_critical_rate_pages_and_pauses_until_resumed(
    drill: Drill, monkeypatch: pytest.MonkeyPatch, kind: str, *, deploys: bool
):
    key = f"transactional-{kind}-rate-critical"
    reached, enough = (ALARMS[part] for part in BOTH[key].parts)
    drill.put(reached, reached.threshold, 2 * PERIOD)
    drill.put(enough, enough.threshold + 1, timedelta(days=1))  # of the newest whole day
    drill.evaluate()
    page = drill.page("critical", key, "ALARM")
    assert "Trigger" not in page
    eventually(lambda: not drill.sends(), "the guard does not pause")
    name = drill.outputs.default_configuration_set
    assert name in drill.guards_page()
    eventually(lambda: drill.slack("critical", "custom"), "Slack does not show the guard's page")
    assert drill.slack("critical", "custom")[-1]["title"] == f"Sending paused: {name}"

    drill.put(reached, 0, PERIOD)
    drill.evaluate()
    drill.page("critical", key, "OK")
    drill.page("warning", f"transactional-{kind}-rate-warning", "OK")
    if deploys:
        changed = drill.stack.up()
        assert (changed.create, changed.update, changed.replace, changed.delete) == (0, 0, 0, 0)
    drill.guards_tick()
    assert not drill.sends(), "neither recovery nor a deployment nor the guard's clock un-pauses"
    assert drill.mailer(monkeypatch, "resume", "transactional", "--yes") == 0
    assert drill.sends()


def _pausing(drill: Drill, rate: float) -> None:
    """A rate of now, with enough mail behind it to be critical."""
    reached, enough = (ALARMS[part] for part in BOTH["transactional-bounce-rate-critical"].parts)
    drill.put(reached, rate, timedelta())
    drill.put(enough, enough.threshold + 1, timedelta(days=1))
    drill.evaluate()


def test_stream_resumed_in_alarm_is_paused_again(
    drill: Drill, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    name = drill.outputs.default_configuration_set
    critical = ALARMS["transactional-bounce-rate-reached-critical"].threshold
    _pausing(drill, critical)
    eventually(lambda: not drill.sends(), "the guard does not pause")

    drill.cloud.client("sesv2").put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=True)
    drill.guards_tick()
    eventually(lambda: not drill.sends(), "a stream that sends under an alarm is not paused again")
    eventually(lambda: "somebody resumed the stream" in drill.guards_page(), "the page does not say why")

    assert drill.mailer(monkeypatch, "resume", "transactional", "--yes") == 0
    said = capsys.readouterr().out
    assert "bounce rate" in said
    assert "sends again" in said
    drill.evaluate()
    drill.guards_tick()
    assert drill.sends(), "the rate is what the person has accepted"

    _pausing(drill, critical * 2)  # the alarm was and is in ALARM: CloudWatch says nothing
    drill.guards_tick()
    eventually(lambda: not drill.sends(), "a rate that gets worse does not pause again")
    assert "The rate is 12.000%; it was 8.000% when the stream was resumed" in drill.guards_page()


def test_resume_asks_and_changes_nothing_without_an_answer(
    drill: Drill, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    _pausing(drill, ALARMS["transactional-bounce-rate-reached-critical"].threshold)
    eventually(lambda: not drill.sends(), "the guard does not pause")
    assert drill.mailer(monkeypatch, "resume", "transactional") == 2
    assert "Add --yes" in capsys.readouterr().err
    assert drill.mailer(monkeypatch, "resume", "newsletter") == 2
    assert "It has: transactional." in capsys.readouterr().err
    assert not drill.sends()
    assert drill.mailer(monkeypatch, "resume", "transactional", "--yes") == 0
    assert drill.sends()


def test_critical_account_rates_page_and_pause_no_stream(drill: Drill):
    kinds = ("bounce", "complaint")
    criticals, warnings = ([f"account-{kind}-rate-{level}" for kind in kinds] for level in ("critical", "warning"))
    reached, enough = [ALARMS[BOTH[key].parts[0]] for key in criticals], ALARMS[ENOUGH]
    drill.put(enough, enough.threshold - 1, 2 * PERIOD)
    for alarm in reached:
        drill.put(alarm, alarm.threshold, 2 * PERIOD)
    states = drill.evaluate()
    assert [states[ENV.name(alarm.key)] for alarm in (*reached, enough)] == ["ALARM", "ALARM", "OK"]
    for key, critical in zip(warnings, criticals, strict=True):
        drill.page("warning", key, "ALARM")
        assert "ALARM" not in drill.pages("critical", critical)

    drill.put(enough, enough.threshold, PERIOD)
    drill.evaluate()
    for key in criticals:
        assert "Trigger" not in drill.page("critical", key, "ALARM")
    assert drill.sends()
    for alarm in reached:
        drill.put(alarm, 0, PERIOD)
    drill.evaluate()
    for level, key in (*(("critical", key) for key in criticals), *(("warning", key) for key in warnings)):
        drill.page(level, key, "OK")


def test_there_is_a_drill_for_every_alarm_that_acts():
    drilled = {key for group in SINGLE for key in group} | set(BOTH) | BY_ITSELF
    rates = {
        f"{whose}-{kind}-rate-warning" for whose in ("transactional", "account") for kind in ("bounce", "complaint")
    }
    assert drilled | rates == {alarm.key for alarm in ALARMS.values() if alarm.level} | set(BOTH)


def _under_review(drill: Drill) -> None:
    drill.cloud.control("PUT", "account", {"enforcement_status": "PROBATION"})
    drill.tick()


def _no_more_quota(drill: Drill) -> None:
    drill.send()
    drill.cloud.control("PUT", "account", {"max_24_hour_send": 1})
    drill.tick()


def _a_virus(drill: Drill) -> None:
    # The antivirus industry's harmless test file, in two halves so that no scanner takes this one for it.
    virus = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    drill.send(Attachments=[{"FileName": "a.txt", "RawContent": virus, "ContentTransferEncoding": "BASE64"}])


def _what_nobody_can_read(drill: Drill) -> None:
    drill.cloud.client("sqs").send_message(QueueUrl=drill.outputs.feedback_dlq_url, MessageBody="?")


HAPPENINGS = {
    "transactional-rejects": _a_virus,
    "account-quota-critical": _no_more_quota,
    "account-enforcement": _under_review,
    "feedback-dlq-depth": _what_nobody_can_read,
}


@pytest.mark.parametrize("key", HAPPENINGS)
def test_each_alarm_metric_measures_what_it_names(drill: Drill, key: str):
    HAPPENINGS[key](drill)
    eventually(lambda: drill.evaluate()[ENV.name(key)] == "ALARM", "nobody noticed")
    drill.page(str(ALARMS[key].level), key, "ALARM")


@pytest.mark.parametrize("kind", ["Sending Status Disabled", "Advisor Recommendation Status Open"])
def test_account_event_of_ses_pages(drill: Drill, kind: str):
    drill.cloud.control("POST", "events", {"detail-type": kind, "detail": {"version": "1.0.0"}})
    page = drill.text(f"Amazon SES says: {kind}\n")
    assert '"version": "1.0.0"' in page
    eventually(
        lambda: [shown for shown in drill.slack("critical", "custom") if shown["title"] == f"SES: {kind}"],
        f"Slack does not show {kind}",
    )


def test_a_table_that_refuses_every_write_pages_before_the_dlq(drill: Drill):
    key, table = "feedback-failed-records", drill.outputs.table
    drill.cloud.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)
    drill.cloud.client("dynamodb").delete_table(TableName=table)
    drill.cloud.control("PUT", "account", {"max_24_hour_send": 50_000})
    given_up = drill.waiting("feedback-dlq")
    drill.send(to="bounce@simulator.amazonses.com")
    eventually(lambda: drill.evaluate()[ENV.name(key)] == "ALARM", "nobody noticed")
    page = drill.page("warning", key, "ALARM")
    assert "Bounces and complaints are not recorded" in page["AlarmDescription"]
    assert ALARMS[key].period == 60
    assert drill.waiting("feedback-dlq") == given_up, "the page comes while the message is still tried"


def test_missing_pagers_are_reported_by_mail_and_other_topic(drill: Drill):
    sns, topic = drill.cloud.client("sns"), drill.outputs.paging_topic_arn
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    for subscription in subscriptions:
        arn = subscription["SubscriptionArn"]
        # One that is still to be confirmed cannot be deleted, and pages nobody.
        if arn != "PendingConfirmation":
            sns.unsubscribe(SubscriptionArn=arn)
    pagers = ALARMS[PAGERS]
    drill.tick()
    eventually(lambda: 0 in drill.measured(pagers), "nobody counts the pagers")
    drill.put(pagers, 0, drill.period(pagers))
    assert drill.evaluate()[ENV.name(PAGERS)] == "ALARM"
    assert "subscribes again" in drill.page("warning", PAGERS, "ALARM")["AlarmDescription"]

    def mailed() -> set[str]:
        found = drill.cloud.control("GET", "messages", {"q": "Nobody is paged"})["messages"]
        return {recipient for message in found for recipient in message["to"]}

    eventually(lambda: mailed() == {"oncall@example.com", "team@example.com"}, "nobody is told by mail")
