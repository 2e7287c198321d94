"""Topics that alarms publish to, and the subscriptions of the people and services that are paged."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.iam import statements
from mailstack_infra.monitoring.plan import Plan
from mailstack_infra.monitoring.slack import SlackChannels
from mailstack_infra.settings.secret import Secret, protected
from mailstack_infra.settings.slack import Slack


@dataclass(frozen=True, kw_only=True)
class Recipients:
    """Who receives alarms.

    Attributes:
        page: Addresses and https URLs that are paged.
        warn: Addresses and https URLs that receive warnings.
        slack: The channels that show alarms.
    """

    page: Sequence[str]
    warn: Sequence[str]
    slack: Slack


class AlarmTopic(pulumi.ComponentResource):
    """A topic that only the alarms of the plan which page or act through it may publish to.

    Args:
        name: One of `Inventory.alarm_topics`.
        plan: The alarms of the stack.

    Attributes:
        topic: The topic.
    """

    def __init__(self, name: str, env: Environment, plan: Plan, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("mailstack:paging:AlarmTopic", name, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(name, name=env.name(name), kms_master_key_id=env.key, tags=env.tags, opts=child)
        arn, alarms = env.arn("sns", env.name(name)), plan.publishers(env, name)
        document = statements.alarm_topic(arn, env.account_id, alarms)
        aws.sns.TopicPolicy(name, arn=self.topic.arn, policy=document, opts=child)
        self.register_outputs({"topic": self.topic.arn})


class Paging(pulumi.ComponentResource):
    """The topics for people, and their subscriptions: e-mail, https for on-call services, channels in Slack.

    An e-mail subscription waits until its owner confirms it. Messages that SNS cannot deliver go to a dead-letter
    queue.

    Args:
        plan: The alarms of the stack.
        recipients: Who receives them.

    Attributes:
        topic: The topic for messages that must wake somebody.
        topics: The topics on which people receive alarms, by name.
    """

    def __init__(
        self, env: Environment, plan: Plan, recipients: Recipients, *, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("mailstack:paging:Paging", "paging", None, opts)
        self._stack, self._child = env.stack, ResourceOptions(parent=self)
        names = plan.inventory.paging_topics
        self.topics = {name: AlarmTopic(name, env, plan, opts=self._child).topic for name in names}
        self.topic, warnings = self.topics[names[0]], self.topics[names[-1]]
        self._dlq, self._dlq_policy = self._undelivered(env, names)
        self._subscribe("page", self.topic, recipients.page)
        self._subscribe("warn", warnings, recipients.warn)
        if recipients.slack.workspace:
            SlackChannels(env, recipients.slack, paging=self.topic, warnings=warnings, opts=self._child)
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

    def _subscribe(self, setting: str, topic: aws.sns.Topic, recipients: Sequence[str]) -> None:
        for recipient in recipients:
            subscription = aws.sns.TopicSubscription(
                # A name by position would replace the other subscriptions when a recipient is added.
                f"{setting}-{hashlib.sha256(recipient.encode()).hexdigest()[:8]}",
                topic=topic.arn,
                protocol="https" if recipient.startswith("https://") else "email",
                endpoint=protected(recipient),
                redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": self._dlq.arn}),
                opts=ResourceOptions(parent=self, depends_on=[self._dlq_policy]),
            )
            shown = f"A recipient of mailstack:{setting}" if isinstance(recipient, Secret) else recipient
            subscription.pending_confirmation.apply(
                lambda pending, shown=shown: self._warn_if_unconfirmed(shown, pending=pending)
            )

    def _warn_if_unconfirmed(self, recipient: str, *, pending: bool) -> None:
        """Warn about a subscription that delivers nothing. Pulumi learns its state when it subscribes or refreshes."""
        if pending:
            pulumi.log.warn(
                f"{recipient} has not confirmed the subscription to pages and receives nothing yet. Follow the link in "
                "the mail from no-reply@sns.amazonaws.com within 48 hours; after that SNS deletes the subscription, "
                "and `pulumi up --refresh` creates it again. "
                f"`mailer status --stack {self._stack}` shows the confirmed recipients."
            )
