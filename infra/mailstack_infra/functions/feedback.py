"""What comes back from SES: the topic that it publishes to, the worker that reads it, the table that remembers."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment
from mailstack_infra.functions.worker import Worker
from mailstack_infra.iam import statements
from mailstack_infra.settings.model import Settings


class Feedback(pulumi.ComponentResource):
    """SES events → topic → worker → table.

    Args:
        configuration_set_arns: Whose events SES may publish.

    Attributes:
        topic: Where SES publishes.
        policy: What lets it; an event destination cannot be made before.
        table: Suppressions and processed events.
        worker: The feedback function with its queues.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        configuration_set_arns: list[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:feedback:Feedback", "feedback", None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(
            "events", name=env.name("events"), kms_master_key_id=env.key, tags=env.tags, opts=child
        )
        self.policy = aws.sns.TopicPolicy(
            "events",
            arn=self.topic.arn,
            policy=statements.events_topic(env.arn("sns", env.name("events")), env.account_id, configuration_set_arns),
            opts=child,
        )
        self.table = self._table(env, protect=settings.protect)
        self.worker = Worker(
            "feedback",
            env,
            settings,
            source="feedback",
            topic=self.topic,
            variables={"MAILSTACK_TABLE": self.table.name},
            permissions=[statements.keep_feedback(env.arn("dynamodb", f"table/{env.name('store')}"))],
            opts=child,
        )
        self.register_outputs({"topic": self.topic.arn, "table": self.table.name})

    def _table(self, env: Environment, *, protect: bool) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            "store",
            name=env.name("store"),
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "S"}],
            ttl={"attribute_name": "expires_at", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True, "kms_key_arn": env.key} if env.key else None,
            deletion_protection_enabled=protect,
            tags=env.tags,
            opts=ResourceOptions(parent=self, protect=protect or None),
        )
