"""The account monitor: on a schedule, a function asks SES how the account stands and publishes it as metrics.

And SES's own events about the account, which page. Not for what is alarming about the metrics: `alarms.py` says that.
"""

import json

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import policies
from mailstack_infra.environment import Environment
from mailstack_infra.settings.model import Settings
from mailstack_infra.worker import Worker

NAME = "account-monitor"
SCHEDULE = "rate(5 minutes)"
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html; the tenants' pages say Closed for Resolved.
SES_SAYS = (
    "Sending Status Disabled",
    "Sending Status Enabled",
    "Advisor Recommendation Status Open",
    "Advisor Recommendation Status Resolved",
    "Advisor Recommendation Status Closed",
)


class Monitor(pulumi.ComponentResource):
    """Clock → topic → worker → metrics; SES's events → paging.

    Args:
        paging: Where SES's events go. Its policy must name the rule `ses_rule_arn`.
        paging_policy: That policy.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        paging: aws.sns.Topic,
        paging_policy: aws.sns.TopicPolicy,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:monitor:Monitor", NAME, None, opts)
        self._env, self._child = env, ResourceOptions(parent=self)
        topic, policy = self._ticks()
        Worker(
            NAME,
            env,
            settings,
            source="account_monitor",
            topic=topic,
            variables={"MAILSTACK_STACK": env.stack},
            permissions=policies.measure_account(),
            opts=self._child,
        )
        self._rule(NAME, "The ticks of the account monitor's clock.", topic, policy, clock=True)
        self._rule("ses-events", "What SES says about the account's sending.", paging, paging_policy, clock=False)
        self.register_outputs({})

    def _ticks(self) -> tuple[aws.sns.Topic, aws.sns.TopicPolicy]:
        topic = aws.sns.Topic(
            "ticks",
            name=self._env.name("ticks"),
            kms_master_key_id=self._env.key,
            tags=self._env.tags,
            opts=self._child,
        )
        arn = self._env.arn("sns", self._env.name("ticks"))
        document = policies.topic(arn, policies.rule_publishes(arn, rule_arn(self._env, NAME)))
        policy = aws.sns.TopicPolicy("ticks", arn=topic.arn, policy=document, opts=self._child)
        return topic, policy

    def _rule(
        self, name: str, description: str, topic: aws.sns.Topic, policy: aws.sns.TopicPolicy, *, clock: bool
    ) -> None:
        pattern = json.dumps({"source": ["aws.ses"], "detail-type": SES_SAYS})
        rule = aws.cloudwatch.EventRule(
            name,
            name=self._env.name(name),
            description=description,
            schedule_expression=SCHEDULE if clock else None,
            event_pattern=None if clock else pattern,
            tags=self._env.tags,
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            target_id="topic",
            arn=topic.arn,
            # EventBridge drops what the topic does not take yet.
            opts=ResourceOptions(parent=self, depends_on=[policy]),
        )


def rule_arn(env: Environment, name: str) -> str:
    """The ARN of one of the stack's EventBridge rules."""
    return env.arn("events", f"rule/{env.name(name)}")


def ses_rule_arn(env: Environment) -> str:
    """The rule that passes on what SES says."""
    return rule_arn(env, "ses-events")
