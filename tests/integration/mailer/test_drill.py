"""`mailer drill` against a deployed stack: it passes where all is well, fails where it is not, and cleans up."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mailer.cli import main
from mailer.cli.drill import course
from mailer.doctor import site as doctor_site
from mailer.stack import StackOutputs
from mailer.stores.base import Suppression
from mailer.stores.dynamodb.pauses import DynamoDBPauses
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
STACK, DOMAIN, SET = "local", "example.test", "mailstack-local-transactional"
CRITICAL = "mailstack-local-transactional-bounce-rate-critical"
# Seconds that a step waits at most where it must fail.
SHORT = "1"


class Deployed:
    """A stack in a local cloud of its own."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="drill")
        config = {"mailstack:page": "oncall@example.com", "mailstack:messageLog": json.dumps({"days": 7})}
        stack = InProcessStack(ROOT, STACK, config=config, environment=cloud.environment(), state=folder / "state")
        stack.up()
        self.outputs = StackOutputs.model_validate(stack.outputs["outputs"])
        self.suppressions = DynamoDBSuppressions(self.outputs.table, cloud.client("dynamodb"))

    def __getattr__(self, service: str) -> Any:
        """A client: `stack.sns`."""
        return self.cloud.client(service.replace("lambda_", "lambda"))

    def function_reads(self, function: str, *, enabled: bool) -> None:
        (mapping,) = self.lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        self.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)

    def sends(self) -> bool:
        options = self.sesv2.get_configuration_set(ConfigurationSetName=SET)["SendingOptions"]
        return options["SendingEnabled"]

    def depth(self, url: str) -> int:
        """How many messages a queue has, those in work included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(map(int, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))

    def left_over(self) -> dict[str, list[str]]:
        """What drills have created and not removed."""
        subscriptions = self.sns.list_subscriptions_by_topic(TopicArn=self.outputs.paging_topic_arn)["Subscriptions"]
        return {
            "queues": [url for url in self.sqs.list_queues().get("QueueUrls", ()) if "-drill-" in url],
            "subscriptions": [one["Endpoint"] for one in subscriptions if "-drill-" in one["Endpoint"]],
            "tables": [name for name in self.dynamodb.list_tables()["TableNames"] if "-drill-" in name],
            "suppressions": [one.address for one in self.suppressions.iterate() if "+drill-" in one.address],
        }


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with LocalCloud.start() as cloud:
        yield Deployed(cloud, tmp_path_factory.mktemp("drill"))


@pytest.fixture
def stack(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    for name, value in {**deployed.cloud.environment(), "MAILSTACK_OUTPUTS": deployed.outputs.to_json()}.items():
        monkeypatch.setenv(name, value)
    for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT"):
        monkeypatch.setattr(doctor_site, name, PATIENCE)
    monkeypatch.setattr(course, "PAUSE", 0.05)
    yield deployed
    assert not any(deployed.left_over().values())


def drill(capsys: pytest.CaptureFixture[str], *arguments: str, wait: str = str(int(PATIENCE))) -> dict[str, Any]:
    status = main(["drill", *arguments, "--wait", wait, "--yes", "--json", "--actor", "Ada"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["passed"] is (status == 0), found
    return found


def steps(found: dict[str, Any]) -> list[str]:
    return [one["step"] for one in found["steps"]]


def failed(found: dict[str, Any]) -> dict[str, str]:
    return {one["step"]: one["found"] for one in found["steps"] if not one["ok"]}


# --- Bounces and complaints ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bounce", "complaint"])
def test_simulated_feedback_suppresses_and_is_removed(stack: Deployed, capsys: pytest.CaptureFixture[str], kind: str):
    found = drill(capsys, kind)
    assert found["passed"], found
    accepted, suppressed, removed = found["steps"]
    mail = stack.cloud.control("GET", f"messages/{accepted['found']}")
    assert mail["to"] == [f"{kind}+drill-{found['id']}@simulator.amazonses.com"]
    assert suppressed["found"].startswith(f"{kind}; SES reported it ")
    assert removed["found"] == "removed"
    assert found["seconds"] == pytest.approx(sum(one["seconds"] for one in found["steps"]), abs=0.01)


def test_late_bounce_after_a_failed_drill_does_not_suppress(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    function = stack.outputs.feedback_function
    stack.function_reads(function, enabled=False)
    try:
        found = drill(capsys, "bounce", wait=SHORT)
        assert list(failed(found)) == ["event, topic, queue, function, suppression list"]
        assert steps(found)[-1] == "remove the suppression"
    finally:
        stack.function_reads(function, enabled=True)
    eventually(lambda: not stack.depth(stack.outputs.feedback_queue_url), "the function does not read the late event")
    assert stack.left_over()["suppressions"] == []


def test_bounce_of_paused_stream_fails_at_once(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    stack.sesv2.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=False)
    found = drill(capsys, "bounce")
    stack.sesv2.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=True)
    assert list(failed(found)) == steps(found) == ["SES accepts a mail to the mailbox simulator"]
    assert "paused" in failed(found)["SES accepts a mail to the mailbox simulator"]


# --- Alarms and the guard --------------------------------------------------------------------------------------------


def test_page_and_recovery_of_an_alarm_arrive(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    found = drill(capsys, "alarm", "--alarm", "feedback-errors")
    assert found["passed"], found
    assert found["steps"][0]["found"].startswith("mailstack-local-feedback-errors, which is ")
    for what in ("set the alarm to ALARM", "the page arrives", "unsubscribe it", "delete the queue of the drill"):
        assert what in steps(found)


def test_alarm_that_is_chosen_pages_and_pauses_nothing(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    found = drill(capsys, "alarm")
    assert found["passed"], found
    name = found["steps"][0]["found"].partition(",")[0]
    (alarm,) = stack.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert stack.outputs.paging_topic_arn in alarm["AlarmActions"]
    assert stack.sends()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("transactional-bounce-rate-critical", "pauses a stream"),
        ("weather", "has no alarm 'weather'"),
        ("transactional-sends-enough", "does nothing"),
    ],
)
def test_unfit_alarm_is_refused(stack: Deployed, capsys: pytest.CaptureFixture[str], name: str, why: str):
    (refused,) = failed(drill(capsys, "alarm", "--alarm", name)).values()
    assert why in refused


def test_page_that_does_not_arrive_fails_the_drill(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    topic, name = stack.outputs.paging_topic_arn, "mailstack-local-feedback-errors"
    policy = stack.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    closed = {"Version": "2012-10-17", "Statement": []}
    stack.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(closed))
    found = drill(capsys, "alarm", "--alarm", "feedback-errors", wait=SHORT)
    stack.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert "the page arrives" in failed(found)
    (alarm,) = stack.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["StateValue"] != "ALARM"


def test_guard_pauses_pages_and_the_drill_resumes(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    found = drill(capsys, "guard")
    assert found["passed"], found
    for what in ("the page of the alarm arrives", "the guard pauses the stream", "the page of the guard arrives"):
        assert what in steps(found)
    assert stack.sends()
    (alarm,) = stack.cloudwatch.describe_alarms(AlarmNames=[CRITICAL], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert alarm["StateValue"] == "OK"
    last = DynamoDBPauses(stack.outputs.table, stack.dynamodb).newest("transactional")
    assert last
    assert (last.is_pause, last.actor, last.why) == (False, "Ada", f"Drill {found['id']}.")


def test_guard_that_does_not_act_fails_and_is_undone(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    stack.function_reads(stack.outputs.guard_function, enabled=False)
    found = drill(capsys, "guard", wait=SHORT)
    url = stack.sqs.get_queue_url(QueueName="mailstack-local-sending-guard")["QueueUrl"]
    eventually(lambda: stack.depth(url), "the guard's queue does not get the alarm")
    stack.sqs.purge_queue(QueueUrl=url)
    stack.function_reads(stack.outputs.guard_function, enabled=True)
    # On a slow machine the page is late, too.
    assert failed(found).keys() & {"the page of the alarm arrives", "the guard pauses the stream"}
    assert "reset the alarm, resume the stream" in steps(found)
    assert stack.sends()


def test_guard_of_paused_stream_is_not_drilled(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    stack.sesv2.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=False)
    found = drill(capsys, "guard")
    assert not stack.sends()
    stack.sesv2.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=True)
    assert steps(found) == ["the stream sends, and its alarms are OK"]


def test_guard_asks_before_it_pauses(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    assert main(["drill", "guard"]) == 2
    printed = capsys.readouterr()
    assert "Add --yes to begin" in printed.err
    assert "Costs: a few requests" in printed.out
    assert stack.sends()


# --- Dead letters ----------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(stack: Deployed) -> Iterator[Deployed]:
    """A queue that tries again at once: SQS would wait for minutes."""
    url = stack.outputs.feedback_queue_url
    was = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    stack.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    yield stack
    stack.sqs.set_queue_attributes(QueueUrl=url, Attributes=was)


def dead(stack: Deployed) -> list[str]:
    url = stack.outputs.feedback_dlq_url
    found = stack.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", ())
    return [one["Body"] for one in found]


def test_unreadable_record_is_redriven_and_deleted(impatient: Deployed, capsys: pytest.CaptureFixture[str]):
    found = drill(capsys, "dlq", "--redrive")
    assert found["passed"], found
    by_step = {one["step"]: one["found"] for one in found["steps"]}
    assert by_step["look at both queues"].startswith("0 dead letters of others; the new one comes after 5 tries")
    assert "neither eventType nor notificationType" in by_step["it reaches the dead-letter queue"]
    assert by_step["redrive: SQS moves it back to its queue"] == "1 message, COMPLETED"
    assert by_step["delete it from the dead-letter queue"] == "1 record of drills"
    assert dead(impatient) == []


def test_dead_letters_of_others_stay_where_they_are(impatient: Deployed, capsys: pytest.CaptureFixture[str]):
    url = impatient.outputs.feedback_dlq_url
    impatient.sqs.send_message(QueueUrl=url, MessageBody="of others")
    refused = drill(capsys, "dlq", "--redrive")
    found = drill(capsys, "dlq")
    assert dead(impatient) == ["of others"]
    impatient.sqs.purge_queue(QueueUrl=url)
    assert "a redrive moves all of them" in failed(refused)["look at both queues"]
    assert found["passed"], found


def test_record_that_comes_late_is_deleted_by_the_next_drill(impatient: Deployed, capsys: pytest.CaptureFixture[str]):
    function = impatient.outputs.feedback_function
    impatient.function_reads(function, enabled=False)
    found = drill(capsys, "dlq", wait=SHORT)
    impatient.function_reads(function, enabled=True)
    assert list(failed(found)) == ["it reaches the dead-letter queue"]
    assert "the next drill deletes it" in found["steps"][-1]["found"]
    eventually(lambda: dead(impatient), "the record does not arrive")
    assert drill(capsys, "dlq")["passed"]
    assert dead(impatient) == []


# --- Restore ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A table with rows, in which time passes quickly."""
    addresses = [f"user{number}@example.com" for number in range(150)]
    for address in addresses:
        stack.suppressions.put(Suppression(address, "bounce"))

    monkeypatch.setattr(course, "pause", lambda: stack.cloud.control("POST", "time", {"hours": 1}))
    yield stack
    for address in addresses:
        stack.suppressions.remove(address)


def test_restored_table_has_the_sampled_rows(full: Deployed, capsys: pytest.CaptureFixture[str]):
    found = drill(capsys, "restore", "--rows", "120")
    assert found["passed"], found
    by_step = {one["step"]: one["found"] for one in found["steps"]}
    assert by_step["read a sample of the rows"] == "120 rows"
    assert by_step["compare the sample with the copy"].startswith("120 of 120 rows are the same")
    assert by_step["delete the copy"] == ""
    assert "user" not in json.dumps(found)


def test_copy_that_lacks_rows_fails_and_is_deleted(
    full: Deployed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from mailer.cli.drill import restore

    def lossy(db: Any, copy: str) -> bool:
        with suppress(ClientError):
            for one in db.scan(TableName=copy, Limit=1)["Items"]:
                db.delete_item(TableName=copy, Key={name: one[name] for name in ("pk", "sk")})
        return True

    monkeypatch.setattr(restore, "_is_active", lossy)
    found = drill(capsys, "restore", "--rows", "100000")
    why = failed(found)["compare the sample with the copy"]
    assert why.startswith("1 of ")
    assert steps(found)[-1] == "delete the copy"


def test_table_without_recovery_is_reported(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    def recovery(*, enabled: bool) -> None:
        wanted = {"PointInTimeRecoveryEnabled": enabled}
        stack.dynamodb.update_continuous_backups(TableName=stack.outputs.table, PointInTimeRecoverySpecification=wanted)

    recovery(enabled=False)
    found = drill(capsys, "restore")
    recovery(enabled=True)
    assert "mailer doctor --only backup" in failed(found)["point-in-time recovery is enabled"]


# --- mailer doctor --live --------------------------------------------------------------------------------------------


def live(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the live check finds."""
    status = main(["doctor", "--only", "dkim", "--live", "--json"])
    (_, found) = json.loads(capsys.readouterr().out)["checks"]
    assert (found["check"], status) == ("live", int(found["verdict"] == "failed"))
    return found


def test_live_check_sends_and_waits_for_the_events(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    stack.cloud.control("DELETE", "messages")
    assert live(capsys)["verdict"] == "ok"
    sent = stack.cloud.control("GET", "messages")["messages"]
    simulated = {mail["to"][0].partition("+")[0] for mail in sent if mail["to"][0].endswith("@simulator.amazonses.com")}
    assert simulated == {"success", "bounce", "complaint"}


def test_live_check_reports_events_that_do_not_come(
    stack: Deployed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from mailer.cli.drill import live as live_check

    monkeypatch.setattr(live_check, "LIMIT", float(SHORT))
    stack.function_reads(stack.outputs.feedback_function, enabled=False)
    (problem,) = live(capsys)["problems"]
    stack.function_reads(stack.outputs.feedback_function, enabled=True)
    assert problem["found"].startswith("The message log does not say that the mail was delivered within 1 s")


# --- The command -----------------------------------------------------------------------------------------------------


def test_steps_are_shown_with_their_times(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    assert main(["drill", "bounce"]) == 0
    out = capsys.readouterr().out
    assert "Costs: one mail (0.0001 USD)." in out
    assert "event, topic, queue, function, suppression list" in out
    assert "The drill took " in out


def test_unknown_stream_is_refused_before_anything(stack: Deployed, capsys: pytest.CaptureFixture[str]):
    assert main(["drill", "bounce", "--stream", "weather"]) == 2
    assert "It has: transactional." in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--wait", "0"), ("--wait", "soon"), ("--rows", "0")])
def test_unusable_number_is_refused(option: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["drill", "restore", *option])
    assert stopped.value.code == 2
    assert "is not a whole number from 1 to" in capsys.readouterr().err


def test_missing_permission_is_a_failed_step(
    stack: Deployed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    stack.iam.create_user(UserName="operator")
    key = stack.iam.create_access_key(UserName="operator")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert main(["drill", "alarm", "--yes", "--json"]) == 1
    printed = capsys.readouterr()
    assert "AccessDenied" in printed.out
    assert "lists what the caller's role needs" in printed.err
