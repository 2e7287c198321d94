"""The key that what comes back is encrypted with: events, queues, suppressions, logs. One for each environment."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.iam import statements
from mailstack_infra.settings.model import Settings

# The longest that KMS waits before a key is gone for good: until then a deletion can be taken back.
DELETION_WINDOW_DAYS = 30


class Keys(pulumi.ComponentResource):
    """A customer key whose policy names who may use it, rotated every year, and its alias.

    Attributes:
        arn: The key's ARN; unknown until it is made.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:keys:Keys", "keys", None, opts)
        topics = {name: env.arn("sns", env.name(name)) for name in inventory.topics(settings)}
        workers = inventory.workers(settings)
        queued = [wiring.topic for wiring in workers.values() if wiring.customer_key]
        key = aws.kms.Key(
            "key",
            description=f"What the mail stack {env.stack} keeps",
            policy=statements.key(
                account_arn=f"arn:{env.partition}:iam::{env.account_id}:root",
                account_id=env.account_id,
                region=env.region,
                event_topic_arn=topics[inventory.EVENTS],
                alarm_topic_arns=[topics[name] for name in inventory.alarm_topics(settings)],
                # Pages that cannot be delivered go to an encrypted DLQ.
                delivering_topic_arns=[topics[name] for name in (*queued, *inventory.paging_topics(settings))],
                log_group_arns=[env.arn("logs", f"log-group:/aws/lambda/{env.name(name)}") for name in workers],
                through=env.via(
                    "dynamodb",
                    "lambda",
                    *(("secretsmanager",) if settings.access.smtp.keys else ()),
                    "sns",
                    "sqs",
                ),
            ),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            tags=env.tags,
            opts=ResourceOptions(parent=self, protect=settings.protect or None),
        )
        aws.kms.Alias(
            "key",
            name=f"alias/mailstack-{env.stack}",
            target_key_id=key.key_id,
            opts=ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
