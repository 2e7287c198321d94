"""Which configuration set an alarm asks to pause, and the page that says so. Pure; `lambdas/sending_guard` acts.

Not for judging rates: CloudWatch does. It never resumes, because only a person can tell whether the cause is fixed.
"""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.errors import MalformedEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.functions.envelope import JsonObject

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: fewer than 100 characters, ASCII, no line breaks.
MAX_SUBJECT = 99
# The rates whose critical alarms pause a stream: `mailstack-<stack>-<stream>-bounce-rate-critical`.
KINDS = ("bounce", "complaint")


@dataclass(frozen=True, slots=True)
class Alarm:
    """What CloudWatch says when an alarm changes its state, whether it watches a metric or other alarms.

    Shape: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """

    name: str
    state: str
    reason: str
    description: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop sending with this configuration set."""

    configuration_set: str
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Leave:
    """Do nothing, and why."""

    why: str
    alarm: Alarm


def read(notification: "JsonObject") -> Alarm:
    """Read an alarm's notification as SNS delivers it.

    Raises:
        MalformedEvent: It is none.
    """
    name, state = (notification.get(key) for key in ("AlarmName", "NewStateValue"))
    is_alarm = isinstance(notification.get("Trigger"), dict) or isinstance(notification.get("AlarmRule"), str)
    if not (isinstance(name, str) and isinstance(state, str) and is_alarm):
        raise MalformedEvent(
            "The message is no CloudWatch alarm notification: AlarmName, NewStateValue, or both Trigger and AlarmRule."
        )
    reason, description, changed_at = (
        str(notification.get(key) or "") for key in ("NewStateReason", "AlarmDescription", "StateChangeTime")
    )
    return Alarm(name, state, reason, description, changed_at)


def pausing_alarms(stack: str, guarded: str) -> dict[str, str]:
    """The configuration set that each pausing alarm of a stack is about, by the alarm's full name.

    Derived from names, because a list of all alarms would not fit into a function's environment.

    Args:
        stack: The stack's name.
        guarded: The streams with a guard, separated by commas; `STREAM=SET` where SES knows the set by another name
            than the stack gives.

    Example:
        >>> pausing_alarms("prod", "bulk")["mailstack-prod-bulk-bounce-rate-critical"]
        'mailstack-prod-bulk'
        >>> pausing_alarms("prod", "bulk=letters")["mailstack-prod-bulk-complaint-rate-critical"]
        'letters'
    """
    found: dict[str, str] = {}
    for entry in filter(None, guarded.split(",")):
        stream, _, own = entry.partition("=")
        name = f"mailstack-{stack}-{stream}"
        found |= {f"{name}-{kind}-rate-critical": own or name for kind in KINDS}
    return found


def decide(alarm: Alarm, pausing: "Mapping[str, str]") -> Pause | Leave:
    """Pause the one configuration set that an alarm in ALARM is about.

    Args:
        alarm: The alarm.
        pausing: The configuration set that each pausing alarm is about, by the alarm's full name. The notification
            cannot say: a composite alarm's has neither metric nor dimension.

    Example:
        >>> rate = Alarm("prod-bounces", "ALARM", "", "", "")
        >>> decide(rate, {"prod-bounces": "prod"}).configuration_set
        'prod'
    """
    if alarm.state != "ALARM":
        return Leave(f"its state is {alarm.state}; only ALARM pauses, and the guard never resumes", alarm)
    if alarm.name not in pausing:
        return Leave(f"{alarm.name} is no alarm that pauses a configuration set of this stack", alarm)
    return Pause(pausing[alarm.name], alarm)


def page(pause: Pause, region: str, stack: str) -> tuple[str, str]:
    """Subject and text of the page: what was paused, why, and what to do next."""
    alarm, name = pause.alarm, pause.configuration_set
    subject = f"Sending paused: {name}".encode("ascii", "replace").decode()[:MAX_SUBJECT]
    text = f"""\
Sending with the SES configuration set {name} ({region}) is paused. Mail with it is refused until a person resumes it.

Why
  Alarm:     {alarm.name}
  About:     {alarm.description or "-"}
  Reason:    {alarm.reason or "-"}
  Since:     {alarm.changed_at or "-"}

What to do
  1. Find what was sent and to whom: the feedback function's log names each bounce and complaint with its message id.
  2. Fix the cause (a bought or old list, a broken sign-up form, a compromised key), or SES will pause the account.
  3. Resume it:

     mailer resume {stream_of(alarm.name, stack)} --stack {stack}

     The command explains the effect, asks, and resets the alarm. A stream that is resumed in another way while its
     alarm is in ALARM is paused again within minutes.
"""
    return subject, text


def stream_of(alarm_name: str, stack: str) -> str:
    """The stream that a pausing alarm is about, by the alarm's full name.

    Example:
        >>> stream_of("mailstack-prod-transactional-bounce-rate-critical", "prod")
        'transactional'
    """
    return re.sub(r"-(bounce|complaint)-rate-critical$", "", alarm_name.removeprefix(f"mailstack-{stack}-"))


def chat_page(subject: str, text: str) -> str:
    """The same page for AWS Chatbot, which shows notifications of AWS and of this form, and drops plain text.

    https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    """
    # Slack would take what looks like its own marks for them.
    content = {"title": subject, "description": f"```{text}```"}
    return json.dumps({"version": "1.0", "source": "custom", "content": content})
