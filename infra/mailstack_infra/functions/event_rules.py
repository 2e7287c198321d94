"""EventBridge rules that send to a worker's queue: clocks, and events of AWS services.

Straight to the queue: EventBridge supports no condition in the policy of a topic, nor in that of a topic's key, so that
a topic in between would either let in rules of any account or silently drop every event.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from dataclasses import dataclass

import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment
from mailstack_infra.functions.worker import Worker


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An EventBridge rule.

    Attributes:
        name: Its name behind `mailstack-<stack>-`.
        description: What it passes on.
        schedule: When it fires, such as `rate(5 minutes)`; or
        pattern: which events it passes on, as JSON.
    """

    name: str
    description: str
    schedule: str | None = None
    pattern: str | None = None


def send(rule: Rule, env: Environment, worker: Worker, opts: ResourceOptions) -> None:
    """Register a rule that sends to a worker's queue, and what it cannot deliver to the worker's DLQ.

    Args:
        rule: The rule; the worker's wiring must name it (`inventory.py`).
        env: The environment.
        worker: The worker.
        opts: Options of both resources.
    """
    made = aws.cloudwatch.EventRule(
        rule.name,
        name=env.name(rule.name),
        description=rule.description,
        schedule_expression=rule.schedule,
        event_pattern=rule.pattern,
        tags=env.tags,
        opts=opts,
    )
    aws.cloudwatch.EventTarget(
        rule.name,
        rule=made.name,
        target_id="queue",
        arn=worker.queue.arn,
        dead_letter_config={"arn": worker.dlq.arn},
        # EventBridge drops events until the queue policies exist.
        opts=opts.merge(ResourceOptions(depends_on=worker.queue_policies)),
    )
