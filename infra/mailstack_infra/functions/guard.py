"""The sending guard: a function that pauses a stream on a critical alarm and pages people. It never resumes one.

It also compares alarms and streams on a schedule. CloudWatch acts only when an alarm changes its state, so that a
stream that somebody resumes during an alarm would not be paused again.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.functions.variables import GUARDED, PAGING_TOPIC_ARN, STACK
from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.functions import event_rules
from mailstack_infra.functions.worker import Job, Runtime, Worker
from mailstack_infra.iam import statements
from mailstack_infra.monitoring.paging import AlarmTopic
from mailstack_infra.monitoring.plan import Plan
from mailstack_infra.settings.stream import StreamSettings

CLOCK = event_rules.Rule(
    name=inventory.GUARD_CLOCK, description="The ticks of the sending guard's clock.", schedule="rate(5 minutes)"
)


class Guard(pulumi.ComponentResource):
    """Critical alarms → topic → worker → pause; clock → worker → pause each stream whose alarm is active.

    Args:
        plan: The alarms of the stack.
        runtime: The settings that all functions share.
        guarded: The streams that it may pause, as the function reads them.
        paging_topic: The topic that it notifies after a pause.

    Attributes:
        topic: The topic that critical alarms publish to.
        worker: The guard's function with its queues.
    """

    def __init__(
        self,
        env: Environment,
        plan: Plan,
        *,
        runtime: Runtime,
        guarded: str,
        paging_topic: aws.sns.Topic,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:guard:Guard", "guard", None, opts)
        child = ResourceOptions(parent=self)
        self.topic = AlarmTopic(inventory.GUARD_ALARMS, env, plan, opts=child).topic
        self.worker = Worker(
            inventory.GUARD,
            env,
            plan.inventory.workers[inventory.GUARD],
            Job(
                source="sending_guard",
                variables={STACK: env.stack, GUARDED: guarded, PAGING_TOPIC_ARN: paging_topic.arn},
                permissions=statements.pause_sending(
                    [env.arn("ses", f"configuration-set/{name}") for name in sorted(plan.pausable)],
                    env.arn("sns", env.name(inventory.PAGING)),
                ),
            ),
            runtime=runtime,
            topic=self.topic,
            opts=child,
        )
        event_rules.send(CLOCK, env, self.worker, child)
        self.register_outputs({"topic": self.topic.arn, "function": self.worker.function.name})


def guarded(env: Environment, streams: Mapping[str, StreamSettings]) -> str:
    """The streams that the guard may pause, as `mailer.functions.guard.pausing_alarms` reads them.

    An alarm's notification cannot tell: that of a composite alarm has neither metric nor dimension.
    """
    sets = {name: each.called(env.name(name)) for name, each in streams.items() if each.guard}
    return ",".join(name if called == env.name(name) else f"{name}={called}" for name, called in sets.items())
