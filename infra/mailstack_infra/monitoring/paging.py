"""Topics that alarms publish to, and who is paged."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.iam import statements
from mailstack_infra.monitoring.publishers import publishing
from mailstack_infra.monitoring.slack import SlackChannels
from mailstack_infra.settings.model import Settings


class AlarmTopic(pulumi.ComponentResource):
    """A topic that the alarms which page or act through it may publish to, and nobody else.

    Args:
        name: One of `inventory.alarm_topics`.

    Attributes:
        topic: The topic.
    """

    def __init__(self, name: str, env: Environment, settings: Settings, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("mailstack:paging:AlarmTopic", name, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(name, name=env.name(name), kms_master_key_id=env.key, tags=env.tags, opts=child)
        alarms = publishing(env, settings, name)
        document = statements.alarm_topic(env.arn("sns", env.name(name)), env.account_id, alarms)
        aws.sns.TopicPolicy(name, arn=self.topic.arn, policy=document, opts=child)
        self.register_outputs({"topic": self.topic.arn})


class Paging(pulumi.ComponentResource):
    """Who is told, and of what: people by e-mail, on-call services by https, channels in Slack.

    A subscription by e-mail waits until its owner confirms it. What SNS cannot deliver goes to a DLQ.

    Args:
        secret: Whether the addresses of `page` and `warn` are encrypted in the configuration and must stay so.

    Attributes:
        topic: What to publish to that must wake somebody.
        topics: The topics at which people hear of alarms, by name.
    """

    def __init__(
        self, env: Environment, settings: Settings, *, secret: bool, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("mailstack:paging:Paging", "paging", None, opts)
        slack, self._child = settings.slack, ResourceOptions(parent=self)
        self._secret, self._stack = secret, env.stack
        names = inventory.paging_topics(settings)
        self.topics = {name: AlarmTopic(name, env, settings, opts=self._child).topic for name in names}
        self.topic, warnings = self.topics[names[0]], self.topics[names[-1]]
        self._dlq, self._dlq_policy = self._undelivered(env, names)
        self._tell("page", self.topic, settings.page)
        self._tell("warn", warnings, settings.warn)
        if slack.workspace:
            SlackChannels(env, slack, paging=self.topic, warnings=warnings, opts=self._child)
        self.register_outputs({"topic": self.topic.arn, "warnings": warnings.arn})

    def _undelivered(self, env: Environment, topics: Sequence[str]) -> tuple[aws.sqs.Queue, aws.sqs.QueuePolicy]:
        name = inventory.PAGING_DLQ
        encryption: dict[str, Any] = {"kms_master_key_id": env.key} if env.key else {"sqs_managed_sse_enabled": True}
        dlq = aws.sqs.Queue(
            name,
            name=env.name(name),
            message_retention_seconds=inventory.DLQ_RETENTION_SECONDS,
            **encryption,
            tags=env.tags,
            opts=self._child,
        )
        document = statements.queue(
            env.arn("sqs", env.name(name)), topic_arns=[env.arn("sns", env.name(topic)) for topic in topics]
        )
        return dlq, aws.sqs.QueuePolicy(name, queue_url=dlq.url, policy=document, opts=self._child)

    def _tell(self, prefix: str, topic: aws.sns.Topic, people: Sequence[str]) -> None:
        for one in people:
            made = aws.sns.TopicSubscription(
                # Named after the whole list's order, one more pager would replace the others' subscriptions.
                f"{prefix}-{hashlib.sha256(one.encode()).hexdigest()[:8]}",
                topic=topic.arn,
                protocol="https" if one.startswith("https://") else "email",
                endpoint=pulumi.Output.secret(one) if self._secret else one,
                redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": self._dlq.arn}),
                opts=ResourceOptions(parent=self, depends_on=[self._dlq_policy]),
            )
            shown = f"A pager of mailstack:{prefix}" if self._secret else one
            made.pending_confirmation.apply(lambda pending, shown=shown: self._say_unconfirmed(shown, pending=pending))

    def _say_unconfirmed(self, who: str, *, pending: bool) -> None:
        """Tell whoever deploys that somebody hears nothing yet. Pulumi looks when it subscribes, and on refresh."""
        if pending:
            pulumi.log.warn(
                f"{who} was not subscribed to pages when Pulumi last looked: the subscription waits to be confirmed. "
                "Follow the link in the mail from no-reply@sns.amazonaws.com within 48 hours; after that SNS deletes "
                "the subscription, and `pulumi up --refresh` creates it again. "
                f"`mailer stack --stack {self._stack}` shows who is confirmed now."
            )
