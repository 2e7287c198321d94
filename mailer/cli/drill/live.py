"""What `mailer doctor --live` adds: mails to SES's mailbox simulator, whose events must come back."""

from typing import TYPE_CHECKING
from uuid import uuid4

from mailer.cli.drill.course import Course
from mailer.cli.drill.feedback import bounce, complaint, delivery
from mailer.cli.drill.task import Task
from mailer.doctor.check import Check, Problem
from mailer.errors import CommandFailed, MailerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

NAME = "live"
# Seconds for the events of one mail. SES publishes most within seconds.
LIMIT = 60.0
_NOT_READ = "read the step that failed in: mailer drill bounce"


def _look(site: "Site") -> "Iterator[Problem]":
    """Send, wait, clean up; what fails first is reported."""
    runs = (delivery, bounce, complaint) if site.outputs.message_log_days else (bounce, complaint)
    for run in runs:
        course = Course(LIMIT, lambda _: None)
        task = Task(site, course, uuid4().hex[:12], "mailer doctor --live", site.outputs.default_stream)
        try:
            run(task)
        except CommandFailed as error:
            yield Problem(error.message, error.hint or _NOT_READ)
            return
        except MailerError as error:
            yield Problem(f"{_failed(course)}: {error.message}", error.hint or _NOT_READ)
            return


def _failed(course: Course) -> str:
    return next((step.what for step in course.steps if not step.ok), "sending")


LIVE = Check(
    NAME,
    "Mail leaves, and its bounces and complaints come back and suppress.",
    "docs/guides/operations.md#drills",
    _look,
)
