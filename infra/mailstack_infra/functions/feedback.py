"""Feedback from SES: the topic for its events, the worker that processes them, and the table of suppressions."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.functions.variables import MESSAGE_LOG_DAYS, TABLE
from mailer.table import EXPIRES_AT, PARTITION_KEY, SORT_KEY
from mailstack_infra.environment import Environment
from mailstack_infra.functions.worker import Job, Runtime, Worker
from mailstack_infra.iam import statements
from mailstack_infra.inventory import EVENTS, FEEDBACK, Wiring


class Feedback(pulumi.ComponentResource):
    """SES events → topic → worker → table.

    Args:
        wiring: The feedback worker's topic.
        runtime: The settings that all functions share.
        configuration_set_arns: The configuration sets whose events SES may publish.
        message_log_days: How many days the message log is kept; 0 keeps none.
        protect: Whether deletion of the table is refused.

    Attributes:
        topic: The topic that SES publishes to.
        policy: Allows SES to publish; an event destination cannot be created before it.
        table: Suppressions, processed events and the message log.
        worker: The feedback function with its queues.
    """

    def __init__(
        self,
        env: Environment,
        wiring: Wiring,
        *,
        runtime: Runtime,
        configuration_set_arns: list[str],
        message_log_days: int,
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:feedback:Feedback", "feedback", None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(EVENTS, name=env.name(EVENTS), kms_master_key_id=env.key, tags=env.tags, opts=child)
        self.policy = aws.sns.TopicPolicy(
            EVENTS,
            arn=self.topic.arn,
            policy=statements.events_topic(env.arn("sns", env.name(EVENTS)), env.account_id, configuration_set_arns),
            opts=child,
        )
        self.table = self._table(env, protect=protect)
        table_arn = env.arn("dynamodb", f"table/{env.name('store')}")
        variables: dict[str, pulumi.Input[str]] = {TABLE: self.table.name, MESSAGE_LOG_DAYS: str(message_log_days)}
        permissions = [statements.keep_feedback(table_arn)]
        if message_log_days:
            permissions.append(statements.write_message_log(table_arn))
        self.worker = Worker(
            FEEDBACK,
            env,
            wiring,
            Job(source="feedback", variables=variables, permissions=permissions),
            runtime=runtime,
            topic=self.topic,
            opts=child,
        )
        self.register_outputs({"topic": self.topic.arn, "table": self.table.name})

    def _table(self, env: Environment, *, protect: bool) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            "store",
            name=env.name("store"),
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION_KEY,
            range_key=SORT_KEY,
            attributes=[{"name": PARTITION_KEY, "type": "S"}, {"name": SORT_KEY, "type": "S"}],
            ttl={"attribute_name": EXPIRES_AT, "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True, "kms_key_arn": env.key} if env.key else None,
            deletion_protection_enabled=protect,
            tags=env.tags,
            opts=ResourceOptions(parent=self, protect=protect or None),
        )
