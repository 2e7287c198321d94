"""Which configuration set an alarm asks to pause, and the page that says so. Pure; `lambdas/sending_guard` acts.

Not for judging rates: CloudWatch does. It never un-pauses, because only a person can tell that the cause is mended.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mailer.feedback.envelope import MalformedEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mailer.feedback.envelope import JsonObject

DIMENSION = "ses:configuration-set"
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: fewer than 100 characters, ASCII, no line breaks.
_MAX_SUBJECT = 99


@dataclass(frozen=True, slots=True)
class Alarm:
    """What CloudWatch says when an alarm changes its state.

    Shape: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """

    name: str
    state: str
    reason: str
    metric: str
    threshold: str
    changed_at: str
    configuration_sets: frozenset[str]


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
    name, state, trigger = (notification.get(key) for key in ("AlarmName", "NewStateValue", "Trigger"))
    if not (isinstance(name, str) and isinstance(state, str) and isinstance(trigger, dict)):
        raise MalformedEvent("The message is no CloudWatch alarm notification: AlarmName, NewStateValue or Trigger.")
    watched = list(_metrics(cast("JsonObject", trigger)))
    return Alarm(
        name=name,
        state=state,
        reason=str(notification.get("NewStateReason") or ""),
        metric=", ".join(sorted({str(metric["MetricName"]) for metric in watched if metric.get("MetricName")})),
        threshold=_threshold(cast("JsonObject", trigger)),
        changed_at=str(notification.get("StateChangeTime") or ""),
        configuration_sets=frozenset(value for metric in watched for value in _dimension_values(metric)),
    )


def decide(alarm: Alarm, allowed: "Collection[str]") -> Pause | Leave:
    """Pause the one set that an alarm in ALARM names, if it is allowed to.

    Args:
        alarm: The alarm.
        allowed: Names of the configuration sets of this stack.

    Example:
        >>> rate = Alarm("bounces", "ALARM", "", "Reputation.BounceRate", "", "", frozenset({"prod"}))
        >>> decide(rate, {"prod"}).configuration_set
        'prod'
    """
    named = sorted(alarm.configuration_sets)
    refusals = (
        (alarm.state != "ALARM", f"its state is {alarm.state}; only ALARM pauses, and nothing here un-pauses"),
        (not named, f"none of its metrics has the dimension {DIMENSION}"),
        (len(named) > 1, f"it names {', '.join(named)}: give each configuration set an alarm of its own"),
        (not set(named) <= set(allowed), f"{', '.join(named)} is no configuration set of this stack"),
    )
    why = next((why for refused, why in refusals if refused), "")
    return Leave(why, alarm) if why else Pause(named[0], alarm)


def page(pause: Pause, region: str) -> tuple[str, str]:
    """Subject and text for whoever is on call: what was paused, why, and what to do next."""
    alarm, name = pause.alarm, pause.configuration_set
    subject = f"Sending paused: {name}".encode("ascii", "replace").decode()[:_MAX_SUBJECT]
    text = f"""\
Sending with the SES configuration set {name} ({region}) is paused. Mail with it is refused until a person un-pauses it.

Why
  Alarm:     {alarm.name}
  Metric:    {alarm.metric or "-"}
  Threshold: {alarm.threshold or "-"}
  Reason:    {alarm.reason or "-"}
  Since:     {alarm.changed_at or "-"}

What to do
  1. Find what was sent and to whom: the feedback function's log names each bounce and complaint with its message id.
  2. Mend the cause (a bought or old list, a broken sign-up form, a compromised key), or SES will pause the account.
  3. Un-pause it:

     aws sesv2 put-configuration-set-sending-options --region {region} --configuration-set-name {name} --sending-enabled
"""
    return subject, text


def _metrics(trigger: "JsonObject") -> "Iterator[JsonObject]":
    """The metrics that an alarm watches: its own or, with metric math, those that the expressions are made of."""
    if trigger.get("MetricName"):
        yield trigger
    for query in _objects(trigger.get("Metrics")):
        stat = query.get("MetricStat")
        metric = cast("JsonObject", stat).get("Metric") if isinstance(stat, dict) else None
        if isinstance(metric, dict):
            yield cast("JsonObject", metric)


def _dimension_values(metric: "JsonObject") -> "Iterator[str]":
    """AWS writes `name` and `value`; its API, and emulators after it, `Name` and `Value`."""
    for dimension in _objects(metric.get("Dimensions")):
        lower = {key.lower(): value for key, value in dimension.items()}
        if lower.get("name") == DIMENSION and lower.get("value"):
            yield str(lower["value"])


def _objects(value: object) -> "Iterator[JsonObject]":
    items = cast("list[object]", value) if isinstance(value, list) else []
    return (cast("JsonObject", item) for item in items if isinstance(item, dict))


def _threshold(trigger: "JsonObject") -> str:
    operator, threshold = trigger.get("ComparisonOperator"), trigger.get("Threshold")
    return f"{operator} {threshold}" if operator and threshold is not None else ""
