"""A stream: an SES configuration set and where its events go. One for each kind of mail with its own reputation."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.environment import Environment
from infra.settings import StreamSettings

# What somebody must act upon. Sends, deliveries, opens and clicks would double the traffic and change nothing.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestination.html
FEEDBACK_EVENTS = ("BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "REJECT", "RENDERING_FAILURE", "SUBSCRIPTION")


class MailStream(pulumi.ComponentResource):
    """A configuration set that publishes its events to a topic.

    Args:
        name: The stream's name.
        topic: Where events go.
        topic_policy: What lets SES publish there; SES tests it when the destination is made.

    Attributes:
        configuration_set: The configuration set.
    """

    def __init__(
        self,
        name: str,
        env: Environment,
        settings: StreamSettings,
        *,
        topic: aws.sns.Topic,
        topic_policy: aws.sns.TopicPolicy,
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:stream:MailStream", name, None, opts)
        self.configuration_set = aws.sesv2.ConfigurationSet(
            name,
            configuration_set_name=env.name(name),
            delivery_options={"tls_policy": settings.tls},
            reputation_options={"reputation_metrics_enabled": True},
            suppression_options={"suppressed_reasons": list(settings.suppress)},
            sending_options={"sending_enabled": True},
            tags=env.tags,
            # The guard pauses a stream, and people start it again. A deployment does neither.
            opts=ResourceOptions(parent=self, protect=protect, ignore_changes=["sending_options"]),
        )
        aws.sesv2.ConfigurationSetEventDestination(
            name,
            configuration_set_name=self.configuration_set.configuration_set_name,
            event_destination_name="feedback",
            event_destination={
                "enabled": True,
                "matching_event_types": list(FEEDBACK_EVENTS),
                "sns_destination": {"topic_arn": topic.arn},
            },
            opts=ResourceOptions(parent=self, depends_on=[topic_policy]),
        )
        self.register_outputs({"configuration_set": self.configuration_set.configuration_set_name})
