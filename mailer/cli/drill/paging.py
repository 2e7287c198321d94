"""The drill of an alarm: it goes off, the page arrives at its topic, and so does the recovery.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
"""

import json
from typing import TYPE_CHECKING, Any

from mailer.cli.drill.listening import listening
from mailer.doctor.checks.paging import KINDS, alarms_found
from mailer.errors import CommandFailed
from mailer.stack import critical_alarm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailer.cli.drill.task import Task

_HINT = "See who is paged and what is refused: mailer doctor --only alarms --only pagers; the runbook's 'Undelivered'."


def alarm(task: "Task") -> None:
    """Set a metric alarm to ALARM, see the page arrive, and set it back."""
    course, cloudwatch = task.course, task.site.client("cloudwatch")
    with course.step("choose an alarm that pages and pauses nothing") as step:
        chosen = _chosen(task)
        name, before = chosen["AlarmName"], chosen["StateValue"]
        topic = _topics(chosen["AlarmActions"])[0]
        step.found = f"{name}, which is {before}"
    with listening(task, topic) as collected:
        try:
            with course.step("set the alarm to ALARM"):
                _set(cloudwatch, name, "ALARM", task)
            with course.step("the page arrives"):
                course.until(lambda: says(collected(), name, "ALARM"), "No page arrived", _HINT)
        finally:
            # CloudWatch does the same at its next evaluation, if the metric is well.
            with course.step(f"set the alarm back to {before}"):
                _set(cloudwatch, name, before, task)
        if before == "OK" and topic in chosen["OKActions"]:
            with course.step("the recovery arrives"):
                course.until(lambda: says(collected(), name, "OK"), "No recovery arrived", _HINT)


def _chosen(task: "Task") -> "dict[str, Any]":
    """The alarm that was named, else one that pages, the first by name; those that are OK come first."""
    found, outputs = alarms_found(task.site), task.site.outputs
    pausing = {critical_alarm(stream, kind) for stream in outputs.streams for kind in KINDS}
    if task.alarm in pausing:
        raise CommandFailed(f"The alarm {task.alarm} pauses a stream.", hint="Its drill: mailer drill guard")
    if task.alarm and task.alarm not in found:
        known = ", ".join(sorted(set(found) - pausing))
        raise CommandFailed(f"The stack {outputs.stack!r} has no alarm {task.alarm!r}.", hint=f"It has: {known}.")
    fitting = [
        (one["StateValue"] != "OK", name, one)
        for name, one in found.items()
        if (name == task.alarm or (not task.alarm and outputs.paging_topic_arn in one["AlarmActions"]))
        and name not in pausing
        and _is_fit(one)
    ]
    if not fitting:
        which = f"The alarm {task.alarm}" if task.alarm else "Every alarm that pages"
        raise CommandFailed(
            f"{which} is in ALARM, is muted, is a composite one, or does nothing.",
            hint=f"mailer status --stack {outputs.stack} shows the alarms; choose one with --alarm NAME.",
        )
    return min(fitting, key=lambda each: each[:2])[2]


def _is_fit(one: "Mapping[str, Any]") -> bool:
    """Whether it can be set without harm. A composite alarm would stay as it is set until a part of it changes."""
    is_metric = "AlarmRule" not in one
    return is_metric and one["ActionsEnabled"] and one["StateValue"] != "ALARM" and bool(_topics(one["AlarmActions"]))


def _topics(actions: "Sequence[str]") -> list[str]:
    return [arn for arn in actions if arn.split(":")[2] == "sns"]


def _set(cloudwatch: Any, name: str, state: str, task: "Task") -> None:
    reason = f"Drill {task.mark} of {task.actor}: nothing is wrong."
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason[:1023])


def says(messages: "Sequence[str]", name: str, state: str) -> bool:
    """Whether one of the pages says that the alarm is in this state.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    pages = [json.loads(text) for text in messages if text.startswith("{")]
    return any(page.get("AlarmName") == name and page.get("NewStateValue") == state for page in pages)
