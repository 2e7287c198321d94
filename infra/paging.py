"""Topics that alarms publish to, and who is paged."""

import hashlib
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra import policies
from infra.environment import Environment


class AlarmTopic(pulumi.ComponentResource):
    """A topic that this stack's alarms, and no other service or account, may publish to.

    Attributes:
        topic: The topic.
    """

    def __init__(self, name: str, env: Environment, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("mailstack:paging:AlarmTopic", name, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(name, name=env.name(name), kms_master_key_id=env.key, tags=env.tags, opts=child)
        alarms = env.arn("cloudwatch", f"alarm:{env.name('*')}")
        aws.sns.TopicPolicy(
            name,
            arn=self.topic.arn,
            policy=policies.alarm_topic(env.arn("sns", env.name(name)), env.account_id, alarms),
            opts=child,
        )
        self.register_outputs({"topic": self.topic.arn})


class Paging(pulumi.ComponentResource):
    """Who is told: people by e-mail, on-call services by https.

    A subscription by e-mail waits until its owner confirms it.

    Args:
        pages: Addresses and https URLs.
        secret: Whether they are encrypted in the configuration and must stay so in the state.

    Attributes:
        topic: What to publish to.
    """

    def __init__(
        self, env: Environment, *, pages: Sequence[str], secret: bool, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("mailstack:paging:Paging", "paging", None, opts)
        self.topic = AlarmTopic("paging", env, opts=ResourceOptions(parent=self)).topic
        for page in pages:
            aws.sns.TopicSubscription(
                # Named after the whole list's order, one more pager would replace the others' subscriptions.
                f"page-{hashlib.sha256(page.encode()).hexdigest()[:8]}",
                topic=self.topic.arn,
                protocol="https" if page.startswith("https://") else "email",
                endpoint=pulumi.Output.secret(page) if secret else page,
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({"topic": self.topic.arn})
