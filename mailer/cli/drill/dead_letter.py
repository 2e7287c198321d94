"""The drill of the dead-letter queue: an unreadable record ends there, can be moved back, and is deleted."""

import json
from typing import TYPE_CHECKING, cast

from mailer.cli.dead_letters import read, reasons, received, sent_at
from mailer.cli.redrive import Queues, redrive
from mailer.doctor.checks.feedback import queue_arn
from mailer.doctor.state.feedback import depth_of
from mailer.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from mailer.cli.drill.task import Task

_KEY = "mailstackDrill"
# Messages of the dead-letter queue that are looked through.
_MOST = 1000


def dead_letter(task: "Task") -> None:
    """Send a record that the feedback function cannot read, and wait until it reaches the dead-letter queue."""
    course, outputs = task.course, task.site.outputs
    with course.step("look at both queues") as step:
        _deleted(task)  # of earlier drills that were interrupted
        others = depth_of(task.site.again(), outputs.feedback_dlq_url)
        step.found = f"{others:,} dead letters of others; the new one comes after {_expected(task)}"
        if task.redrives and others:
            raise CommandFailed(
                f"There are {others:,} other dead letters, and a redrive moves all of them.",
                hint="Read them first: mailer dlq show. Without --redrive the drill leaves them alone.",
            )
    with course.step("send an unreadable record to the feedback queue"):
        body = json.dumps({_KEY: task.mark})
        task.site.client("sqs").send_message(QueueUrl=outputs.feedback_queue_url, MessageBody=body)
    try:
        with course.step("it reaches the dead-letter queue") as step:
            step.found = _reached(task)
        if task.redrives:
            _moved(task)
    finally:
        with course.step("delete it from the dead-letter queue") as step:
            count = _deleted(task)
            records = "1 record" if count == 1 else f"{count:,} records"
            step.found = f"{records} of drills" if count else "it is not there yet; the next drill deletes it"


def _expected(task: "Task") -> str:
    """How long SQS tries it again: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html."""
    names = ["VisibilityTimeout", "RedrivePolicy"]
    url = task.site.outputs.feedback_queue_url
    found = task.site.read("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=names)["Attributes"]
    tries = int(json.loads(found.get("RedrivePolicy") or "{}").get("maxReceiveCount", 0))
    if not tries:
        raise CommandFailed("The feedback queue has no dead-letter queue.", hint="mailer doctor --only feedback-queue")
    return f"{tries} tries, about {tries * int(found['VisibilityTimeout']) / 60:.0f} minutes"


def _reached(task: "Task") -> str:
    """Wait for the record; the reason that `mailer dlq show` gives for it."""
    (found,) = task.course.until(
        lambda: _found(task, task.mark),
        "The record did not reach the dead-letter queue",
        "Is the function reading its queue? mailer doctor --only feedback-function --only dead-letters",
    )
    outputs = task.site.outputs
    logged = reasons(task.site.client("logs"), outputs.feedback_function, sent_at(found))
    return read([found], logged)[0].reason


def _moved(task: "Task") -> None:
    """Move it back as `mailer dlq redrive` does, and wait for it to fail again."""
    course, outputs, site = task.course, task.site.outputs, task.site
    url, dead = outputs.feedback_queue_url, outputs.feedback_dlq_url
    queues = Queues(url, queue_arn(site, url), dead, queue_arn(site, dead))
    with course.step("redrive: SQS moves it back to its queue") as step:
        moved = redrive(site.client("sqs"), queues, depth=1, seconds=course.limit)
        step.found = f"{moved.messages} message, {moved.status}"
    with course.step("it reaches the dead-letter queue again"):
        _reached(task)


def _found(task: "Task", mark: str = "") -> "list[MessageTypeDef]":
    """The records of this drill, or of all drills, that are in the dead-letter queue."""
    with received(task.site.client("sqs"), task.site.outputs.feedback_dlq_url, _MOST) as messages:
        return _of_drills(messages, mark)


def _of_drills(messages: "Sequence[MessageTypeDef]", mark: str = "") -> "list[MessageTypeDef]":
    marks = [(one, _mark(one.get("Body", ""))) for one in messages]
    return [one for one, theirs in marks if theirs and mark in ("", theirs)]


def _mark(body: str) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(cast("dict[str, object]", found).get(_KEY, "")) if isinstance(found, dict) else ""


def _deleted(task: "Task") -> int:
    """Delete the records of this and of earlier drills; others stay."""
    sqs, url = task.site.client("sqs"), task.site.outputs.feedback_dlq_url
    with received(sqs, url, _MOST) as messages:
        ours = _of_drills(messages)
        for one in ours:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one.get("ReceiptHandle", ""))
    return len(ours)
