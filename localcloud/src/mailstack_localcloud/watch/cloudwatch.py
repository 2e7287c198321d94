"""Evaluates alarms on stored metrics, and runs their actions as CloudWatch does."""

import functools
import json
import time
from datetime import UTC, datetime
from typing import Any, cast

from botocore.loaders import Loader

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.backend.policies import Source
from mailstack_localcloud.watch.alarms import can_judge, computed, datapoints, judge, metrics, period, since
from mailstack_localcloud.watch.arithmetic import ExpressionError, Grid, NotComputedError, Series

_CLOUDWATCH = "cloudwatch.amazonaws.com"
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


class Alarms:
    """Takes over the judging and notifying of alarms from ministack."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        backend.cloudwatch.take_over_alarms(self.evaluate, self.notify, problem)

    def evaluate_all(self) -> dict[str, str]:
        """Judge every alarm now; the states by name."""
        states: dict[str, str] = {}
        for account_id, region in self._backend.cloudwatch.alarm_scopes():
            with self._backend.scope(account_id, region):
                for alarm in self._backend.cloudwatch.alarms():
                    self.evaluate(alarm)
                    states[alarm["AlarmName"]] = alarm["StateValue"]
        return states

    def evaluate(self, alarm: dict[str, Any]) -> None:
        """Judge one alarm in the scope in force, and act where its state changes."""
        if not can_judge(alarm):
            return
        now, stored = time.time(), self._backend.cloudwatch.points
        earliest = since(alarm, now)
        points = {
            name: stored(one.namespace, one.name, one.dimensions, earliest) for name, one in metrics(alarm).items()
        }
        try:
            values = datapoints(alarm, points, now)
        except ExpressionError:
            return
        verdict = judge(alarm, values, now)
        if verdict is None or verdict.state == alarm["StateValue"]:
            return
        before = self._backend.cloudwatch.change_state(alarm, verdict.state, verdict.reason)
        self.notify(alarm, before, verdict.state, verdict.reason)
        self._backend.cloudwatch.parents_changed(alarm)

    def notify(self, alarm: dict[str, Any], before: str, state: str, reason: str) -> None:
        """Publish to the SNS topics among the state's actions, where the topic's policy lets CloudWatch."""
        if not alarm.get("ActionsEnabled", True):
            return
        actions = cast("list[str]", alarm.get(_ACTIONS[state]) or [])
        topics = [arn for arn in actions if arn.split(":")[2] == "sns"]
        message = json.dumps(notification(alarm, before, state, reason)) if topics else ""
        region = str(alarm["AlarmArn"]).split(":")[3]
        for arn in topics:
            if not self._backend.grants.publish(arn, Source(_CLOUDWATCH, str(alarm["AlarmArn"]))):
                subject = f'{state}: "{alarm["AlarmName"]}" in {region_name(region)}'[:100]
                self._backend.topics.notify(arn, subject, message)


def problem(queries: list[dict[str, Any]]) -> str:
    """Why CloudWatch would refuse an alarm on these metrics and expressions; empty if it would not.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html; the texts are ours.
    """
    seconds = period({"Metrics": queries})
    no_data: dict[str, Series] = {query["Id"]: {} for query in queries if "MetricStat" in query}
    try:
        computed(queries, no_data, Grid(range(1), seconds))
    except NotComputedError:
        return ""
    except (ExpressionError, KeyError) as error:
        return f"Invalid metrics list: {error}."
    return ""


def notification(alarm: dict[str, Any], before: str, state: str, reason: str) -> dict[str, Any]:
    """The message that CloudWatch publishes when an alarm changes its state.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    arn = str(alarm["AlarmArn"])
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": arn.split(":")[4],
        "AlarmConfigurationUpdatedTimestamp": _timestamp(alarm.get("AlarmConfigurationUpdatedTimestamp", time.time())),
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": _timestamp(time.time()),
        "Region": region_name(arn.split(":")[3]),
        "AlarmArn": arn,
        "OldStateValue": before,
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
        **(_composition(alarm) if alarm.get("AlarmRule") else {"Trigger": _trigger(alarm)}),
    }


def _composition(alarm: dict[str, Any]) -> dict[str, Any]:
    """The part of a composite alarm's message in place of a trigger; it has no dimensions of its children."""
    caused = json.loads(alarm.get("StateReasonData") or "{}").get("triggeringAlarms", [])
    children = [
        {"Arn": child["arn"], "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]}}
        for child in caused
    ]
    return {"AlarmRule": alarm["AlarmRule"], "TriggeringChildren": children}


def _trigger(alarm: dict[str, Any]) -> dict[str, Any]:
    watched = {"Metrics": [_query(query) for query in alarm["Metrics"]]} if alarm.get("Metrics") else _watched(alarm)
    return {
        **watched,
        "Period": period(alarm),
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": "",
    }


def _watched(alarm: dict[str, Any]) -> dict[str, Any]:
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "Statistic",
        "Statistic": str(alarm["Statistic"]).upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": _trigger_dimensions(alarm),
    }


def _query(query: dict[str, Any]) -> dict[str, Any]:
    """A metric or expression of metric math, whose dimensions are spelt as in every trigger."""
    if "MetricStat" not in query:
        return query
    metric = {**query["MetricStat"]["Metric"], "Dimensions": _trigger_dimensions(query["MetricStat"]["Metric"])}
    return {**query, "MetricStat": {**query["MetricStat"], "Metric": metric}}


def _trigger_dimensions(owner: dict[str, Any]) -> list[dict[str, str]]:
    dimensions = cast("list[dict[str, str]]", owner.get("Dimensions") or [])
    return [{"value": one["Value"], "name": one["Name"]} for one in dimensions]


@functools.cache
def region_name(region: str) -> str:
    """A region as CloudWatch writes it.

    Example:
        >>> region_name("us-east-1")
        'US East (N. Virginia)'
    """
    partitions = cast("dict[str, Any]", Loader().load_data("partitions"))["partitions"]
    regions = {name: known for partition in partitions for name, known in partition["regions"].items()}
    return str(regions.get(region, {}).get("description", region))


def _timestamp(epoch: float) -> str:
    moment = datetime.fromtimestamp(epoch, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
