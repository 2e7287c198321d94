"""Whether a stream must be paused again: what the guard compares on each tick of its clock. Pure.

CloudWatch acts only when an alarm changes its state. A composite alarm that `mailer resume` has set to OK is judged
again only when one of its parts changes, so that it stays silent however bad the rate gets in the meantime.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
"""

import json
import re
from typing import TYPE_CHECKING, cast

from mailer.functions.guard import Alarm, Pause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_cloudwatch.type_defs import CompositeAlarmTypeDef, MetricAlarmTypeDef

# A person who resumes a stream accepts its rate as it is. A tenth above that, it gets worse.
MAX_RISE = 1.1
_ACCEPTED = "mailstackAcceptedRate"


def accept(rate: float | None) -> str:
    """The reason that `mailer resume` writes to an alarm that it resets: the rate that a person has accepted.

    Example:
        >>> accepted(accept(0.09))
        0.09
    """
    return json.dumps({_ACCEPTED: rate})


def accepted(reason_data: str) -> float | None:
    """The rate that a person has accepted; None if nobody has."""
    try:
        found = json.loads(reason_data or "{}")
    except ValueError:
        return None
    rate = cast("Mapping[str, object]", found).get(_ACCEPTED) if isinstance(found, dict) else None
    return float(rate) if isinstance(rate, int | float) else None


def parts_of(composite: "CompositeAlarmTypeDef") -> list[str]:
    """The names of the alarms that a composite alarm is made of."""
    return re.findall(r'"([^"]+)"', composite.get("AlarmRule", ""))


def rate_part(parts: "Sequence[MetricAlarmTypeDef]") -> "MetricAlarmTypeDef | None":
    """The part that watches one of SES's rates."""
    return next((part for part in parts if part.get("MetricName", "").startswith("Reputation.")), None)


def reset_part(
    composite: "CompositeAlarmTypeDef", described: "Mapping[str, MetricAlarmTypeDef]"
) -> "MetricAlarmTypeDef | None":
    """The part that watches the rate of a composite alarm which a person has reset; None for every other one.

    A person has reset it if all of its parts are in ALARM and it is not.

    Args:
        composite: A pausing alarm.
        described: The alarms that composite alarms are made of, by name.
    """
    parts = [described[name] for name in parts_of(composite) if name in described]
    if composite["StateValue"] == "ALARM" or any(part["StateValue"] != "ALARM" for part in parts):
        return None
    return rate_part(parts)


def pause_again(
    composite: "CompositeAlarmTypeDef",
    pausing: "Mapping[str, str]",
    described: "Mapping[str, MetricAlarmTypeDef]",
    rates: "Mapping[str, float]",
) -> Pause | None:
    """The pause that an alarm's present state requires; None if it requires none.

    Args:
        composite: A pausing alarm.
        pausing: The configuration set that each is about, by the alarm's full name.
        described: The alarms that composite alarms are made of, by name.
        rates: The present rate that each of those watches, by its name; none if SES publishes none.
    """
    name = composite["AlarmName"]
    if composite["StateValue"] == "ALARM":
        reason = f"The alarm is in ALARM, and somebody resumed the stream. {composite.get('StateReason', '')}".strip()
        return Pause(pausing[name], _alarm(composite, reason))
    part = reset_part(composite, described)
    rate = rates.get(part["AlarmName"]) if part else None
    if part is None or rate is None:
        return None
    base = accepted(composite.get("StateReasonData", ""))
    limit = MAX_RISE * max(base or 0.0, part["Threshold"])
    if rate <= limit:
        return None
    was = f"it was {base:.3%} when the stream was resumed" if base is not None else "nobody has accepted it"
    reason = f"The rate is {rate:.3%}; {was}, and critical is {part['Threshold']:.3%}."
    return Pause(pausing[name], _alarm(composite, reason))


def _alarm(composite: "CompositeAlarmTypeDef", reason: str) -> Alarm:
    changed_at = composite.get("StateUpdatedTimestamp")
    since = changed_at.isoformat() if changed_at else ""
    return Alarm(composite["AlarmName"], "ALARM", reason, composite.get("AlarmDescription", ""), since)
