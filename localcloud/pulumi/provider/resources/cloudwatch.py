"""Amazon CloudWatch. After internal/service/cloudwatch/metric_alarm.go, composite_alarm.go and dashboard.go."""

import json
import re
from typing import Any, cast

from localcloud.pulumi.provider.cloud import Cloud
from localcloud.pulumi.provider.resource import Arg, Resource, Tagging, as_json, as_set, exact
from localcloud.pulumi.provider.resources._names import from_api, given, mapping, pairs, to_api
from localcloud.pulumi.schema import Problem
from localcloud.pulumi.wire import Props, is_unknown

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


# --- Composite alarm -----------------------------------------------------------------------------------------------

_COMPOSITE = {
    "alarmName": Arg("AlarmName", replaces=True),
    "alarmRule": Arg("AlarmRule"),
    # As in the official provider; CloudWatch itself could change it in place.
    "actionsEnabled": Arg("ActionsEnabled", default=True, replaces=True),
    "alarmActions": Arg("AlarmActions", same=as_set, default=[]),
    "alarmDescription": Arg("AlarmDescription"),
    "insufficientDataActions": Arg("InsufficientDataActions", same=as_set, default=[]),
    "okActions": Arg("OKActions", same=as_set, default=[]),
}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
_LONGEST = {"alarmName": 255, "alarmDescription": 1024, "alarmRule": 10_240}
_MOST_ACTIONS = 5


def _put_composite(cloud: Cloud, wanted: Props, **more: Any) -> str:
    own = {arg.api: wanted.get(name) for name, arg in _COMPOSITE.items()}
    cloud.cloudwatch.put_composite_alarm(**given({**own, **more}))
    return str(wanted["alarmName"])


def _read_composite(cloud: Cloud, name: str, _: Props) -> Props | None:
    found = cloud.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])
    alarms = cast("Any", found.get("CompositeAlarms", []))
    if not alarms:
        return None
    state = {key: alarms[0][arg.api] for key, arg in _COMPOSITE.items() if alarms[0].get(arg.api) is not None}
    return {"alarmDescription": "", **state, "arn": alarms[0]["AlarmArn"]}


def _composite_rules(inputs: Props) -> list[Problem]:
    lengths = [
        Problem(name, f"at most {most} characters")
        for name, most in _LONGEST.items()
        if not is_unknown(inputs.get(name)) and len(inputs.get(name) or "") > most
    ]
    many = [name for name in inputs if name.endswith("Actions") and len(inputs[name] or ()) > _MOST_ACTIONS]
    return lengths + [Problem(name, f"at most {_MOST_ACTIONS}") for name in many]


# --- Dashboard -----------------------------------------------------------------------------------------------------

_DASHBOARD = {"dashboardName": Arg(replaces=True), "dashboardBody": Arg(same=as_json)}
_DASHBOARD_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")


def _put_dashboard(cloud: Cloud, wanted: Props) -> str:
    cloud.cloudwatch.put_dashboard(DashboardName=wanted["dashboardName"], DashboardBody=wanted["dashboardBody"])
    return str(wanted["dashboardName"])


def _read_dashboard(cloud: Cloud, name: str, _: Props) -> Props:
    found = cloud.cloudwatch.get_dashboard(DashboardName=name)
    return {"dashboardName": name, "dashboardBody": found["DashboardBody"], "dashboardArn": found["DashboardArn"]}


def _dashboard_rules(inputs: Props) -> list[Problem]:
    name, body = inputs["dashboardName"], inputs["dashboardBody"]
    problems: list[Problem] = []
    if not is_unknown(name) and not _DASHBOARD_NAME.match(name):
        problems.append(Problem("dashboardName", "letters, digits, hyphens and underscores only, at most 255"))
    if not is_unknown(body):
        try:
            json.loads(body)
        except ValueError as error:
            problems.append(Problem("dashboardBody", f"it is not JSON: {error}"))
    return problems


_TAGS = Tagging(
    read=lambda cloud, state: mapping(cloud.cloudwatch.list_tags_for_resource(ResourceARN=state["arn"])["Tags"]),
    add=lambda cloud, state, tags: cloud.cloudwatch.tag_resource(ResourceARN=state["arn"], Tags=pairs(tags)),
    remove=lambda cloud, state, keys: cloud.cloudwatch.untag_resource(ResourceARN=state["arn"], TagKeys=keys),
)


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
        tags=_TAGS,
        rules=_rules,
    ),
    Resource(
        kind="aws:cloudwatch/compositeAlarm:CompositeAlarm",
        args=_COMPOSITE,
        create=lambda cloud, wanted: _put_composite(cloud, wanted, Tags=pairs(wanted["tags"])),
        read=_read_composite,
        update=lambda cloud, _, wanted, __: _put_composite(cloud, wanted),
        delete=lambda cloud, name, _: cloud.cloudwatch.delete_alarms(AlarmNames=[name]),
        computed=("arn",),
        identity=("alarmName",),
        tags=_TAGS,
        rules=_composite_rules,
    ),
    Resource(
        kind="aws:cloudwatch/dashboard:Dashboard",
        args=_DASHBOARD,
        create=_put_dashboard,
        read=_read_dashboard,
        update=lambda cloud, _, wanted, __: _put_dashboard(cloud, wanted),
        delete=lambda cloud, name, _: cloud.cloudwatch.delete_dashboards(DashboardNames=[name]),
        computed=("dashboardArn",),
        identity=("dashboardName",),
        rules=_dashboard_rules,
    ),
)
