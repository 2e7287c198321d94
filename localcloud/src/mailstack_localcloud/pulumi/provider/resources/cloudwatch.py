"""Amazon CloudWatch. After internal/service/cloudwatch/metric_alarm.go, composite_alarm.go and dashboard.go.

Of metric math the local cloud judges `FILL` of one metric; see `localcloud/src/mailstack_localcloud/watch/alarms.py`.
"""

from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import (
    ARN,
    Arg,
    Resource,
    Tagging,
    as_json,
    as_set,
    at_least,
    exact,
    form,
    up_to,
)
from mailstack_localcloud.pulumi.provider.resources._names import given, mapping, pairs
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown

_COMPARISONS = (
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold",
)  # fmt: skip
_MOST_ACTIONS = 5
_NAMESPACE = form(r"[^:].{0,254}", "has at most 255 characters, no colon first")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
_PERCENTILE = form(
    r"(p|tm|wm|tc|ts)(\d{1,2}(\.\d{1,2})?|100)|IQM|(TM|WM|PR|TC|TS)\((\d+(\.\d+)?%?)?:(\d+(\.\d+)?%?)?\)",
    "is a percentile or trimmed statistic, such as p99 or TM(10%:90%)",
)
_SIZES = tuple(f"{prefix}{size}" for size in ("bytes", "bits") for prefix in ("Kilo", "Mega", "Giga", "Tera"))
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
_UNITS = (
    *("Seconds", "Microseconds", "Milliseconds", "Bytes", "Bits", "Percent", "Count", "None", *_SIZES),
    *(f"{amount}/Second" for amount in ("Bytes", "Bits", "Count", *_SIZES)),
)
_ALARM = {
    "name": Arg("AlarmName", replaces=True, allowed=up_to(255, 1)),
    "actionsEnabled": Arg("ActionsEnabled", default=True),
    "alarmActions": Arg("AlarmActions", same=as_set, default=[], allowed=ARN),
    "alarmDescription": Arg("AlarmDescription", allowed=up_to(1024)),
    "comparisonOperator": Arg("ComparisonOperator", allowed=_COMPARISONS),
    "datapointsToAlarm": Arg("DatapointsToAlarm", allowed=at_least(1)),
    "dimensions": Arg(same=exact, default={}),
    "evaluateLowSampleCountPercentiles": Arg(
        "EvaluateLowSampleCountPercentile", keeps=True, allowed=("evaluate", "ignore")
    ),
    "evaluationPeriods": Arg("EvaluationPeriods", allowed=at_least(1)),
    "extendedStatistic": Arg("ExtendedStatistic", allowed=_PERCENTILE),
    "insufficientDataActions": Arg("InsufficientDataActions", same=as_set, default=[], allowed=ARN, most=_MOST_ACTIONS),
    "metricName": Arg("MetricName", allowed=up_to(255, 1)),
    "metricQueries": Arg(same=exact),
    "namespace": Arg("Namespace", allowed=_NAMESPACE),
    "okActions": Arg("OKActions", same=as_set, default=[], allowed=ARN, most=_MOST_ACTIONS),
    "period": Arg("Period"),
    "statistic": Arg("Statistic", allowed=("SampleCount", "Average", "Sum", "Minimum", "Maximum")),
    "threshold": Arg("Threshold"),
    "treatMissingData": Arg(
        "TreatMissingData", default="missing", allowed=("breaching", "notBreaching", "ignore", "missing")
    ),
    "unit": Arg("Unit", allowed=_UNITS),
}
_SHORT_PERIODS = (10, 20, 30)


def _put(cloud: Cloud, wanted: Props, **more: Any) -> str:
    own = {arg.api: wanted.get(name) for name, arg in _ALARM.items() if arg.api}
    dimensions = [{"Name": name, "Value": value} for name, value in wanted["dimensions"].items()]
    queries = [_to_query(query) for query in cast("list[Props]", wanted.get("metricQueries") or [])]
    cloud.cloudwatch.put_metric_alarm(**given({**own, "Dimensions": dimensions, "Metrics": queries, **more}))
    return str(wanted["name"])


def _to_query(query: Props) -> Props:
    metric = query.get("metric")
    own = {"Id": query["id"], "Expression": query.get("expression"), "Label": query.get("label")}
    source = {"Period": metric["period"], "Stat": metric["stat"], "Metric": _to_metric(metric)} if metric else None
    return given({**own, "MetricStat": source, "ReturnData": bool(query.get("returnData"))})


def _to_metric(metric: Props) -> Props:
    given_dimensions = cast("dict[str, str]", metric.get("dimensions") or {})
    dimensions = [{"Name": name, "Value": value} for name, value in given_dimensions.items()]
    return given({"Namespace": metric.get("namespace"), "MetricName": metric["metricName"], "Dimensions": dimensions})


def _from_query(query: Props) -> Props:
    source = query.get("MetricStat")
    metric = {
        "dimensions": {d["Name"]: d["Value"] for d in source["Metric"].get("Dimensions", [])},
        "metricName": source["Metric"]["MetricName"],
        "namespace": source["Metric"].get("Namespace", ""),
        "period": int(source["Period"]),
        "stat": source["Stat"],
    } if source else None  # fmt: skip
    own = {"id": query["Id"], "expression": query.get("Expression"), "label": query.get("Label"), "metric": metric}
    return given({**own, "returnData": bool(query.get("ReturnData"))})


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
        "metricQueries": [_from_query(query) for query in alarm.get("Metrics", [])],
        "treatMissingData": alarm.get("TreatMissingData") or "missing",
    }


def _rules(inputs: Props) -> list[Problem]:
    problems = [
        Problem(name, "required: the schema says optional, CloudWatch refuses an alarm without it")
        for name in ("comparisonOperator", "evaluationPeriods", "threshold")
        if inputs.get(name) is None
    ]
    if is_unknown(inputs.get("metricQueries")):
        return problems
    if inputs.get("metricQueries"):
        return [*problems, *_query_rules(inputs)]
    if inputs.get("metricName") is None:
        problems.append(Problem("metricName", "required where there are no metricQueries"))
    period = inputs.get("period")
    if isinstance(period, int) and period not in _SHORT_PERIODS and period % 60:
        problems.append(Problem("period", f"{period} is not allowed; it is 10, 20, 30 or a multiple of 60"))
    if bool(inputs.get("statistic")) == bool(inputs.get("extendedStatistic")):
        problems.append(Problem("statistic", "exactly one of statistic and extendedStatistic must be given"))
    return problems


# What one metric needs, and what metric math says in each query instead.
_OF_ONE_METRIC = ("dimensions", "extendedStatistic", "metricName", "namespace", "period", "statistic", "unit")


def _query_rules(inputs: Props) -> list[Problem]:
    problems = [Problem(name, "not together with metricQueries") for name in _OF_ONE_METRIC if inputs.get(name)]
    returned = [query for query in inputs["metricQueries"] if query.get("returnData")]
    if len(returned) != 1:
        problems.append(Problem("metricQueries", "exactly one of them has returnData: the alarm judges that one"))
    return problems


# --- Composite alarm -----------------------------------------------------------------------------------------------

_COMPOSITE = {
    "alarmName": Arg("AlarmName", replaces=True, allowed=up_to(255)),
    "alarmRule": Arg("AlarmRule", allowed=up_to(10_240, 1)),
    # As in the official provider; CloudWatch itself could change it in place.
    "actionsEnabled": Arg("ActionsEnabled", default=True, replaces=True),
    "alarmActions": Arg("AlarmActions", same=as_set, default=[], allowed=ARN, most=_MOST_ACTIONS),
    "alarmDescription": Arg("AlarmDescription", allowed=up_to(1024)),
    "insufficientDataActions": Arg("InsufficientDataActions", same=as_set, default=[], allowed=ARN, most=_MOST_ACTIONS),
    "okActions": Arg("OKActions", same=as_set, default=[], allowed=ARN, most=_MOST_ACTIONS),
}


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


# --- Dashboard -----------------------------------------------------------------------------------------------------

_DASHBOARD_NAME = form(r"[A-Za-z0-9_-]{1,255}", "has letters, digits, - and _, at most 255")
_DASHBOARD = {
    "dashboardName": Arg(replaces=True, allowed=_DASHBOARD_NAME),
    "dashboardBody": Arg(same=as_json),
}


def _put_dashboard(cloud: Cloud, wanted: Props) -> str:
    cloud.cloudwatch.put_dashboard(DashboardName=wanted["dashboardName"], DashboardBody=wanted["dashboardBody"])
    return str(wanted["dashboardName"])


def _read_dashboard(cloud: Cloud, name: str, _: Props) -> Props:
    found = cloud.cloudwatch.get_dashboard(DashboardName=name)
    return {"dashboardName": name, "dashboardBody": found["DashboardBody"], "dashboardArn": found["DashboardArn"]}


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
    ),
)
