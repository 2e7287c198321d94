"""Topics that alarms publish to, and who is paged."""

import hashlib
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import policies
from mailstack_infra.environment import Environment
from mailstack_infra.settings.model import Settings
from mailstack_infra.slack import SlackChannels


class AlarmTopic(pulumi.ComponentResource):
    """A topic that this stack's alarms, and the rules it names, may publish to; no other service or account.

    Args:
        rules: ARNs of EventBridge rules.

    Attributes:
        topic: The topic.
        policy: What lets them.
    """

    def __init__(
        self, name: str, env: Environment, *, rules: Sequence[str] = (), opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("mailstack:paging:AlarmTopic", name, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(name, name=env.name(name), kms_master_key_id=env.key, tags=env.tags, opts=child)
        arn, alarms = env.arn("sns", env.name(name)), env.arn("cloudwatch", f"alarm:{env.name('*')}")
        self.policy = aws.sns.TopicPolicy(
            name,
            arn=self.topic.arn,
            policy=policies.alarm_topic(arn, env.account_id, alarms, rules),
            opts=child,
        )
        self.register_outputs({"topic": self.topic.arn})


class Paging(pulumi.ComponentResource):
    """Who is told, and of what: people by e-mail, on-call services by https, channels in Slack.

    A subscription by e-mail waits until its owner confirms it.

    Args:
        secret: Whether the addresses of `page` and `warn` are encrypted in the configuration and must stay so.
        rules: ARNs of EventBridge rules that page, too.

    Attributes:
        topic: What to publish to that must wake somebody.
        policy: What lets alarms and rules publish there.
        warnings: Where warnings go; the same topic, unless they go to others.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        secret: bool,
        rules: Sequence[str] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:paging:Paging", "paging", None, opts)
        slack, self._child = settings.slack, ResourceOptions(parent=self)
        made = AlarmTopic("paging", env, rules=rules, opts=self._child)
        self.topic, self.policy, self.warnings = made.topic, made.policy, made.topic
        self._tell("page", self.topic, settings.page, secret=secret)
        if settings.warn or slack.warns_elsewhere:
            self.warnings = AlarmTopic("warnings", env, opts=self._child).topic
            self._tell("warn", self.warnings, settings.warn, secret=secret)
        if slack.workspace:
            SlackChannels(env, slack, paging=self.topic, warnings=self.warnings, opts=self._child)
        self.register_outputs({"topic": self.topic.arn, "warnings": self.warnings.arn})

    def _tell(self, prefix: str, topic: aws.sns.Topic, people: Sequence[str], *, secret: bool) -> None:
        for one in people:
            aws.sns.TopicSubscription(
                # Named after the whole list's order, one more pager would replace the others' subscriptions.
                f"{prefix}-{hashlib.sha256(one.encode()).hexdigest()[:8]}",
                topic=topic.arn,
                protocol="https" if one.startswith("https://") else "email",
                endpoint=pulumi.Output.secret(one) if secret else one,
                opts=self._child,
            )
