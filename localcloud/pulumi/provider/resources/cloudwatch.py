"""Amazon CloudWatch alarms. After internal/service/cloudwatch/metric_alarm.go."""

from typing import Any, cast

from localcloud.pulumi.provider.cloud import Cloud
from localcloud.pulumi.provider.resource import Arg, Resource, Tagging, as_set, exact
from localcloud.pulumi.provider.resources._names import from_api, given, mapping, pairs, to_api
from localcloud.pulumi.schema import Problem
from localcloud.pulumi.wire import Props

_COMPARISONS = (
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold",
)  # fmt: skip
_ALARM = {
    "name": Arg("AlarmName", replaces=True),
    "actionsEnabled": Arg("ActionsEnabled", default=True),
    "alarmActions": Arg("AlarmActions", same=as_set, default=[]),
    "alarmDescription": Arg("AlarmDescription"),
    "comparisonOperator": Arg("ComparisonOperator", allowed=_COMPARISONS),
    "datapointsToAlarm": Arg("DatapointsToAlarm"),
    "dimensions": Arg(same=exact, default={}),
    "evaluateLowSampleCountPercentiles": Arg(
        "EvaluateLowSampleCountPercentile", keeps=True, allowed=("evaluate", "ignore")
    ),
    "evaluationPeriods": Arg("EvaluationPeriods"),
    "extendedStatistic": Arg("ExtendedStatistic"),
    "insufficientDataActions": Arg("InsufficientDataActions", same=as_set, default=[]),
    "metricName": Arg("MetricName"),
    "metricQueries": Arg(same=as_set, default=[], fill=lambda queries: [{"returnData": False, **q} for q in queries]),
    "namespace": Arg("Namespace"),
    "okActions": Arg("OKActions", same=as_set, default=[]),
    "period": Arg("Period"),
    "statistic": Arg("Statistic", allowed=("SampleCount", "Average", "Sum", "Minimum", "Maximum")),
    "threshold": Arg("Threshold"),
    "thresholdMetricId": Arg("ThresholdMetricId"),
    "treatMissingData": Arg(
        "TreatMissingData", default="missing", allowed=("breaching", "notBreaching", "ignore", "missing")
    ),
    "unit": Arg("Unit"),
}
_OF_ONE_METRIC = ("dimensions", "extendedStatistic", "metricName", "namespace", "period", "statistic", "unit")


def _dimensions(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def _query(query: Props) -> dict[str, Any]:
    """A metric query as the service writes it, where a metric and what is taken of it are two objects."""
    request = to_api({name: value for name, value in query.items() if name != "metric"})
    metric = query.get("metric")
    if metric:
        own = {"Namespace": metric.get("namespace"), "MetricName": metric["metricName"]}
        dimensions = _dimensions(metric.get("dimensions") or {})
        taken = {"Period": metric["period"], "Stat": metric["stat"], "Unit": metric.get("unit")}
        request["MetricStat"] = {"Metric": given({**own, "Dimensions": dimensions}), **given(taken)}
    return given(request)


def _read_query(query: Any) -> Props:
    state = from_api({name: value for name, value in query.items() if name != "MetricStat"})
    if query.get("MetricStat"):
        stat = query["MetricStat"]
        metric = from_api({**stat["Metric"], **{name: value for name, value in stat.items() if name != "Metric"}})
        metric["dimensions"] = {d["Name"]: d["Value"] for d in stat["Metric"].get("Dimensions", [])}
        state["metric"] = given(metric)
    return {"returnData": False, **given(state)}


def _put(cloud: Cloud, wanted: Props, **more: Any) -> str:
    own = {arg.api: wanted.get(name) for name, arg in _ALARM.items() if arg.api}
    blocks = {"Dimensions": _dimensions(wanted["dimensions"]), "Metrics": [_query(q) for q in wanted["metricQueries"]]}
    cloud.cloudwatch.put_metric_alarm(**given({**own, **blocks, **more}))
    return str(wanted["name"])


def _read(cloud: Cloud, name: str, _: Props) -> Props | None:
    alarms = cast(
        "Any", cloud.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    )
    if not alarms:
        return None
    alarm = alarms[0]
    state = {key: alarm[arg.api] for key, arg in _ALARM.items() if arg.api and alarm.get(arg.api) is not None}
    return {
        **state,
        "arn": alarm["AlarmArn"],
        "alarmDescription": alarm.get("AlarmDescription", ""),
        "dimensions": {d["Name"]: d["Value"] for d in alarm.get("Dimensions", [])},
        "metricQueries": [_read_query(query) for query in alarm.get("Metrics", [])],
        "treatMissingData": alarm.get("TreatMissingData") or "missing",
    }


def _rules(inputs: Props) -> list[Problem]:
    problems = [
        Problem(name, "required: the schema says optional, CloudWatch refuses an alarm without it")
        for name in ("comparisonOperator", "evaluationPeriods")
        if inputs.get(name) is None
    ]
    if inputs.get("metricQueries"):
        both = [name for name in _OF_ONE_METRIC if inputs.get(name)]
        return problems + [Problem(name, "not together with metricQueries") for name in both]
    if not inputs.get("metricName"):
        return [*problems, Problem("metricName", "required, unless metricQueries are given")]
    if bool(inputs.get("statistic")) == bool(inputs.get("extendedStatistic")):
        problems.append(Problem("statistic", "exactly one of statistic and extendedStatistic must be given"))
    if inputs.get("threshold") is None:
        problems.append(Problem("threshold", "required with metricName"))
    return problems


RESOURCES = (
    Resource(
        kind="aws:cloudwatch/metricAlarm:MetricAlarm",
        args=_ALARM,
        create=lambda cloud, wanted: _put(cloud, wanted, Tags=pairs(wanted["tags"])),
        read=_read,
        update=lambda cloud, _, wanted, __: _put(cloud, wanted),
        delete=lambda cloud, name, _: cloud.cloudwatch.delete_alarms(AlarmNames=[name]),
        computed=("arn",),
        auto_name="name",
        tags=Tagging(
            read=lambda cloud, state: mapping(
                cloud.cloudwatch.list_tags_for_resource(ResourceARN=state["arn"])["Tags"]
            ),
            add=lambda cloud, state, tags: cloud.cloudwatch.tag_resource(ResourceARN=state["arn"], Tags=pairs(tags)),
            remove=lambda cloud, state, keys: cloud.cloudwatch.untag_resource(ResourceARN=state["arn"], TagKeys=keys),
        ),
        rules=_rules,
    ),
)
