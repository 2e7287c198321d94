"""CloudWatch's evaluation of alarms: periods, missing data, M out of N. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mailstack_localcloud.backend.cloudwatch import Point
from mailstack_localcloud.watch.arithmetic import ExpressionError, Grid, Series, Value, evaluate, names_in

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
_DEFAULT_PERIOD = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state and, in CloudWatch's manner, why."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of an alarm, or of one of its expressions."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str


def can_judge(alarm: Mapping[str, Any]) -> bool:
    """Whether the alarm is of the kind judged here: basic statistics, metric math, a static threshold."""
    watched = metrics(alarm)
    return (
        alarm.get("ComparisonOperator") in _COMPARISONS
        and not alarm.get("ExtendedStatistic")
        and bool(watched)
        and all(one.namespace and one.name and one.statistic in _STATISTICS for one in watched.values())
    )


def metrics(alarm: Mapping[str, Any]) -> dict[str, Metric]:
    """The metrics that the alarm needs, by their ids; without an expression, one with an empty id."""
    queries = cast("list[dict[str, Any]]", alarm.get("Metrics") or [])
    if not queries:
        named = str(alarm.get("Namespace") or ""), str(alarm.get("MetricName") or "")
        return {"": Metric(*named, _dimensions(alarm), str(alarm.get("Statistic")))}
    stats = {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
    return {
        name: Metric(
            str(stat["Metric"].get("Namespace", "")),
            str(stat["Metric"].get("MetricName", "")),
            _dimensions(stat["Metric"]),
            str(stat["Stat"]),
        )
        for name, stat in stats.items()
    }


def _dimensions(owner: Mapping[str, Any]) -> dict[str, str]:
    dimensions = cast("list[dict[str, str]]", owner.get("Dimensions") or [])
    return {dimension["Name"]: dimension["Value"] for dimension in dimensions}


def period(alarm: Mapping[str, Any]) -> int:
    """How long a period is, in seconds: the longest of an expression's metrics."""
    queries = cast("list[dict[str, Any]]", alarm.get("Metrics") or [])
    known = [query.get("Period") or query.get("MetricStat", {}).get("Period") or 0 for query in queries]
    return int(max(known, default=0) or alarm.get("Period") or _DEFAULT_PERIOD)


def since(alarm: Mapping[str, Any], now: float) -> float:
    """From when on the alarm needs data, in epoch seconds."""
    return _range(alarm, now).start * period(alarm)


def _range(alarm: Mapping[str, Any], now: float) -> range:
    """The evaluation range, and the period that is still running; the oldest first."""
    running = int(now // period(alarm))
    return range(running - int(alarm["EvaluationPeriods"]) - EXTRA_PERIODS, running + 1)


def datapoints(alarm: Mapping[str, Any], points: Mapping[str, Sequence[Point]], now: float) -> Series:
    """The values that are judged, by the numbers of their periods.

    Args:
        alarm: As `DescribeAlarms` gives it.
        points: The points of each of its `metrics`, from `since` on.
        now: Epoch seconds.

    Raises:
        ExpressionError: An expression is nothing that is computed here.
    """
    slots, seconds, watched = _range(alarm, now), period(alarm), metrics(alarm)
    series = {name: _series(points[name], one.statistic, seconds, slots) for name, one in watched.items()}
    queries = cast("list[dict[str, Any]]", alarm.get("Metrics") or [])
    if not queries:
        return series[""]
    # A sum or a ratio may rise and fall until its period is over.
    over = Grid(range(slots.start, slots.stop - 1), seconds)
    series = {name: {at: value for at, value in one.items() if at in over.slots} for name, one in series.items()}
    return computed(queries, series, over)


def computed(queries: Sequence[Mapping[str, Any]], series: Mapping[str, Series], grid: Grid) -> Series:
    """The one time series that a list of queries returns.

    Raises:
        ExpressionError: It does not exist.
    """
    results: dict[str, Value] = {}
    # An expression may use another one that comes later in the list.
    waiting = [query for query in queries if "MetricStat" not in query]
    while waiting:
        ready = [query for query in waiting if not (names_in(query["Expression"]) & {one["Id"] for one in waiting})]
        if not ready:
            raise ExpressionError("the expressions refer to each other in a cycle")
        results |= {query["Id"]: evaluate(query["Expression"], series, results, grid) for query in ready}
        waiting = [query for query in waiting if query not in ready]
    returned = [{**results, **series}[q["Id"]] for q in queries if q.get("ReturnData", True)]
    if len(returned) != 1:
        raise ExpressionError("exactly one metric or expression of an alarm must return data")
    only = returned[0][0] if isinstance(returned[0], list) and len(returned[0]) == 1 else returned[0]
    if not isinstance(only, dict):
        raise ExpressionError("an alarm's expression must result in a single time series")
    return only


def judge(alarm: Mapping[str, Any], values: Mapping[int, float], now: float) -> Verdict | None:
    """The state that the alarm should be in; None to leave it as it is.

    Args:
        alarm: As `DescribeAlarms` gives it.
        values: Its `datapoints`.
        now: Epoch seconds.
    """
    wanted = int(alarm["EvaluationPeriods"])
    needed = int(alarm.get("DatapointsToAlarm") or wanted)
    real = _real(alarm, values, now)
    known = [value for _, value in real][:wanted]
    breaching = [value for value in known if _breaches(alarm, value)]
    missing, treatment = wanted - len(known), alarm.get("TreatMissingData") or "missing"
    if not known and treatment == "missing":
        return Verdict(INSUFFICIENT, f"Insufficient Data: {wanted} datapoints were unknown.")
    is_short = bool(missing) and len(known) == len(breaching) < needed
    if is_short and treatment == "ignore":
        return None
    # Without a value within the threshold, an alarm goes off early once its first breach is old enough.
    is_early = is_short and treatment == "missing" and real[-1][0] >= needed
    assumed = missing if treatment == "breaching" else 0
    state = ALARM if is_early or len(breaching) + assumed >= needed else OK
    return Verdict(state, _reason(alarm, known, breaching, state))


def _series(points: Sequence[Point], statistic: str, seconds: int, slots: range) -> Series:
    periods: dict[int, list[Point]] = {}
    for point in points:
        slot = int(point.at // seconds)
        if point.count and slot in slots:
            periods.setdefault(slot, []).append(point)
    return {slot: _STATISTICS[statistic](periods[slot]) for slot in sorted(periods)}


def _real(alarm: Mapping[str, Any], values: Mapping[int, float], now: float) -> list[tuple[int, float]]:
    """The age in periods, and the value, of each period of the evaluation range that has data, newest first."""
    slots = _range(alarm, now)
    running = slots.stop - 1
    found = [(running - slot, values[slot]) for slot in reversed(slots) if slot in values]
    # The period that is still running may yet grow: it counts only where growing cannot take its verdict back.
    if found and found[0][0] == 0 and _breaches(alarm, found[0][1]) != _is_upper(alarm):
        return found[1:] or ([] if _breaches(alarm, found[0][1]) else found)
    return found


def _is_upper(alarm: Mapping[str, Any]) -> bool:
    return str(alarm["ComparisonOperator"]).startswith("Greater")


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
