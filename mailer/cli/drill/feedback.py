"""Drills of bounces and complaints: a mail to SES's mailbox simulator comes back as an event, and suppresses.

https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailer.errors import CommandFailed
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.stores.messages import SIMULATOR

if TYPE_CHECKING:
    from mailer.cli.drill.task import Task
    from mailer.mailer import Mailer
    from mailer.results import SendResult

_TEXT = "This mail tests how bounces and complaints are processed."


def bounce(task: "Task") -> None:
    """A hard bounce suppresses."""
    _feedback(task, "bounce")


def complaint(task: "Task") -> None:
    """A complaint suppresses."""
    _feedback(task, "complaint")


def _feedback(task: "Task", kind: str) -> None:
    outputs, course = task.site.outputs, task.course
    # SES ignores the label; with it, the address is on no suppression list.
    address = f"{kind}+drill-{task.mark}{SIMULATOR}"
    began = datetime.now(UTC)
    with course.step("SES accepts a mail to the mailbox simulator") as step:
        step.found = _send(task, address)
    api = dynamodb_api(outputs.region)
    try:
        suppressions = DynamoDBSuppressions(outputs.table, api)
        try:
            with course.step("event, topic, queue, function, suppression list") as step:
                row = course.until(
                    lambda: suppressions.get_many([address]).get(address),
                    f"The {kind} did not suppress its address",
                    f"See where it is stuck: mailer status --stack {outputs.stack}; mailer dlq show; mailer doctor",
                )
                reported = max(0.0, (row.created_at - began).total_seconds())
                step.found = f"{row.reason}; SES reported it {reported:.1f} s after the start"
        finally:
            with course.step("remove the suppression") as step:
                was = suppressions.remove(address, actor=task.actor, why=f"Drill {task.mark}.")
                step.found = "removed" if was else "there was none; an event that comes late does not suppress"
    finally:
        api.close()
    if row.reason != kind:
        raise CommandFailed(
            f"The address is suppressed for {row.reason!r}, not for {kind!r}.",
            hint="Another function processes the events: mailer doctor --only feedback-function",
        )


def delivery(task: "Task") -> None:
    """A mail to the mailbox simulator is delivered, and the message log says so. Needs a stack with one."""
    from mailer.mailer import Mailer
    from mailer.sending.outcome import MailState

    course, address = task.course, f"success+drill-{task.mark}{SIMULATOR}"
    with Mailer(task.site.outputs) as mailer:
        with course.step("SES accepts a mail to the mailbox simulator"):
            mail = _sent(mailer, task, address)
        with course.step("event, topic, queue, function, message log"):
            course.until(
                lambda: mailer.outcome(mail.id).state is MailState.DELIVERED,
                "The message log does not say that the mail was delivered",
                f"See where it is stuck: mailer status --stack {task.site.outputs.stack}; mailer dlq show",
            )


def _send(task: "Task", address: str) -> str:
    """Send as an application does; SES's id of the mail."""
    from mailer.mailer import Mailer

    with Mailer(task.site.outputs) as mailer:
        (one,) = _sent(mailer, task, address)
        return one.message_id


def _sent(mailer: "Mailer", task: "Task", address: str) -> "SendResult":
    from mailer.message import Message

    result = mailer.send(Message(subject="Drill", text=_TEXT, to=address, stream=task.stream))
    (one,) = result
    if not one.message_id:
        hint = one.error.hint if one.error and one.error.hint else "mailer doctor says what is wrong."
        raise CommandFailed(f"The mail was not sent: {one.status}. {one.reason}".rstrip(), hint=hint)
    return result
