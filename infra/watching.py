"""Alarms that page, and critical ones that the guard hears of. Which there are stands in `alarms.py`."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.alarms import alarms
from infra.environment import Environment
from infra.settings import Settings


class Watching(pulumi.ComponentResource):
    """Every alarm of the stack. Each pages when it goes off and when all is well again.

    Args:
        paging: The topic that pages.
        guard: The topic that pauses, if there is a guard.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        paging: aws.sns.Topic,
        guard: aws.sns.Topic | None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:watching:Watching", "watching", None, opts)
        for alarm in alarms(env, settings):
            aws.cloudwatch.MetricAlarm(
                alarm.key,
                name=env.name(alarm.key),
                alarm_description=alarm.does,
                namespace=alarm.namespace,
                metric_name=alarm.metric,
                dimensions=alarm.dimensions,
                statistic=alarm.statistic,
                comparison_operator=alarm.comparison,
                threshold=alarm.threshold,
                period=settings.alarm_period_seconds,
                evaluation_periods=1,
                treat_missing_data=alarm.missing,
                alarm_actions=[paging.arn, guard.arn] if guard and alarm.pauses else [paging.arn],
                ok_actions=[paging.arn],
                tags=env.tags,
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})
