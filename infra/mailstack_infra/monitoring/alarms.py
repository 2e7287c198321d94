"""Registers the alarms. `definitions/` defines them; `plan.py` decides who receives them."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment
from mailstack_infra.monitoring.definitions import Alarm, Both, rule
from mailstack_infra.monitoring.plan import Plan


class Watching(pulumi.ComponentResource):
    """Every alarm of the stack. Each one notifies when it goes off and when it returns to OK.

    Args:
        plan: The alarms, and the topics of each.
        topics: The topics that alarms publish to, by name.
        period_seconds: The period of alarms that have none of their own.
    """

    def __init__(
        self,
        env: Environment,
        plan: Plan,
        *,
        topics: Mapping[str, aws.sns.Topic],
        period_seconds: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:watching:Watching", "watching", None, opts)
        self._env, self._plan, self._topics = env, plan, topics
        single = {alarm.key: self._single(alarm, alarm.period or period_seconds) for alarm in plan.alarms}
        for alarm in plan.composites:
            self._composite(alarm, [single[part] for part in alarm.parts])
        self.register_outputs({})

    def _single(self, alarm: Alarm, period: int) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            alarm.key,
            name=self._env.name(alarm.key),
            alarm_description=alarm.does,
            **watched(alarm, period),
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
            # CloudWatch refuses a rule that names alarms which do not exist yet.
            opts=ResourceOptions(parent=self, depends_on=parts),
        )

    def _actions(self, alarm: Alarm | Both) -> dict[str, Any]:
        """Where an alarm notifies: functions only when it goes off, people also when it returns to OK."""
        actions = {"alarm": self._plan.topics(alarm), "ok": self._plan.people(alarm)}
        return {f"{state}_actions": [self._topics[name].arn for name in names] for state, names in actions.items()}


def watched(alarm: Alarm, period: int) -> dict[str, Any]:
    """The arguments for what an alarm watches: a metric as it is, or with its empty periods filled.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (FILL)
    """
    metric = {"metric_name": alarm.metric, "namespace": alarm.namespace, "dimensions": alarm.dimensions}
    if alarm.fill is None:
        return {**metric, "statistic": alarm.statistic, "period": period}
    source = {"id": "measured", "return_data": False, "metric": {**metric, "stat": alarm.statistic, "period": period}}
    filled = {"id": "filled", "expression": f"FILL(measured, {alarm.fill:g})", "label": alarm.metric}
    return {"metric_queries": [source, {**filled, "return_data": True}]}
