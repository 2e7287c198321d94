"""CloudWatch inside ministack: metrics that AWS services publish, and stored alarms."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

# AWS's services publish a point a minute; a day of them is kept.
RESOLUTION = 60
KEPT_POINTS = 1440
# What clients and ministack itself put is kept as it comes, up to this many points a metric.
KEPT_FOREIGN_POINTS = 20_000


# The longest lists of a request. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html,
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
MOST_NAMES, MOST_QUERIES = 100, 500

# What an alarm on metric math does not have.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")

Operation = Callable[..., tuple[int, dict[str, str], bytes]]


@dataclass(frozen=True, slots=True)
class Point:
    """One stored point of a metric: a statistic set at a time (epoch seconds)."""

    at: float
    count: float
    total: float
    low: float
    high: float


class _Exactly(dict[str, str]):
    """Dimensions that count as given even where there are none."""

    def __bool__(self) -> bool:
        return True


class CloudWatch:
    """The service, in the account and region in scope."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._match_dimensions_exactly()
        self._module._describe_alarms = self._bounded(self._module._describe_alarms, "AlarmNames", MOST_NAMES)  # noqa: SLF001
        self._module._get_metric_data = self._bounded(self._module._get_metric_data, "MetricDataQueries", MOST_QUERIES)  # noqa: SLF001

    def _match_dimensions_exactly(self) -> None:
        """A metric read without dimensions is the one without dimensions; ministack would add up all of them."""
        from_list = cast("Callable[[object], dict[str, str]]", self._module._dims_from_list)  # noqa: SLF001

        def exactly(dimensions: object) -> dict[str, str]:
            return _Exactly(from_list(dimensions))

        self._module._dims_from_list = exactly  # noqa: SLF001

    def _bounded(self, call: Operation, member: str, most: int) -> Operation:
        """An operation that refuses a list beyond the limit, of which ministack drops members silently."""

        def bounded(
            params: dict[str, list[str]], data: dict[str, Any], is_cbor: bool, is_json: bool = False
        ) -> tuple[int, dict[str, str], bytes]:
            given = data.get(member) or () if is_cbor or is_json else _members(params, member)
            if len(given) > most:
                text = f"The collection {member} must not have a size greater than {most}."
                return self._module._error("ValidationError", text, 400, use_json=is_json, use_cbor=is_cbor)  # noqa: SLF001
            return call(params, data, is_cbor, is_json)

        return bounded

    def put(self, namespace: str, metric: str, value: float, dimensions: Mapping[str, str]) -> None:
        """Store one value as it comes."""
        bucket = self._bucket(namespace, metric, dimensions)
        bucket.append({"Timestamp": time.time(), "Unit": "None", "Dimensions": dict(dimensions), "Value": value})

    def count(self, namespace: str, metric: str, value: int, dimensions: Mapping[str, str]) -> None:
        """Add to a metric that counts. Within a minute the counts gather in one point."""
        point = self._point(namespace, metric, dimensions)
        statistics = point.setdefault("_stat", {"SampleCount": 0, "Sum": 0, "Minimum": 1, "Maximum": 1})
        statistics["SampleCount"] += value
        statistics["Sum"] += value

    def gauge(self, namespace: str, metric: str, value: float, dimensions: Mapping[str, str]) -> None:
        """Set a gauge. Within a minute the newest value wins."""
        self._point(namespace, metric, dimensions)["Value"] = float(value)

    def _point(self, namespace: str, metric: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
        minute = time.time() // RESOLUTION * RESOLUTION
        bucket = self._bucket(namespace, metric, dimensions)
        if not bucket or bucket[-1]["Timestamp"] != minute:
            bucket.append({"Timestamp": minute, "Unit": "None", "Dimensions": dict(dimensions), "Value": 1.0})
            del bucket[:-KEPT_POINTS]
        return bucket[-1]

    def _bucket(self, namespace: str, metric: str, dimensions: Mapping[str, str]) -> list[dict[str, Any]]:
        key = (namespace, metric, self._module._dims_key(dimensions))  # noqa: SLF001
        return cast("list[dict[str, Any]]", self._module._metric_bucket(key))  # noqa: SLF001

    def points(self, namespace: str, metric: str, dimensions: Mapping[str, str], since: float) -> list[Point]:
        """The points of exactly this metric, since a time in epoch seconds."""
        key = (namespace, metric, self._module._dims_key(dimensions))  # noqa: SLF001
        stored = cast("list[dict[str, Any]]", self._module._metrics.get(key) or [])  # noqa: SLF001
        recent = [point for point in stored if point["Timestamp"] >= since]
        return [Point(point["Timestamp"], *self._module._point_stats(point)) for point in recent]  # noqa: SLF001

    def trim(self) -> None:
        """Drop the oldest data points beyond the limits."""
        for bucket in list(self._module._metrics._data.values()):  # noqa: SLF001
            del bucket[:-KEPT_FOREIGN_POINTS]

    def take_over_alarms(
        self,
        evaluate: Callable[[dict[str, Any]], None],
        notify: Callable[[dict[str, Any], str, str, str], None],
        problem: Callable[[list[dict[str, Any]]], str],
    ) -> None:
        """Replace the evaluation of alarms, their actions, and the check of metric math.

        ministack's own judgement mixes every dimension of a metric and knows neither periods nor missing data, so that
        an alarm on one queue or configuration set would go off for another's numbers. Metric math it forgets.
        """
        self._module._evaluate_alarm = evaluate  # noqa: SLF001
        self._module._dispatch_alarm_actions = notify  # noqa: SLF001
        put = cast("Callable[..., tuple[int, dict[str, str], bytes]]", self._module._put_metric_alarm)  # noqa: SLF001

        def put_with_math(
            params: dict[str, list[str]], data: dict[str, Any], is_cbor: bool, is_json: bool = False
        ) -> tuple[int, dict[str, str], bytes]:
            queries = data.get("Metrics") if is_cbor or is_json else _queries(params)
            refused = problem(queries) if queries else ""
            if refused:
                return self._module._error("ValidationError", refused, 400, use_json=is_json, use_cbor=is_cbor)  # noqa: SLF001
            answer = put(params, data, is_cbor, is_json)
            if queries and answer[0] == 200:  # noqa: PLR2004 - HTTP's own success
                name = data.get("AlarmName") if is_cbor or is_json else params["AlarmName"][0]
                alarm = self._module._alarms[name]  # noqa: SLF001
                alarm |= {"Metrics": queries, **_band(data, params)}
                for own in _OF_ONE_METRIC:
                    alarm.pop(own, None)
                evaluate(alarm)
            return answer

        self._module._put_metric_alarm = put_with_math  # noqa: SLF001

    def alarm_scopes(self) -> list[tuple[str, str]]:
        """The (account, region) pairs that have alarms."""
        return sorted({(key[0], key[1]) for key in list(self._module._alarms._data)})  # noqa: SLF001

    def alarms(self) -> list[dict[str, Any]]:
        """The metric alarms of the account and region in scope."""
        return list(self._module._alarms.values())  # noqa: SLF001

    def change_state(self, alarm: dict[str, Any], state: str, reason: str) -> str:
        """Record an alarm's new state and its history; returns the state it had."""
        before = str(alarm["StateValue"])
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        self._module._record_history(alarm["AlarmName"], before, state, reason)  # noqa: SLF001
        return before

    def parents_changed(self, alarm: dict[str, Any]) -> None:
        """Evaluate the composite alarms above an alarm again."""
        self._module._evaluate_parent_alarms(alarm)  # noqa: SLF001


def _members(params: Mapping[str, list[str]], member: str) -> set[str]:
    """The numbers of a list's members in a form: `AlarmNames.member.1`."""
    prefix = f"{member}.member."
    return {name.removeprefix(prefix).partition(".")[0] for name in params if name.startswith(prefix)}


def _band(data: dict[str, Any], params: Mapping[str, list[str]]) -> dict[str, str]:
    """The anomaly band that takes the place of a threshold, if there is one."""
    name = data.get("ThresholdMetricId") or params.get("ThresholdMetricId", [""])[0]
    return {"ThresholdMetricId": str(name)} if name else {}


def _queries(params: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """The `Metrics` of a form, in which names are paths: `Metrics.member.1.MetricStat.Period`."""
    tree: dict[str, Any] = {}
    for name, values in params.items():
        first, *path = name.removeprefix("Metrics.member.").split(".")
        if not name.startswith("Metrics.member.") or not path:
            continue
        place = tree.setdefault(first, {})
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = values[0]
    return [_query(one) for _, one in sorted(tree.items(), key=lambda pair: int(pair[0]))]


def _query(found: dict[str, Any]) -> dict[str, Any]:
    query = {**found, "ReturnData": found.get("ReturnData", "true") != "false"}
    if "Period" in query:
        query["Period"] = int(query["Period"])
    stat = query.get("MetricStat")
    if stat:
        dimensions = stat["Metric"].get("Dimensions", {}).get("member", {})
        metric = {**stat["Metric"], "Dimensions": [*dimensions.values()]}
        query["MetricStat"] = {**stat, "Metric": metric, "Period": int(stat["Period"])}
    return query
