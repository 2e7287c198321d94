"""The sending guard: critical alarms reach a function that pauses the stream and tells people. It never starts one."""

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import policies
from mailstack_infra.environment import Environment
from mailstack_infra.paging import AlarmTopic
from mailstack_infra.publishers import pausing_alarms
from mailstack_infra.settings.model import Settings
from mailstack_infra.worker import Worker


class Guard(pulumi.ComponentResource):
    """Critical alarms → topic → worker → pause.

    Args:
        pausing: Which configuration set it pauses, by the name of the alarm.
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
        pausing: Mapping[str, str],
        paging_topic: aws.sns.Topic,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:guard:Guard", "guard", None, opts)
        child = ResourceOptions(parent=self)
        sets = sorted(set(pausing.values()))
        self.topic = AlarmTopic("guard", env, alarms=pausing_alarms(env, settings), opts=child).topic
        self.worker = Worker(
            "sending-guard",
            env,
            settings,
            source="sending_guard",
            topic=self.topic,
            variables={
                "MAILSTACK_PAUSING_ALARMS": json.dumps(pausing, separators=(",", ":")),
                "MAILSTACK_PAGING_TOPIC_ARN": paging_topic.arn,
            },
            permissions=policies.pause_sending(
                [env.arn("ses", f"configuration-set/{name}") for name in sets], env.arn("sns", env.name("paging"))
            ),
            opts=child,
        )
        self.register_outputs({"topic": self.topic.arn, "function": self.worker.function.name})
