"""A stream: an SES configuration set and where its events go. One for each kind of mail with its own reputation."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.iam import statements, trust
from mailstack_infra.settings.events import in_order
from mailstack_infra.settings.stream import StreamSettings

# What somebody must act upon. Sends, deliveries, opens and clicks would double the traffic and change nothing.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestination.html
FEEDBACK_EVENTS = ("BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "REJECT", "RENDERING_FAILURE", "SUBSCRIPTION")
# Those, and what became of each mail; for the message log.
LOGGED_EVENTS = (*FEEDBACK_EVENTS, "SEND", "DELIVERY")
# The same, which is also what tells how well mail does; for archives and metrics of events.
EVERY_EVENT = LOGGED_EVENTS
# SES takes a redirect domain only below a verified identity, and an identity only a configuration set that exists.
# https://docs.aws.amazon.com/ses/latest/dg/configure-custom-open-click-domains.html
_NOT_YET = (
    "Tracked links of the stream {name} have SES's own domain until the identity is verified; SES takes {domain} only "
    "then. Wait for it with `mailer dns --stack {stack} --check --wait 600`, then deploy again: pulumi up"
)


class MailStream(pulumi.ComponentResource):
    """A configuration set that publishes its events to a topic.

    Args:
        name: The stream's name.
        topic: Where events go.
        topic_policy: What lets SES publish there; SES tests it when the destination is made.
        pool: The dedicated pool that it sends from; None for SES's shared addresses.
        logs: Whether the stack keeps a message log, which takes sends and deliveries, too.
        redirects: Whether the identity is verified, before which SES refuses `tracking.domain`.

    Attributes:
        configuration_set: The configuration set.
    """

    def __init__(  # noqa: PLR0913 - one for each thing that it hangs on
        self,
        name: str,
        env: Environment,
        settings: StreamSettings,
        *,
        topic: aws.sns.Topic,
        topic_policy: aws.sns.TopicPolicy,
        pool: pulumi.Input[str] | None,
        logs: bool,
        redirects: bool,
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:stream:MailStream", name, None, opts)
        self.configuration_set = aws.sesv2.ConfigurationSet(
            name,
            configuration_set_name=settings.called(env.name(name)),
            delivery_options=delivery_options(settings, pool),
            reputation_options={"reputation_metrics_enabled": settings.reputation_metrics},
            suppression_options={"suppressed_reasons": sorted(set(settings.suppress))},
            sending_options={"sending_enabled": True},
            tracking_options=tracking_options(settings) if redirects else None,
            vdm_options=vdm_options(settings),
            tags=env.tags,
            # The guard pauses a stream, and people start it again. A deployment does neither.
            opts=ResourceOptions(parent=self, protect=protect or None, ignore_changes=["sending_options"]),
        )
        if settings.tracking.domain and not redirects:
            pulumi.log.warn(_NOT_YET.format(name=name, domain=settings.tracking.domain, stack=env.stack), self)
        heard = LOGGED_EVENTS if logs else FEEDBACK_EVENTS
        self._publish(name, "feedback", heard, {"sns_destination": {"topic_arn": topic.arn}}, topic_policy)
        events = (*EVERY_EVENT, *settings.tracking.events)
        if settings.event_bridge:
            bus = env.arn("events", "event-bus/default")  # SES publishes to no other
            self._publish(f"{name}-bus", "bus", events, {"event_bridge_destination": {"event_bus_arn": bus}})
        if settings.firehose:
            role, permission = self._firehose_role(name, env, settings)
            kept = {"delivery_stream_arn": settings.firehose, "iam_role_arn": role.arn}
            self._publish(f"{name}-firehose", "firehose", events, {"kinesis_firehose_destination": kept}, permission)
        self.register_outputs({"configuration_set": self.configuration_set.configuration_set_name})

    def _publish(
        self, key: str, name: str, events: Sequence[str], destination: Mapping[str, Any], *needed: pulumi.Resource
    ) -> None:
        aws.sesv2.ConfigurationSetEventDestination(
            key,
            configuration_set_name=self.configuration_set.configuration_set_name,
            event_destination_name=name,
            event_destination=aws.sesv2.ConfigurationSetEventDestinationEventDestinationArgs(
                enabled=True, matching_event_types=in_order(events), **destination
            ),
            # SES tests its right to publish when a destination is made.
            opts=ResourceOptions(parent=self, depends_on=needed),
        )

    def _firehose_role(
        self, name: str, env: Environment, settings: StreamSettings
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        configuration_set = env.arn("ses", f"configuration-set/{settings.called(env.name(name))}")
        role = aws.iam.Role(
            f"{name}-firehose",
            name=env.iam_name(f"{name}-firehose"),
            assume_role_policy=trust.ses(env.account_id, configuration_set),
            tags=env.tags,
            opts=ResourceOptions(parent=self).merge(KEEP_NAME),
        )
        permission = aws.iam.RolePolicy(
            f"{name}-firehose",
            name="deliver",
            role=role.name,
            policy=statements.put_records(settings.firehose),
            opts=ResourceOptions(parent=self),
        )
        return role, permission


def delivery_options(
    settings: StreamSettings, pool: pulumi.Input[str] | None
) -> aws.sesv2.ConfigurationSetDeliveryOptionsArgs:
    """How mail leaves SES."""
    return aws.sesv2.ConfigurationSetDeliveryOptionsArgs(
        tls_policy=settings.tls,
        max_delivery_seconds=settings.max_delivery_seconds,
        sending_pool_name=pool,
    )


def tracking_options(settings: StreamSettings) -> aws.sesv2.ConfigurationSetTrackingOptionsArgs | None:
    """Whose domain the links of tracked mail have; None for SES's own."""
    tracking = settings.tracking
    if not tracking.domain:
        return None
    return aws.sesv2.ConfigurationSetTrackingOptionsArgs(
        custom_redirect_domain=tracking.domain, https_policy=tracking.https
    )


def vdm_options(settings: StreamSettings) -> aws.sesv2.ConfigurationSetVdmOptionsArgs | None:
    """Where the stream differs from the account; None where it does not."""
    engagement, delivery = settings.vdm.engagement_metrics, settings.vdm.optimized_delivery
    if not (engagement or delivery):
        return None
    # An empty block would be shown as a change: what is not given is left out.
    options = aws.sesv2.ConfigurationSetVdmOptionsArgs()
    if engagement:
        options.dashboard_options = aws.sesv2.ConfigurationSetVdmOptionsDashboardOptionsArgs(
            engagement_metrics=engagement
        )
    if delivery:
        options.guardian_options = aws.sesv2.ConfigurationSetVdmOptionsGuardianOptionsArgs(
            optimized_shared_delivery=delivery
        )
    return options
