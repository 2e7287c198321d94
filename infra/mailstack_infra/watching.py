"""Alarms that page, and critical ones that the guard hears of. Which there are stands in `alarms.py`."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.alarms import Alarm, Both, Level, alarms, composites, rule
from mailstack_infra.environment import Environment
from mailstack_infra.settings.model import Settings


class Watching(pulumi.ComponentResource):
    """Every alarm of the stack. Each pages when it goes off and when all is well again.

    Args:
        paging: The topic that pages, by level.
        guard: The topic that pauses, if there is a guard.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        paging: Mapping[Level, aws.sns.Topic],
        guard: aws.sns.Topic | None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:watching:Watching", "watching", None, opts)
        self._env, self._paging, self._guard = env, paging, guard
        single = {alarm.key: self._single(alarm, settings.alarm_period_seconds) for alarm in alarms(env, settings)}
        for alarm in composites(env, settings):
            self._composite(alarm, [single[part] for part in alarm.parts])
        self.register_outputs({})

    def _single(self, alarm: Alarm, period: int) -> aws.cloudwatch.MetricAlarm:
        pages = [self._paging[alarm.level].arn] if alarm.level else []
        return aws.cloudwatch.MetricAlarm(
            alarm.key,
            name=self._env.name(alarm.key),
            alarm_description=alarm.does,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=alarm.dimensions,
            statistic=alarm.statistic,
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            period=alarm.period or period,
            evaluation_periods=1,
            treat_missing_data=alarm.missing,
            alarm_actions=pages,
            ok_actions=pages,
            tags=self._env.tags,
            opts=ResourceOptions(parent=self),
        )

    def _composite(self, alarm: Both, parts: list[aws.cloudwatch.MetricAlarm]) -> None:
        pages = [self._paging[alarm.level].arn]
        aws.cloudwatch.CompositeAlarm(
            alarm.key,
            alarm_name=self._env.name(alarm.key),
            alarm_description=alarm.does,
            alarm_rule=rule(self._env, alarm),
            alarm_actions=[*pages, self._guard.arn] if self._guard and alarm.pauses else pages,
            ok_actions=pages,
            tags=self._env.tags,
            # The rule names them, and CloudWatch refuses a rule about alarms that are not there.
            opts=ResourceOptions(parent=self, depends_on=parts),
        )
