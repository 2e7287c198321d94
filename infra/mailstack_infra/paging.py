"""Topics that alarms publish to, and who is paged."""

import hashlib
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import policies
from mailstack_infra.environment import Environment
from mailstack_infra.publishers import LEVELS, paging_alarms
from mailstack_infra.settings.model import Settings
from mailstack_infra.slack import SlackChannels


class AlarmTopic(pulumi.ComponentResource):
    """A topic that the alarms and the rules which it names may publish to, and nobody else.

    Args:
        alarms: ARNs of alarms.
        rules: ARNs of EventBridge rules.

    Attributes:
        topic: The topic.
        policy: What lets them.
    """

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        alarms: Sequence[str],
        rules: Sequence[str] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:paging:AlarmTopic", name, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(name, name=env.name(name), kms_master_key_id=env.key, tags=env.tags, opts=child)
        self.policy = aws.sns.TopicPolicy(
            name,
            arn=self.topic.arn,
            policy=policies.alarm_topic(env.arn("sns", env.name(name)), env.account_id, alarms, rules),
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
        apart = bool(settings.warn or slack.warns_elsewhere)
        made = AlarmTopic(
            "paging",
            env,
            alarms=paging_alarms(env, settings, LEVELS[1:] if apart else LEVELS),
            rules=rules,
            opts=self._child,
        )
        self.topic, self.policy, self.warnings = made.topic, made.policy, made.topic
        self._tell("page", self.topic, settings.page, secret=secret)
        if apart:
            warnings = paging_alarms(env, settings, ["warning"])
            self.warnings = AlarmTopic("warnings", env, alarms=warnings, opts=self._child).topic
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
