"""Moves dead letters back to their queue. A message is deleted only after the queue has taken it."""

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from mailer.cli.dead_letters import BATCH, received
from mailer.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# Seconds between two looks at SQS's task.
_PAUSE = 1.0
# What an endpoint answers that has no such operation.
_ABSENT = ("UnsupportedOperation", "InvalidAction", "UnknownOperation", "NotImplemented")
PARTIAL = "PARTIAL"
_RUNNING = frozenset({"RUNNING", "CANCELLING"})


class Moved(NamedTuple):
    """How far it got.

    Attributes:
        messages: How many are in the queue again, as far as is known.
        status: SQS's status of its task: `COMPLETED`, or `RUNNING` if time was up; `PARTIAL` if messages are left.
    """

    messages: int
    status: str


class Queues(NamedTuple):
    """A queue and its dead-letter queue, by URL and by ARN."""

    queue_url: str
    queue_arn: str
    dlq_url: str
    dlq_arn: str


def redrive(sqs: "SQSClient", queues: Queues, *, depth: int, seconds: float) -> Moved:
    """Let SQS move all messages; move them one by one where it cannot.

    Args:
        sqs: A client.
        queues: From where to where.
        depth: Messages that are there now: those that fail again meanwhile are not moved twice.
        seconds: How long to follow SQS's task; it goes on by itself.

    Raises:
        CommandFailed: SQS's task failed. What was not moved is still in the dead-letter queue.
    """
    from botocore.exceptions import ClientError

    try:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
        sqs.start_message_move_task(SourceArn=queues.dlq_arn, DestinationArn=queues.queue_arn)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if not any(word in code for word in _ABSENT):
            raise
        count = _one_by_one(sqs, queues, depth)
        return Moved(count, "COMPLETED" if count >= depth else PARTIAL)
    return _followed(sqs, queues.dlq_arn, seconds)


def _followed(sqs: "SQSClient", source: str, seconds: float) -> Moved:
    """Follow the newest task: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html."""
    ends = time.monotonic() + seconds
    while True:  # ends in time
        task = sqs.list_message_move_tasks(SourceArn=source, MaxResults=1)["Results"][0]
        status, count = task.get("Status", ""), task.get("ApproximateNumberOfMessagesMoved", 0)
        if status == "COMPLETED" or (status in _RUNNING and time.monotonic() >= ends):
            return Moved(count, status)
        if status not in _RUNNING:
            raise CommandFailed(
                f"SQS's move task ended as {status} after {count} messages: {task.get('FailureReason', 'no reason')}.",
                hint="The others are still in the dead-letter queue. Remove the cause, then redrive again.",
            )
        time.sleep(_PAUSE)


def _one_by_one(sqs: "SQSClient", queues: Queues, depth: int) -> int:
    moved = 0
    while moved < depth:  # ends: each turn moves messages, or is the last
        with received(sqs, queues.dlq_url, min(BATCH, depth - moved)) as messages:
            count = _move(sqs, queues, messages) if messages else 0
        if not count:
            break
        moved += count
    return moved


def _move(sqs: "SQSClient", queues: Queues, messages: "Sequence[MessageTypeDef]") -> int:
    """Send, then delete what was taken: a lost answer makes a second copy, which processing ignores."""
    entries: Any = [
        {
            "Id": str(number),
            "MessageBody": one.get("Body", ""),
            "MessageAttributes": one.get("MessageAttributes", {}),
        }
        for number, one in enumerate(messages)
    ]
    taken = sqs.send_message_batch(QueueUrl=queues.queue_url, Entries=entries).get("Successful", [])
    if not taken:
        return 0
    gone: Any = [{"Id": one["Id"], "ReceiptHandle": messages[int(one["Id"])].get("ReceiptHandle", "")} for one in taken]
    return len(sqs.delete_message_batch(QueueUrl=queues.dlq_url, Entries=gone).get("Successful", []))
