"""Topic or rule → queue with a dead-letter queue → Lambda: the path of every message that must not be lost.

Not for the content of messages: see `feedback.py`, `guard.py` and `account_monitor.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.functions import packages
from mailstack_infra.iam import statements, trust
from mailstack_infra.inventory import DLQ_RETENTION_SECONDS, Wiring

RUNTIME, ARCHITECTURE, MEMORY_MB, TIMEOUT_SECONDS = "python3.13", "arm64", 256, 30
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: six times the function's timeout, and at
# least five attempts before the dead-letter queue.
VISIBILITY_SECONDS, MAX_RECEIVES = 6 * TIMEOUT_SECONDS, 5
# A message keeps its age when SQS moves it to the dead-letter queue. The shorter retention here leaves it time there.
QUEUE_RETENTION_SECONDS = 4 * 86_400
BATCH_SIZE = 10


@dataclass(frozen=True, kw_only=True)
class Job:
    """The work of a function.

    Attributes:
        source: The function's folder under `lambdas/`.
        variables: The function's environment.
        permissions: What the function may do, besides receiving from its queue and writing its log.
    """

    source: str
    variables: Mapping[str, pulumi.Input[str]]
    permissions: Sequence[statements.Statement]


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The settings that all functions share.

    Attributes:
        log_retention_days: How long CloudWatch keeps a function's log.
        concurrency: The most invocations of a function at once; None for the account's limit.
    """

    log_retention_days: int
    concurrency: int | None


class Worker(pulumi.ComponentResource):
    """A function that processes the messages of a topic and of EventBridge rules.

    Args:
        name: The name of the queue, the role and the function, after the prefix `mailstack-<stack>-`.
        wiring: The topic and the rules; see `inventory.py`.
        job: What the function does.
        runtime: The settings that all functions share.
        topic: The topic that the queue subscribes to.

    Attributes:
        queue: The queue of messages to process.
        dlq: The dead-letter queue: messages that failed five times, or that SNS or EventBridge could not deliver.
        queue_policies: Allow the topic and the rules to send to both queues.
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
        wiring: Wiring,
        job: Job,
        *,
        runtime: Runtime,
        topic: aws.sns.Topic,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:worker:Worker", name, None, opts)
        self._name, self._env, self._wiring = name, env, wiring
        self._child = ResourceOptions(parent=self)
        self.dlq, self.queue = self._queues()
        self._subscribe(topic)
        role, permission = self._role(job.permissions)
        self.function = self._function(job, role, log_retention_days=runtime.log_retention_days)
        aws.lambda_.EventSourceMapping(
            name,
            event_source_arn=self.queue.arn,
            function_name=self.function.arn,
            batch_size=BATCH_SIZE,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": limit} if (limit := runtime.concurrency) else None,
            tags=env.tags,
            # Lambda checks that the role may poll the queue when the mapping is created.
            opts=ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.register_outputs({"queue": self.queue.url, "dlq": self.dlq.url, "function": self.function.name})

    def _queues(self) -> tuple[aws.sqs.Queue, aws.sqs.Queue]:
        # SQS rejects a queue with both kinds of keys.
        customer_key = self._env.key and self._wiring.customer_key
        encryption: dict[str, Any] = (
            {"kms_master_key_id": self._env.key} if customer_key else {"sqs_managed_sse_enabled": True}
        )
        dlq = aws.sqs.Queue(
            f"{self._name}-dlq",
            name=self._env.name(f"{self._name}-dlq"),
            message_retention_seconds=DLQ_RETENTION_SECONDS,
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
            self._allow_senders(self._name, self.queue),
            self._allow_senders(f"{self._name}-dlq", self.dlq),
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

    def _allow_senders(self, name: str, queue: aws.sqs.Queue) -> aws.sqs.QueuePolicy:
        """Allow the topic and the rules to send to one of the two queues."""
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

    def _function(self, job: Job, role: aws.iam.Role, *, log_retention_days: int) -> aws.lambda_.Function:
        log_group = aws.cloudwatch.LogGroup(
            self._name,
            name=self._log_group,
            retention_in_days=log_retention_days,
            kms_key_id=self._env.key,
            tags=self._env.tags,
            opts=self._child,
        )
        package = packages.build(job.source, Path(pulumi.get_root_directory() or ".").resolve() / packages.FOLDER)
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
            environment={"variables": job.variables},
            kms_key_arn=self._env.key,
            tags=self._env.tags,
            # Otherwise Lambda creates the log group itself, without a retention.
            opts=ResourceOptions(parent=self, depends_on=[log_group]),
        )
