"""The dashboard: alarms, the figures of each stream, the quota, and the processing of feedback.

It can be read from top to bottom in ten seconds. Its JSON is a pure function of the alarms and the streams.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.functions.metrics import (
    ACCOUNT_DIMENSION,
    ACCOUNT_NAMESPACE,
    FAILED_RECORDS,
    FUNCTIONS_DIMENSION,
    FUNCTIONS_NAMESPACE,
)
from mailstack_infra.environment import Environment
from mailstack_infra.monitoring.definitions import SET_DIMENSION, Alarm, Both
from mailstack_infra.monitoring.definitions.account import QUOTA_CRITICAL, QUOTA_WARNING, RATES
from mailstack_infra.settings.rates import Rates
from mailstack_infra.settings.stream import StreamSettings

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
COLUMNS, HEIGHT = 24, 6
MOST_ALARMS = 100  # in one widget
Widget = dict[str, Any]


class Dashboard(pulumi.ComponentResource):
    """One CloudWatch dashboard, `mailstack-<stack>`.

    Args:
        shown: The dashboard's content, as `body` returns it.
    """

    def __init__(self, env: Environment, shown: str, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("mailstack:dashboard:Dashboard", "dashboard", None, opts)
        aws.cloudwatch.Dashboard(
            "dashboard",
            dashboard_name=f"mailstack-{env.stack}",
            dashboard_body=shown,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})


def body(
    env: Environment, alarms: Iterable[Alarm | Both], streams: Mapping[str, StreamSettings], *, account: bool
) -> str:
    """The dashboard's body as JSON: rows of widgets, each row as wide as the screen.

    Args:
        env: The stack's environment.
        alarms: The alarms that people receive.
        streams: Each stream by name.
        account: Whether the stack watches the SES account.
    """
    rows = [
        *([widget] for widget in _alarms(env, alarms)),
        *(_stream(env, name, stream) for name, stream in streams.items()),
        *([[*_account(env)]] if account else []),
        [*_feedback(env)],
    ]
    return json.dumps({"start": "-PT24H", "periodOverride": "inherit", "widgets": list(_placed(rows))})


def _placed(rows: list[list[Widget]]) -> Iterator[Widget]:
    for number, row in enumerate(rows):
        width = COLUMNS // len(row)
        for column, widget in enumerate(row):
            yield {"x": column * width, "y": number * HEIGHT, "width": width, "height": HEIGHT, **widget}


def _alarms(env: Environment, alarms: Iterable[Alarm | Both]) -> Iterator[Widget]:
    arns = [env.arn("cloudwatch", f"alarm:{env.name(alarm.key)}") for alarm in alarms]
    for start in range(0, len(arns), MOST_ALARMS):
        title = "Alarms: all green means that nothing is wrong" if not start else "Alarms (continued)"
        yield {"type": "alarm", "properties": {"title": title, "alarms": arns[start : start + MOST_ALARMS]}}


def _stream(env: Environment, name: str, stream: StreamSettings) -> list[Widget]:
    dimensions = {SET_DIMENSION: stream.called(env.name(name))}
    counts = ("Send", "Delivery", "Bounce", "Complaint", "Reject", "RenderingFailure")
    sent = [_metric("AWS/SES", metric, dimensions) for metric in counts]
    bounces = [_metric("AWS/SES", "Reputation.BounceRate", dimensions)]
    complaints = [_metric("AWS/SES", "Reputation.ComplaintRate", dimensions)]
    mails = _graph(env, f"{name}: mails", sent, stat="Sum")
    if not stream.reputation_metrics:
        return [mails]
    return [
        mails,
        _graph(env, f"{name}: bounce rate", bounces, stat="Average", lines=_levels(stream.bounce_rate)),
        _graph(env, f"{name}: complaint rate", complaints, stat="Average", lines=_levels(stream.complaint_rate)),
    ]


def _account(env: Environment) -> Iterator[Widget]:
    for kind, metric, warning, critical, pause in RATES:
        lines = {"warning": warning, "critical": critical, "AWS may pause": pause}
        rate = [_metric("AWS/SES", metric, {})]
        yield _graph(env, f"Account: {kind} rate", rate, stat="Average", lines=lines)
    used = [_metric(ACCOUNT_NAMESPACE, "QuotaUsed", {ACCOUNT_DIMENSION: env.stack})]
    yield _graph(
        env,
        "Account: share of the daily quota used",
        used,
        stat="Maximum",
        lines={"warning": QUOTA_WARNING, "critical": QUOTA_CRITICAL},
    )
    status = ("Enforcement", "SendingDisabled", "Sandbox", "MaxSendRate", "SentLast24Hours", "Max24HourSend")
    metrics = [_metric(ACCOUNT_NAMESPACE, metric, {ACCOUNT_DIMENSION: env.stack}) for metric in status]
    yield _graph(env, "Account: review, sending, quota", metrics, stat="Maximum", view="singleValue")


def _feedback(env: Environment) -> Iterator[Widget]:
    waiting = [
        _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": env.name(queue)})
        for queue in ("feedback", "feedback-dlq")
    ]
    yield _graph(env, "Feedback queue and DLQ: messages", waiting, stat="Maximum")
    runs = [
        _metric("AWS/Lambda", metric, {"FunctionName": env.name("feedback")})
        for metric in ("Invocations", "Errors", "Throttles")
    ]
    runs.append(_metric(FUNCTIONS_NAMESPACE, FAILED_RECORDS, {FUNCTIONS_DIMENSION: env.name("feedback")}))
    yield _graph(env, "Feedback function", runs, stat="Sum")


def _metric(namespace: str, metric: str, dimensions: Mapping[str, str]) -> list[str]:
    return [namespace, metric, *(part for pair in dimensions.items() for part in pair)]


def _levels(rates: Rates) -> dict[str, float]:
    return {"warning": rates.warning, "critical": rates.critical}


def _graph(
    env: Environment,
    title: str,
    metrics: list[list[str]],
    *,
    stat: str,
    view: str = "timeSeries",
    lines: Mapping[str, float] | None = None,
) -> Widget:
    properties: Widget = {"title": title, "region": env.region, "view": view, "stat": stat, "period": 300}
    properties["metrics"] = metrics
    if lines:
        colours = {"warning": "#ff7f0e", "critical": "#d62728", "AWS may pause": "#7f7f7f"}
        marks = [{"label": level, "value": value, "color": colours[level]} for level, value in lines.items()]
        properties |= {"annotations": {"horizontal": marks}, "yAxis": {"left": {"min": 0}}}
    return {"type": "metric", "properties": properties}
