"""Permissions of AWS services on resources: publish to topics, send to queues, use keys, invoke functions.

The resource's own policy decides, and the key's where the resource is encrypted. AWS drops denied requests
silently; here they are recorded. Not for what IAM users and roles may do (`access.py`, `signed.py`).
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from mailstack_localcloud.backend.keys import Keys
from mailstack_localcloud.backend.policies import Source, allows

SNS, EVENTS, SCHEDULER, LAMBDA = (f"{name}.amazonaws.com" for name in ("sns", "events", "scheduler", "lambda"))
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Denial:
    """Something that a service was not let do."""

    at: datetime
    service: str
    source: str
    action: str
    resource: str
    reason: str


class Grants:
    """The resources of SNS, SQS and Lambda, in the account and region in scope.

    Every method gives the reason of a refusal, empty if there is none.

    Attributes:
        denials: The newest of what was refused.
    """

    def __init__(self, sns: Any, sqs: Any, functions: Any, keys: Keys) -> None:
        self._sns, self._sqs, self._functions, self._keys = sns, sqs, functions, keys
        self.denials: deque[Denial] = deque(maxlen=_KEPT)
        # What SNS asks before it delivers to a queue, and S3 before it notifies a queue or a topic.
        sqs.queue_policy_allows = self._queue_takes
        sns.topic_policy_allows = self._topic_takes

    def publish(self, topic_arn: str, source: Source) -> str:
        """May a service publish to a topic?

        https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html,
        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        return self._refusal("sns:Publish", topic_arn, self.topic(topic_arn), "aws:sns:topicArn", source)

    def send(self, queue_arn: str, source: Source) -> str:
        """May a service send to a queue?

        https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html,
        https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html
        """
        return self._refusal("sqs:SendMessage", queue_arn, self.queue(queue_arn), "aws:sqs:arn", source)

    def invoke(self, function_arn: str, source: Source) -> str:
        """May a service call a function?

        https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
        """
        known = cast("tuple[Any, str] | None", self._functions.function_policy_for_arn(function_arn))
        problem = "it does not exist"
        if known is not None:
            policy = known[0] if isinstance(known[0], str) else json.dumps(known[0])
            problem = _policy_problem(policy, "lambda:InvokeFunction", function_arn, source)
        return self.denied(source, "lambda:InvokeFunction", function_arn, problem)

    def denied(self, source: Source, action: str, resource: str, problem: str) -> str:
        """Remember a problem, if there is one; the same problem."""
        if problem:
            self.denials.append(Denial(datetime.now(UTC), source.service, source.arn, action, resource, problem))
        return problem

    def topic(self, arn: str) -> Mapping[str, str] | None:
        """A topic's attributes; None if it does not exist."""
        topic = cast("dict[str, Any] | None", self._sns._topics.get(arn))  # noqa: SLF001
        return None if topic is None else cast("dict[str, str]", topic["attributes"])

    def queue(self, arn: str) -> Mapping[str, str] | None:
        """A queue's attributes; None if it does not exist."""
        queue = cast("dict[str, Any] | None", self._sqs._queue_by_arn(arn))  # noqa: SLF001
        return None if queue is None else cast("dict[str, str]", queue["attributes"])

    def _queue_takes(self, queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
        return not self.send(queue_arn, Source(service, source_arn, source_account))

    def _topic_takes(self, topic_arn: str, service: str, source_arn: str, source_account: str) -> bool:
        return not self.publish(topic_arn, Source(service, source_arn, source_account))

    def _refusal(
        self, action: str, arn: str, attributes: Mapping[str, str] | None, encrypts: str, source: Source
    ) -> str:
        if attributes is None:
            return self.denied(source, action, arn, "it does not exist")
        key = attributes.get("KmsMasterKeyId", "")
        problem = _policy_problem(attributes.get("Policy", ""), action, arn, source)
        return self.denied(source, action, arn, problem or self._keys.problem_for_service(key, source, {encrypts: arn}))


def _policy_problem(policy: str, action: str, resource: str, source: Source) -> str:
    if allows(policy, action=action, resource=resource, context=source.context(), service=source.service):
        return ""
    return f"its policy does not allow {source.service} to {action} for {source.arn}"
