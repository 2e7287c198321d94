"""Alarms that page, and critical ones that the guard hears of. Which there are stands in `alarms/`."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment
from mailstack_infra.monitoring import publishers
from mailstack_infra.monitoring.definitions import Alarm, Both, alarms, composites, rule
from mailstack_infra.settings.model import Settings


class Watching(pulumi.ComponentResource):
    """Every alarm of the stack. Each pages when it goes off and when all is well again.

    Args:
        topics: The topics that alarms publish to, by name.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        topics: Mapping[str, aws.sns.Topic],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:watching:Watching", "watching", None, opts)
        self._env, self._settings, self._topics = env, settings, topics
        single = {alarm.key: self._single(alarm) for alarm in alarms(env, settings)}
        for alarm in composites(env, settings):
            self._composite(alarm, [single[part] for part in alarm.parts])
        self.register_outputs({})

    def _single(self, alarm: Alarm) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            alarm.key,
            name=self._env.name(alarm.key),
            alarm_description=alarm.does,
            **watched(alarm, alarm.period or self._settings.alarm_period_seconds),
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            treat_missing_data=alarm.missing,
            **self._actions(alarm),
            tags=self._env.tags,
            opts=ResourceOptions(parent=self),
        )

    def _composite(self, alarm: Both, parts: list[aws.cloudwatch.MetricAlarm]) -> None:
        aws.cloudwatch.CompositeAlarm(
            alarm.key,
            alarm_name=self._env.name(alarm.key),
            alarm_description=alarm.does,
            alarm_rule=rule(self._env, alarm),
            **self._actions(alarm),
            tags=self._env.tags,
            # The rule names them, and CloudWatch refuses a rule about alarms that are not there.
            opts=ResourceOptions(parent=self, depends_on=parts),
        )

    def _actions(self, alarm: Alarm | Both) -> dict[str, Any]:
        """Whom an alarm tells: functions act only when it goes off, people also hear that all is well."""
        actions = {"alarm": publishers.told, "ok": publishers.people_told}
        return {
            f"{state}_actions": [self._topics[name].arn for name in told(self._settings, alarm)]
            for state, told in actions.items()
        }


def watched(alarm: Alarm, period: int) -> dict[str, Any]:
    """What an alarm looks at: a metric as it is, or one whose empty periods are filled.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (FILL)
    """
    metric = {"metric_name": alarm.metric, "namespace": alarm.namespace, "dimensions": alarm.dimensions}
    if alarm.fill is None:
        return {**metric, "statistic": alarm.statistic, "period": period}
    source = {"id": "measured", "return_data": False, "metric": {**metric, "stat": alarm.statistic, "period": period}}
    filled = {"id": "filled", "expression": f"FILL(measured, {alarm.fill:g})", "label": alarm.metric}
    return {"metric_queries": [source, {**filled, "return_data": True}]}
