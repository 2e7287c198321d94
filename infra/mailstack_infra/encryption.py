"""The stack's KMS key, which encrypts events, queues, suppressions and logs."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment
from mailstack_infra.iam import statements
from mailstack_infra.inventory import EVENTS, Inventory

# The longest waiting period of KMS. A deletion can be cancelled until it ends.
DELETION_WINDOW_DAYS = 30


class Keys(pulumi.ComponentResource):
    """A customer key, rotated every year, whose policy names who may use it, and the key's alias.

    Args:
        inventory: The topics, queues and functions that use the key.
        secrets: Whether Secrets Manager uses the key, too.
        protect: Whether Pulumi refuses to delete the key.

    Attributes:
        arn: The key's ARN; unknown until the key exists.
    """

    def __init__(
        self,
        env: Environment,
        inventory: Inventory,
        *,
        secrets: bool,
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:keys:Keys", "keys", None, opts)
        topics = {name: env.arn("sns", env.name(name)) for name in inventory.topics}
        workers = inventory.workers
        queued = [wiring.topic for wiring in workers.values() if wiring.customer_key]
        key = aws.kms.Key(
            "key",
            description=f"What the mail stack {env.stack} keeps",
            policy=statements.key(
                account_arn=f"arn:{env.partition}:iam::{env.account_id}:root",
                account_id=env.account_id,
                region=env.region,
                event_topic_arn=topics[EVENTS],
                alarm_topic_arns=[topics[name] for name in inventory.alarm_topics],
                # SNS moves undeliverable pages to an encrypted dead-letter queue.
                delivering_topic_arns=[topics[name] for name in (*queued, *inventory.paging_topics)],
                log_group_arns=[env.arn("logs", f"log-group:/aws/lambda/{env.name(name)}") for name in workers],
                through=env.via(
                    "dynamodb",
                    "lambda",
                    *(("secretsmanager",) if secrets else ()),
                    "sns",
                    "sqs",
                ),
            ),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            tags=env.tags,
            opts=ResourceOptions(parent=self, protect=protect or None),
        )
        aws.kms.Alias(
            "key",
            name=f"alias/mailstack-{env.stack}",
            target_key_id=key.key_id,
            opts=ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
