"""How CloudWatch judges an alarm: periods, missing data, M out of N. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.backend.cloudwatch import Point

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STATISTICS: dict[str, Callable[[Sequence[Point]], float]] = {
    "SampleCount": lambda points: sum(point.count for point in points),
    "Sum": lambda points: sum(point.total for point in points),
    "Average": lambda points: sum(point.total for point in points) / (sum(point.count for point in points) or 1),
    "Minimum": lambda points: min(point.low for point in points),
    "Maximum": lambda points: max(point.high for point in points),
}
# CloudWatch looks a little further back than the periods it judges, for data that came late.
EXTRA_PERIODS = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state and, in CloudWatch's manner, why."""

    state: str
    reason: str


def can_judge(alarm: Mapping[str, Any]) -> bool:
    """Whether the alarm is of the kind judged here: one metric, one statistic, a static threshold."""
    return (
        bool(alarm.get("Namespace") and alarm.get("MetricName"))
        and alarm.get("ComparisonOperator") in _COMPARISONS
        and not alarm.get("ExtendedStatistic")
        and alarm.get("Statistic") in _STATISTICS
    )


def since(alarm: Mapping[str, Any], now: float) -> float:
    """From when on the alarm needs data, in epoch seconds."""
    period = int(alarm["Period"])
    return (now // period - int(alarm["EvaluationPeriods"]) - EXTRA_PERIODS) * period


def judge(alarm: Mapping[str, Any], points: Sequence[Point], now: float) -> Verdict | None:
    """The state that the alarm should be in; None to leave it as it is.

    Args:
        alarm: As `DescribeAlarms` gives it.
        points: The metric's points from `since` on.
        now: Epoch seconds.
    """
    wanted = int(alarm["EvaluationPeriods"])
    needed = int(alarm.get("DatapointsToAlarm") or wanted)
    values = _values(alarm, points, now)[:wanted]
    breaching = [value for value in values if _breaches(alarm, value)]
    missing = wanted - len(values)
    treatment = alarm.get("TreatMissingData") or "missing"
    if not values and treatment == "missing":
        return Verdict(INSUFFICIENT, f"Insufficient Data: {wanted} datapoints were unknown.")
    # Only a value within the threshold says that there is nothing to alarm about.
    if missing and treatment == "ignore" and len(values) == len(breaching) < needed:
        return None
    # With "missing", what is known is all there is: an alarm can go off before every period has data.
    required = min(needed, len(values)) if treatment == "missing" else needed
    assumed = missing if treatment == "breaching" else 0
    state = ALARM if len(breaching) + assumed >= required else OK
    return Verdict(state, _reason(alarm, values, breaching, state))


def _values(alarm: Mapping[str, Any], points: Sequence[Point], now: float) -> list[float]:
    """One value a period that has data, newest first."""
    period, statistic = int(alarm["Period"]), _STATISTICS[alarm["Statistic"]]
    newest = int(now // period)
    oldest = newest - int(alarm["EvaluationPeriods"]) - EXTRA_PERIODS
    periods: dict[int, list[Point]] = {}
    for point in points:
        if point.count and oldest <= point.at // period <= newest:
            periods.setdefault(int(point.at // period), []).append(point)
    values = {index: statistic(periods[index]) for index in sorted(periods, reverse=True)}
    # The period that is still running may yet grow: it counts only where growing cannot take its verdict back.
    if newest in values and _breaches(alarm, values[newest]) != alarm["ComparisonOperator"].startswith("Greater"):
        running = values.pop(newest)
        return [*values.values()] or ([] if _breaches(alarm, running) else [running])
    return [*values.values()]


def _breaches(alarm: Mapping[str, Any], value: float) -> bool:
    return _COMPARISONS[alarm["ComparisonOperator"]](value, float(alarm["Threshold"]))


def _reason(alarm: Mapping[str, Any], values: list[float], breaching: list[float], state: str) -> str:
    comparison = {
        "GreaterThanOrEqualToThreshold": "greater than or equal to",
        "GreaterThanThreshold": "greater than",
        "LessThanThreshold": "less than",
        "LessThanOrEqualToThreshold": "less than or equal to",
    }[alarm["ComparisonOperator"]]
    if not values:
        return f"Threshold Crossed: no datapoints were received for {alarm['EvaluationPeriods']} period(s)."
    shown, word = (breaching, "") if state == ALARM and breaching else (values, "not ")
    listed = ", ".join(f"{value:g}" for value in shown)
    count = f"{len(shown)} out of the last {alarm['EvaluationPeriods']} datapoints [{listed}]"
    verb = "were" if len(shown) > 1 else "was"
    return f"Threshold Crossed: {count} {verb} {word}{comparison} the threshold ({alarm['Threshold']:g})."
