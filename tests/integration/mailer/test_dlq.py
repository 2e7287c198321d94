"""`mailer dlq` against the local cloud: what could not be processed is shown with its reason, and never lost."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from mypy_boto3_sqs import SQSClient

from mailer.cli import main
from mailer.cli.dlq import WORKERS
from mailer.cli.redrive import Queues, redrive
from mailer.errors import CommandFailed
from mailer.stack import StackOutputs
from mailstack_infra.inventory import FEEDBACK, GUARD, MONITOR
from mailstack_localcloud import LocalCloud
from tests.unit.mailer.stack_outputs import outputs

pytestmark = pytest.mark.integration
ARN = "arn:aws:sqs:us-east-1:000000000000:mailstack-dev"
BOUNCE = {
    "eventType": "Bounce",
    "mail": {"messageId": "ses-1", "destination": ["ada@example.com"]},
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [{"emailAddress": "ada@example.com"}],
        "timestamp": "2026-01-01T00:00:00.000Z",
        "feedbackId": "feedback-1",
    },
}


@pytest.fixture
def sqs(cloud: LocalCloud) -> SQSClient:
    return cloud.client("sqs")


@pytest.fixture
def stack(cloud: LocalCloud, sqs: SQSClient, monkeypatch: pytest.MonkeyPatch) -> StackOutputs:
    dlq = sqs.create_queue(QueueName="mailstack-dev-dlq")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}-dlq", "maxReceiveCount": 5})
    queue = sqs.create_queue(QueueName="mailstack-dev-queue", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    found = outputs().model_copy(update={"feedback_queue_url": queue, "feedback_dlq_url": dlq})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": found.to_json()}.items():
        monkeypatch.setenv(name, value)
    return found


def die(sqs: SQSClient, stack: StackOutputs, body: str, **attributes: str) -> str:
    """Put a message where those go that were not processed."""
    given: Any = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    return sqs.send_message(QueueUrl=stack.feedback_dlq_url, MessageBody=body, MessageAttributes=given)["MessageId"]


def bodies(sqs: SQSClient, url: str) -> list[str]:
    """What is in a queue; it is taken out."""
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for one in messages:
            found.append(one.get("Body", ""))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one.get("ReceiptHandle", ""))
    return sorted(found)


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["dlq", "show", "--json", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_broken_message_is_shown_with_its_reason(
    sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    name = die(sqs, stack, '{"hello": "ada@example.com"}')
    (letter,) = shown(capsys)["messages"]
    assert letter["id"] == name
    assert "neither eventType nor notificationType" in letter["reason"]


def test_undelivered_event_has_the_reason_of_sns(
    sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    die(sqs, stack, json.dumps(BOUNCE), ErrorCode="AccessDenied", ErrorMessage="KMS refuses bob@example.com")
    assert main(["dlq", "show"]) == 0
    out = capsys.readouterr().out
    assert "SNS could not deliver it: AccessDenied: KMS refuses b***@example.com" in out
    assert "Bounce  a***@example.com" in out
    assert "ses-1" in out
    assert "ada@" not in out


def test_reason_is_found_in_the_log_of_the_function(
    cloud: LocalCloud, sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    name = die(sqs, stack, json.dumps(BOUNCE))
    group = {"logGroupName": f"/aws/lambda/{stack.feedback_function}"}
    logs = cloud.client("logs")
    logs.create_log_group(**group)
    logs.create_log_stream(**group, logStreamName="one")
    attributes = sqs.get_queue_attributes(QueueUrl=stack.feedback_dlq_url, AttributeNames=["CreatedTimestamp"])
    at = (int(attributes["Attributes"]["CreatedTimestamp"]) + 5) * 1000
    said = {"level": "ERROR", "sqs_message_id": name, "error": "StoreError", "why": "Could not write."}
    logs.put_log_events(**group, logStreamName="one", logEvents=[{"timestamp": at, "message": json.dumps(said)}])
    (letter,) = shown(capsys)["messages"]
    assert letter["reason"] == "StoreError: Could not write."
    assert (letter["kind"], letter["message_id"], letter["recipients"]) == ("Bounce", "ses-1", ["a***@example.com"])


def test_showing_leaves_every_message_visible(sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    for number in range(12):
        die(sqs, stack, str(number))
    assert len(shown(capsys, "--limit", "11")["messages"]) == 11
    assert len(shown(capsys, "--limit", "100")["messages"]) == 12
    assert bodies(sqs, stack.feedback_dlq_url) == sorted(map(str, range(12)))


def test_redrive_moves_every_message_once(sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    for number in range(23):
        die(sqs, stack, str(number))
    assert main(["dlq", "redrive", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"depth": 23, "moved": 23, "status": "COMPLETED"}
    assert bodies(sqs, stack.feedback_dlq_url) == []
    assert bodies(sqs, stack.feedback_queue_url) == sorted(map(str, range(23)))


def test_alarms_of_the_sending_guard_are_shown_and_moved(
    sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    dead = sqs.create_queue(QueueName="mailstack-dev-sending-guard-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy: Any = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})}
    queue = sqs.create_queue(QueueName="mailstack-dev-sending-guard", Attributes=policy)["QueueUrl"]
    guarded = stack.model_copy(
        update={
            "feedback_queue_url": queue.replace("sending-guard", "feedback"),
            "feedback_dlq_url": dead.replace("sending-guard-dlq", "feedback-dlq"),
        }
    )
    alarm = {"AlarmName": "mailstack-dev-bounce-rate", "NewStateValue": "ALARM"}
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"Type": "Notification", "Message": json.dumps(alarm)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSTACK_OUTPUTS", guarded.to_json())
        (letter,) = shown(capsys, "--worker", "sending-guard")["messages"]
        assert (letter["kind"], letter["message_id"]) == ("Alarm ALARM", "mailstack-dev-bounce-rate")
        assert letter["reason"] == "the function's log says what failed"
        assert main(["dlq", "redrive", "--yes", "--worker", "sending-guard"]) == 0
    assert len(bodies(sqs, queue)) == 1
    assert bodies(sqs, dead) == []


def test_workers_are_those_of_the_stack():
    assert WORKERS == (FEEDBACK, GUARD, MONITOR)


def test_redrive_of_an_empty_queue_does_nothing(stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    assert main(["dlq", "redrive"]) == 0
    assert "0 messages were moved." in capsys.readouterr().out


def test_redrive_without_a_terminal_needs_yes(sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    die(sqs, stack, "one")
    assert main(["dlq", "redrive"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert bodies(sqs, stack.feedback_dlq_url) == ["one"]


def test_nothing_is_lost_if_the_queue_is_gone(sqs: SQSClient, stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    die(sqs, stack, "one")
    sqs.delete_queue(QueueUrl=stack.feedback_queue_url)
    assert main(["dlq", "redrive", "--yes"]) == 2
    assert "AWS refused" in capsys.readouterr().err
    assert bodies(sqs, stack.feedback_dlq_url) == ["one"]


def unknown(**_: object) -> None:
    """Answer as an endpoint does that has no move tasks."""
    raise ClientError({"Error": {"Code": "InvalidAction", "Message": "No."}}, "StartMessageMoveTask")


def test_messages_are_moved_where_sqs_has_no_task(sqs: SQSClient, stack: StackOutputs, monkeypatch: pytest.MonkeyPatch):
    for number in range(23):
        die(sqs, stack, str(number))
    monkeypatch.setattr(sqs, "start_message_move_task", unknown)
    assert redrive(sqs, queues(stack), depth=23, seconds=1) == (23, "COMPLETED")
    assert bodies(sqs, stack.feedback_dlq_url) == []
    assert bodies(sqs, stack.feedback_queue_url) == sorted(map(str, range(23)))


def test_message_that_the_queue_refuses_stays(sqs: SQSClient, stack: StackOutputs, monkeypatch: pytest.MonkeyPatch):
    die(sqs, stack, "one")
    monkeypatch.setattr(sqs, "start_message_move_task", unknown)
    monkeypatch.setattr(sqs, "send_message_batch", lambda **_: {"Failed": [{"Id": "0"}]})
    found = redrive(sqs, queues(stack), depth=1, seconds=1)
    assert found == (0, "PARTIAL")
    assert bodies(sqs, stack.feedback_dlq_url) == ["one"]


def test_task_of_sqs_is_followed_to_its_end(sqs: SQSClient, stack: StackOutputs):
    with Stubber(sqs) as answers:
        _start(answers, stack)
        _task(answers, stack, Status="RUNNING", ApproximateNumberOfMessagesMoved=1)
        _task(answers, stack, Status="COMPLETED", ApproximateNumberOfMessagesMoved=2)
        assert redrive(sqs, queues(stack), depth=2, seconds=60) == (2, "COMPLETED")


def test_task_of_sqs_goes_on_after_the_wait(sqs: SQSClient, stack: StackOutputs):
    with Stubber(sqs) as answers:
        _start(answers, stack)
        _task(answers, stack, Status="RUNNING", ApproximateNumberOfMessagesMoved=1)
        assert redrive(sqs, queues(stack), depth=2, seconds=0) == (1, "RUNNING")


def test_failed_task_of_sqs_says_what_was_moved(sqs: SQSClient, stack: StackOutputs):
    with Stubber(sqs) as answers:
        _start(answers, stack)
        _task(answers, stack, Status="FAILED", ApproximateNumberOfMessagesMoved=1, FailureReason="AccessDenied")
        with pytest.raises(CommandFailed, match="FAILED after 1 messages: AccessDenied"):
            redrive(sqs, queues(stack), depth=2, seconds=60)


def test_refused_task_is_no_reason_to_move_by_hand(sqs: SQSClient, stack: StackOutputs):
    with Stubber(sqs) as answers:
        answers.add_client_error("start_message_move_task", "AccessDenied")
        with pytest.raises(ClientError, match="AccessDenied"):
            redrive(sqs, queues(stack), depth=1, seconds=1)


def queues(stack: StackOutputs) -> Queues:
    return Queues(stack.feedback_queue_url, f"{ARN}-queue", stack.feedback_dlq_url, f"{ARN}-dlq")


def _start(answers: Stubber, stack: StackOutputs) -> None:
    arns = {"SourceArn": queues(stack).dlq_arn, "DestinationArn": queues(stack).queue_arn}
    answers.add_response("start_message_move_task", {"TaskHandle": "task"}, arns)


def _task(answers: Stubber, stack: StackOutputs, **task: object) -> None:
    given = {"SourceArn": queues(stack).dlq_arn, "MaxResults": 1}
    answers.add_response("list_message_move_tasks", {"Results": [task]}, given)
