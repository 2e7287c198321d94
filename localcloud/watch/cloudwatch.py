"""Alarms carried out: judged from stored metrics, and their actions taken as CloudWatch takes them."""

import functools
import json
import time
from datetime import UTC, datetime
from typing import Any, cast

from botocore.loaders import Loader

from localcloud.backend.ministack import Backend
from localcloud.backend.policies import Source
from localcloud.watch.alarms import can_judge, judge, since

_CLOUDWATCH = "cloudwatch.amazonaws.com"
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


class Alarms:
    """Takes over the judging and notifying of alarms from ministack."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        backend.cloudwatch.take_over_alarms(self.evaluate, self.notify)

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
        now = time.time()
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])}
        points = self._backend.cloudwatch.points(alarm["Namespace"], alarm["MetricName"], dimensions, since(alarm, now))
        verdict = judge(alarm, points, now)
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


def notification(alarm: dict[str, Any], before: str, state: str, reason: str) -> dict[str, Any]:
    """What CloudWatch publishes when an alarm changes its state.

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
        **({"Trigger": _trigger(alarm)} if alarm.get("MetricName") else _composition(alarm)),
    }


def _composition(alarm: dict[str, Any]) -> dict[str, Any]:
    """What a composite alarm says in place of a trigger. Its children's dimensions are not in it."""
    caused = json.loads(alarm.get("StateReasonData") or "{}").get("triggeringAlarms", [])
    children = [
        {"Arn": child["arn"], "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]}}
        for child in caused
    ]
    return {"AlarmRule": alarm["AlarmRule"], "TriggeringChildren": children}


def _trigger(alarm: dict[str, Any]) -> dict[str, Any]:
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "Statistic",
        "Statistic": str(alarm["Statistic"]).upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": d["Value"], "name": d["Name"]} for d in alarm.get("Dimensions", [])],
        "Period": alarm["Period"],
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": "",
    }


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
