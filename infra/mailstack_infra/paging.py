"""Topics that alarms publish to, and who is paged."""

import hashlib
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import policies
from mailstack_infra.environment import Environment


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
    """Who is told: people by e-mail, on-call services by https.

    A subscription by e-mail waits until its owner confirms it.

    Args:
        name: What the topic is called.
        pages: Addresses and https URLs.
        secret: Whether they are encrypted in the configuration and must stay so in the state.
        rules: ARNs of EventBridge rules that page, too.

    Attributes:
        topic: What to publish to.
        policy: What lets alarms and rules publish there.
    """

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        pages: Sequence[str],
        secret: bool,
        rules: Sequence[str] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:paging:Paging", name, None, opts)
        made = AlarmTopic(name, env, rules=rules, opts=ResourceOptions(parent=self))
        self.topic, self.policy = made.topic, made.policy
        prefix = "page" if name == "paging" else name
        for page in pages:
            aws.sns.TopicSubscription(
                # Named after the whole list's order, one more pager would replace the others' subscriptions.
                f"{prefix}-{hashlib.sha256(page.encode()).hexdigest()[:8]}",
                topic=self.topic.arn,
                protocol="https" if page.startswith("https://") else "email",
                endpoint=pulumi.Output.secret(page) if secret else page,
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({"topic": self.topic.arn})
