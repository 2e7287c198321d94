"""The sending guard: critical alarms reach a function that pauses the stream and tells people. It never starts one.

On a schedule it also compares alarms and streams: CloudWatch acts only when an alarm changes its state, so that a
stream that somebody starts again under an alarm would not be paused a second time.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from collections.abc import Collection

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.functions import event_rules
from mailstack_infra.functions.worker import Worker
from mailstack_infra.iam import statements
from mailstack_infra.monitoring.paging import AlarmTopic
from mailstack_infra.settings.model import Settings

CLOCK = event_rules.Rule(
    name=inventory.GUARD_CLOCK, description="The ticks of the sending guard's clock.", schedule="rate(5 minutes)"
)


class Guard(pulumi.ComponentResource):
    """Critical alarms → topic → worker → pause; clock → worker → pause what should be.

    Args:
        guarded: The streams that it may pause, as the function reads them.
        sets: What SES calls their configuration sets.
        paging_topic: Where it tells that it did.

    Attributes:
        topic: What critical alarms publish to.
        worker: The guard's function with its queues.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        guarded: str,
        sets: Collection[str],
        paging_topic: aws.sns.Topic,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:guard:Guard", "guard", None, opts)
        child = ResourceOptions(parent=self)
        self.topic = AlarmTopic(inventory.GUARD_ALARMS, env, settings, opts=child).topic
        self.worker = Worker(
            inventory.GUARD,
            env,
            settings,
            source="sending_guard",
            topic=self.topic,
            variables={
                "MAILSTACK_STACK": env.stack,
                "MAILSTACK_GUARDED": guarded,
                "MAILSTACK_PAGING_TOPIC_ARN": paging_topic.arn,
            },
            permissions=statements.pause_sending(
                [env.arn("ses", f"configuration-set/{name}") for name in sorted(sets)],
                env.arn("sns", env.name(inventory.PAGING)),
            ),
            opts=child,
        )
        event_rules.send(CLOCK, env, self.worker, child)
        self.register_outputs({"topic": self.topic.arn, "function": self.worker.function.name})
