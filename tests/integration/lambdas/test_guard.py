"""The sending guard's own code against the local cloud: an alarm pauses one configuration set and pages."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from mailer.errors import BatchFailed
from mailer.functions.guard import KINDS
from mailer.functions.recheck import accept
from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to
from tests.unit.lambdas.records import batch, handler
from tests.unit.mailer.feedback.payloads import Json, changed, in_sns, load, raw

pytestmark = pytest.mark.integration
ORDINARY = "transactional"
# As many as a stack may have, of the longest names.
STREAMS = [f"stream-{number:03}-{'x' * 9}" for number in range(48)]


class Guard:
    """The function, two configuration sets that it may pause, one that it may not, and a queue on the pager."""

    def __init__(self, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ses, sns, self._sqs = cloud.client("sesv2"), cloud.client("sns"), cloud.client("sqs")
        mark = uuid.uuid4().hex[:8]
        self.ours, self.bulk, self.foreign = (f"{name}-{mark}" for name in ("ours", "bulk", "foreign"))
        for name in (self.ours, self.bulk, self.foreign):
            self.ses.create_configuration_set(ConfigurationSetName=name)
        topic = sns.create_topic(Name=f"paging-{mark}")["TopicArn"]
        pager = f"pager-{mark}"
        self._queue = self._sqs.create_queue(QueueName=pager, Attributes=open_to("sns", pager))["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
        for name, value in {
            **cloud.environment(),
            "MAILSTACK_STACK": "prod",
            "MAILSTACK_GUARDED": ",".join([f"{ORDINARY}={self.ours}", *STREAMS, f"bulk={self.bulk}"]),
            "MAILSTACK_PAGING_TOPIC_ARN": topic,
        }.items():
            monkeypatch.setenv(name, value)
        self.function = handler("sending_guard")

    def alarm(self, configuration_set: str, state: str = "ALARM") -> Json:
        stream = {self.ours: ORDINARY, self.bulk: "bulk"}.get(configuration_set, configuration_set)
        name = f"mailstack-prod-{stream}-bounce-rate-critical"
        return changed("alarm-composite", NewStateValue=state, AlarmName=name)

    def take(self, *bodies: str, receive_count: int = 1) -> list[Json]:
        return self.function.handle(batch(*bodies, receive_count=receive_count), None)["batchItemFailures"]

    def sending(self) -> list[bool]:
        return [
            self.ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"]["SendingEnabled"]
            for name in (self.ours, self.bulk, self.foreign)
        ]

    def pages(self) -> list[Json]:
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def guard(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Guard:
    return Guard(cloud, monkeypatch)


@pytest.mark.parametrize("wrap", [raw, in_sns])
def test_alarm_pauses_its_configuration_set_and_pages_once(guard: Guard, wrap: Callable[[Json], str]):
    assert guard.take(wrap(guard.alarm(guard.ours))) == []
    assert guard.sending() == [False, True, True]
    (page,) = guard.pages()
    assert page["Subject"] == f"Sending paused: {guard.ours}"
    assert "Reputation.BounceRate" in page["Message"]
    assert "mailer resume " in page["Message"]


def test_second_alarm_of_a_paused_set_does_not_page(guard: Guard, capsys: pytest.CaptureFixture[str]):
    guard.take(raw(guard.alarm(guard.ours)))
    guard.pages()
    assert guard.take(raw(guard.alarm(guard.ours)), raw(guard.alarm(guard.ours))) == []
    assert guard.pages() == []
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["message"] == "already paused"


def test_failed_page_is_sent_when_the_message_is_retried(guard: Guard, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as broken:
        broken.setenv("MAILSTACK_PAGING_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:nowhere")
        with pytest.raises(BatchFailed):
            guard.take(raw(guard.alarm(guard.ours)))
    assert guard.sending() == [False, True, True]
    assert guard.take(raw(guard.alarm(guard.ours)), receive_count=2) == []
    assert len(guard.pages()) == 1


def test_recovery_does_not_un_pause(guard: Guard):
    guard.take(raw(guard.alarm(guard.ours)))
    guard.pages()
    assert guard.take(raw(guard.alarm(guard.ours, state="OK"))) == []
    assert guard.sending() == [False, True, True]
    assert guard.pages() == []


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA", "ALARM", "ok", ""])
def test_paused_set_stays_paused_after_any_message(guard: Guard, state: str):
    for name in (guard.ours, guard.bulk, guard.foreign):
        guard.ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=False)
    alarms = [raw(guard.alarm(name, state=state)) for name in (guard.ours, guard.bulk, guard.foreign)]
    guard.take(*alarms, TICK)
    assert guard.sending() == [False, False, False]


def test_a_configuration_set_of_another_stack_is_left_alone(guard: Guard, capsys: pytest.CaptureFixture[str]):
    assert guard.take(raw(guard.alarm(guard.foreign))) == []
    assert guard.sending() == [True, True, True]
    assert guard.pages() == []
    assert "no alarm that pauses a configuration set of this stack" in capsys.readouterr().out


def test_a_configuration_set_that_is_gone_sends_the_alarm_back(guard: Guard):
    guard.ses.delete_configuration_set(ConfigurationSetName=guard.bulk)
    assert guard.take(raw(guard.alarm(guard.bulk)), raw(guard.alarm(guard.ours))) == [{"itemIdentifier": "1"}]
    assert not guard.ses.get_configuration_set(ConfigurationSetName=guard.ours)["SendingOptions"]["SendingEnabled"]


def test_message_that_is_no_alarm_returns_to_the_queue(guard: Guard):
    alarm = raw(guard.alarm(guard.foreign))
    assert guard.take("hello", alarm, in_sns(load("bounce"))) == [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]
    assert guard.sending() == [True, True, True]


class Alarms:
    """The alarms of every stream of the guard as a stack has them: a composite one for each rate, and its parts."""

    def __init__(self, cloud: LocalCloud, guard: Guard) -> None:
        self._cloudwatch, self._ses = cloud.client("cloudwatch"), guard.ses
        for stream in (ORDINARY, *STREAMS, "bulk"):
            self._parts(stream)
            for kind in KINDS:
                rule = f'ALARM("{self.reached(stream, kind)}") AND ALARM("mailstack-prod-{stream}-sends-enough")'
                self._cloudwatch.put_composite_alarm(AlarmName=self.critical(stream, kind), AlarmRule=rule)
                self._cloudwatch.set_alarm_state(
                    AlarmName=self.critical(stream, kind), StateValue="OK", StateReason="it is"
                )

    @staticmethod
    def critical(stream: str, kind: str) -> str:
        return f"mailstack-prod-{stream}-{kind}-rate-critical"

    @staticmethod
    def reached(stream: str, kind: str) -> str:
        return f"mailstack-prod-{stream}-{kind}-rate-reached-critical"

    def _parts(self, stream: str) -> None:
        rates = {self.reached(stream, kind): f"Reputation.{kind.title()}Rate" for kind in KINDS}
        for name, metric in {**rates, f"mailstack-prod-{stream}-sends-enough": "Send"}.items():
            self._cloudwatch.put_metric_alarm(
                AlarmName=name,
                Namespace="AWS/SES",
                MetricName=metric,
                Dimensions=[{"Name": "ses:configuration-set", "Value": stream}],
                Statistic="Average",
                Period=300,
                EvaluationPeriods=1,
                Threshold=0.05,
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="ignore",
            )

    def raise_all(self, stream: str, kind: str) -> None:
        for name in (self.reached(stream, kind), f"mailstack-prod-{stream}-sends-enough", self.critical(stream, kind)):
            self._cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="too many")

    def reset(self, stream: str, kind: str, *, accepted: float, rate: float) -> None:
        """What a person does with `mailer resume`, and how the rate goes on."""
        self.raise_all(stream, kind)
        name = self.critical(stream, kind)
        self._cloudwatch.set_alarm_state(
            AlarmName=name, StateValue="OK", StateReason="resumed", StateReasonData=accept(accepted)
        )
        dimensions: Any = [{"Name": "ses:configuration-set", "Value": stream}]
        datum: Any = {"MetricName": f"Reputation.{kind.title()}Rate", "Dimensions": dimensions, "Value": rate}
        self._cloudwatch.put_metric_data(Namespace="AWS/SES", MetricData=[datum])


TICK = json.dumps({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})


def test_tick_reads_fifty_streams_in_four_requests(guard: Guard, cloud: LocalCloud):
    alarms, calls = Alarms(cloud, guard), list[str]()
    guard.function._clients().cloudwatch.meta.events.register(
        "before-send.cloudwatch", lambda event_name, **_: calls.append(event_name.rpartition(".")[2])
    )
    assert guard.take(TICK) == []
    assert guard.sending() == [True, True, True]
    assert calls == ["DescribeAlarms"] * 3

    calls.clear()
    alarms.raise_all("bulk", "complaint")
    alarms.reset(ORDINARY, "bounce", accepted=0.1, rate=0.12)
    alarms.reset(STREAMS[0], "bounce", accepted=0.1, rate=0.1)
    alarms.reset(STREAMS[-1], "complaint", accepted=0.3, rate=0.2)
    assert guard.take(TICK) == []
    assert guard.sending() == [False, False, True]
    assert calls == ["DescribeAlarms"] * 3 + ["GetMetricData"]
    pages = "".join(page["Message"] for page in guard.pages())
    assert "The rate is 12.000%; it was 10.000% when the stream was resumed" in pages
    assert "somebody resumed the stream" in pages


def test_tick_pauses_the_others_if_a_set_is_gone(guard: Guard, cloud: LocalCloud):
    alarms = Alarms(cloud, guard)
    for stream in (STREAMS[0], "bulk"):  # the set of the first was never made
        alarms.raise_all(stream, "bounce")
    with pytest.raises(BatchFailed):
        guard.take(TICK)
    assert guard.sending() == [True, False, True]


@pytest.mark.parametrize("stream", [STREAMS[0], STREAMS[29], STREAMS[-1]])
@pytest.mark.parametrize("kind", ["bounce", "complaint"])
def test_alarm_pauses_one_of_fifty_streams(guard: Guard, stream: str, kind: str):
    sets = [f"mailstack-prod-{name}" for name in STREAMS]
    for name in sets:
        guard.ses.create_configuration_set(ConfigurationSetName=name)
    alarm = f"mailstack-prod-{stream}-{kind}-rate-critical"
    assert guard.take(raw(changed("alarm-composite", NewStateValue="ALARM", AlarmName=alarm))) == []
    options = {name: guard.ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"] for name in sets}
    assert [name for name in sets if not options[name]["SendingEnabled"]] == [f"mailstack-prod-{stream}"]
    assert guard.sending() == [True, True, True]
    assert f"mailer resume {stream} --stack prod" in guard.pages()[0]["Message"]
