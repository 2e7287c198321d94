"""Topic or rule → queue with a DLQ → Lambda: how everything that must not be lost is handled.

Not for what is published or what is done with it: `feedback.py`, `guard.py` and `monitor.py` say that.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import inventory
from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.functions import packages
from mailstack_infra.iam import statements, trust
from mailstack_infra.settings.model import Settings

RUNTIME, ARCHITECTURE, MEMORY_MB, TIMEOUT_SECONDS = "python3.13", "arm64", 256, 30
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: six times the function's timeout, and at
# least five tries before the DLQ.
VISIBILITY_SECONDS, MAX_RECEIVES = 6 * TIMEOUT_SECONDS, 5
# A DLQ keeps what failed for as long as SQS can; what is moved there brings its age along, so the queue keeps less.
QUEUE_RETENTION_SECONDS = 4 * 86_400
BATCH_SIZE = 10


class Worker(pulumi.ComponentResource):
    """A function that works through what a topic publishes and what EventBridge rules send.

    Args:
        name: What the queue, the role and the function are called, behind `mailstack-<stack>-`; its wiring stands
            under this name in `inventory.py`.
        source: The function's folder under `lambdas/`.
        topic: The topic that it listens to.
        variables: The function's environment.
        permissions: What it may do besides taking from its queue and writing its log.

    Attributes:
        queue: Where events wait.
        dlq: Where events end that failed five times, and those that SNS or EventBridge could not deliver.
        queue_policies: What lets the topic and the rules send to both queues.
        function: The Lambda function.
    """

    queue: aws.sqs.Queue
    dlq: aws.sqs.Queue
    queue_policies: Sequence[aws.sqs.QueuePolicy]
    function: aws.lambda_.Function

    def __init__(
        self,
        name: str,
        env: Environment,
        settings: Settings,
        *,
        source: str,
        topic: aws.sns.Topic,
        variables: Mapping[str, pulumi.Input[str]],
        permissions: Sequence[statements.Statement],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:worker:Worker", name, None, opts)
        self._name, self._env, self._settings = name, env, settings
        self._child = ResourceOptions(parent=self)
        self._wiring = inventory.workers(settings)[name]
        self.dlq, self.queue = self._queues()
        self._subscribe(topic)
        role, permission = self._role(permissions)
        self.function = self._function(source, role, variables)
        aws.lambda_.EventSourceMapping(
            name,
            event_source_arn=self.queue.arn,
            function_name=self.function.arn,
            batch_size=BATCH_SIZE,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": limit} if (limit := settings.function_concurrency) else None,
            tags=env.tags,
            # Lambda tests that the role may poll the queue when the mapping is made.
            opts=ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.register_outputs({"queue": self.queue.url, "dlq": self.dlq.url, "function": self.function.name})

    def _queues(self) -> tuple[aws.sqs.Queue, aws.sqs.Queue]:
        # A queue has one kind of key; both together are an error.
        customer_key = self._env.key and self._wiring.customer_key
        encryption: dict[str, Any] = (
            {"kms_master_key_id": self._env.key} if customer_key else {"sqs_managed_sse_enabled": True}
        )
        dlq = aws.sqs.Queue(
            f"{self._name}-dlq",
            name=self._env.name(f"{self._name}-dlq"),
            message_retention_seconds=inventory.DLQ_RETENTION_SECONDS,
            **encryption,
            tags=self._env.tags,
            opts=self._child,
        )
        queue = aws.sqs.Queue(
            self._name,
            name=self._env.name(self._name),
            visibility_timeout_seconds=VISIBILITY_SECONDS,
            message_retention_seconds=QUEUE_RETENTION_SECONDS,
            **encryption,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": dlq.arn, "maxReceiveCount": MAX_RECEIVES}),
            tags=self._env.tags,
            opts=self._child,
        )
        aws.sqs.RedriveAllowPolicy(
            f"{self._name}-dlq",
            queue_url=dlq.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
            ),
            opts=self._child,
        )
        return dlq, queue

    def _subscribe(self, topic: aws.sns.Topic) -> None:
        self.queue_policies = [
            self._let_send(self._name, self.queue),
            self._let_send(f"{self._name}-dlq", self.dlq),
        ]
        aws.sns.TopicSubscription(
            self._name,
            topic=topic.arn,
            protocol="sqs",
            endpoint=self.queue.arn,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": self.dlq.arn}),
            # Subscribe after the queue policies exist: earlier messages would be dropped.
            opts=ResourceOptions(parent=self, depends_on=self.queue_policies),
        )

    def _let_send(self, name: str, queue: aws.sqs.Queue) -> aws.sqs.QueuePolicy:
        """Let the topic and the rules send to one of the two queues."""
        env = self._env
        document = statements.queue(
            env.arn("sqs", env.name(name)),
            topic_arns=[env.arn("sns", env.name(self._wiring.topic))],
            rule_arns=[env.arn("events", f"rule/{env.name(rule)}") for rule in self._wiring.rules],
        )
        return aws.sqs.QueuePolicy(name, queue_url=queue.url, policy=document, opts=self._child)

    def _role(self, permissions: Sequence[statements.Statement]) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            self._name,
            name=self._env.iam_name(self._name),
            assume_role_policy=trust.functions(self._env.account_id),
            tags=self._env.tags,
            opts=self._child.merge(KEEP_NAME),
        )
        queue_arn = self._env.arn("sqs", self._env.name(self._name))
        log_group_arn = self._env.arn("logs", f"log-group:{self._log_group}")
        policy = aws.iam.RolePolicy(
            self._name,
            name="work",
            role=role.name,
            policy=self._env.with_key(
                lambda key: statements.queue_worker(queue_arn, log_group_arn, *permissions, *key),
                *self._wiring.through,
            ),
            opts=self._child,
        )
        return role, policy

    @property
    def _log_group(self) -> str:
        return f"/aws/lambda/{self._env.name(self._name)}"

    def _function(
        self,
        source: str,
        role: aws.iam.Role,
        variables: Mapping[str, pulumi.Input[str]],
    ) -> aws.lambda_.Function:
        log_group = aws.cloudwatch.LogGroup(
            self._name,
            name=self._log_group,
            retention_in_days=self._settings.log_retention_days,
            kms_key_id=self._env.key,
            tags=self._env.tags,
            opts=self._child,
        )
        package = packages.build(source, Path(pulumi.get_root_directory() or ".").resolve() / packages.FOLDER)
        return aws.lambda_.Function(
            self._name,
            name=self._env.name(self._name),
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler="handler.handle",
            code=pulumi.FileArchive(str(package.path)),
            source_code_hash=package.sha256_base64,
            role=role.arn,
            memory_size=MEMORY_MB,
            timeout=TIMEOUT_SECONDS,
            environment={"variables": variables},
            kms_key_arn=self._env.key,
            tags=self._env.tags,
            # Lambda would make the log group itself, without a retention.
            opts=ResourceOptions(parent=self, depends_on=[log_group]),
        )
