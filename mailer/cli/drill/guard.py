"""The drill of the sending guard: a critical alarm pauses the stream and pages; the drill resumes it."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mailer.cli.drill.listening import listening
from mailer.cli.drill.paging import says
from mailer.cli.streams import Watched, configuration_set, record, watched_of
from mailer.errors import CommandFailed
from mailer.functions.recheck import accept

if TYPE_CHECKING:
    from collections.abc import Generator

    from mailer.cli.drill.task import Task

_HINT = "The guard may still act on the alarm: look with mailer status, and resume with mailer resume."


def guard(task: "Task") -> None:
    """Let the guard pause a stream that is well, and resume it."""
    course, outputs = task.course, task.site.outputs
    name = configuration_set(outputs, task.stream)
    with course.step("the stream sends, and its alarms are OK") as step:
        watched = _fit(task, name)
        alarm = watched[0].alarm
        step.found = name
    with listening(task, outputs.paging_topic_arn) as collected:
        with _resumed(task, name, watched):
            with course.step("set the critical alarm to ALARM") as step:
                reason = f"Drill {task.mark} of {task.actor}: nothing is wrong, and the stream is resumed at once."
                cloudwatch = task.site.client("cloudwatch")
                cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason=reason[:1023])
                step.found = alarm
            with course.step("the page of the alarm arrives"):
                course.until(lambda: says(collected(), alarm, "ALARM"), "No page arrived", _HINT)
            with course.step("the guard pauses the stream"):
                course.until(lambda: not _sends(task, name), "The guard did not pause the stream", _HINT)
            with course.step("the page of the guard arrives"):
                course.until(
                    lambda: any(name in text and not text.startswith("{") for text in collected()),
                    "No page of the guard arrived",
                    _HINT,
                )
        with course.step("the stream sends again"):
            course.until(lambda: _sends(task, name), "The stream is still paused", _HINT)


def _fit(task: "Task", name: str) -> list[Watched]:
    """The pausing alarms of a stream that the drill may pause."""
    outputs, stream = task.site.outputs, task.stream
    watched = list(watched_of(task.site.client("cloudwatch"), outputs.stack, stream))
    if not outputs.guard_function or not watched:
        raise CommandFailed(
            f"No guard watches the stream {stream!r}.",
            hint="It needs mailstack:guard, and a stream with alarms: docs/guides/monitoring.md",
        )
    if not _sends(task, name):
        raise CommandFailed(f"The stream {stream!r} is paused.", hint=f"Resume it first: mailer resume {stream}")
    if any(each.state == "ALARM" for each in watched):
        raise CommandFailed(
            f"An alarm of the stream {stream!r} is in ALARM.", hint=f"mailer status --stack {outputs.stack}"
        )
    return watched


def _sends(task: "Task", name: str) -> bool:
    found: Any = task.site.client("sesv2").get_configuration_set(ConfigurationSetName=name)
    return bool(found["SendingOptions"]["SendingEnabled"])


@contextmanager
def _resumed(task: "Task", name: str, watched: list[Watched]) -> "Generator[None]":
    """Whatever happens inside, reset the alarm and resume the stream, as `mailer resume` does."""
    try:
        yield
    finally:
        with task.course.step("reset the alarm, resume the stream"):
            cloudwatch, first = task.site.client("cloudwatch"), watched[0]
            reason = f"Drill {task.mark} of {task.actor} has ended."[:1023]
            # Reset the alarm first: the guard pauses a stream that sends while its alarm is in ALARM.
            cloudwatch.set_alarm_state(
                AlarmName=first.alarm, StateValue="OK", StateReason=reason, StateReasonData=accept(first.rate)
            )
            ses = task.site.client("sesv2")
            ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=True)
            record(task.site.outputs, task.stream, watched, is_pause=False, actor=task.actor, why=f"Drill {task.mark}.")
