"""A stream: an SES configuration set and its event destinations. One for each kind of mail with its own reputation."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.iam import statements, trust
from mailstack_infra.settings.events import in_order
from mailstack_infra.settings.stream import StreamSettings

# Events that the feedback function acts on. Sends, deliveries, opens and clicks would only double the traffic.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestination.html
FEEDBACK_EVENTS = ("BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "REJECT", "RENDERING_FAILURE", "SUBSCRIPTION")
# The same and the outcome of each mail, for the message log.
LOGGED_EVENTS = (*FEEDBACK_EVENTS, "SEND", "DELIVERY")
# The same, for archives and metrics of events.
EVERY_EVENT = LOGGED_EVENTS
# SES accepts a redirect domain only below a verified identity, and the identity needs an existing configuration set.
# https://docs.aws.amazon.com/ses/latest/dg/configure-custom-open-click-domains.html
_NOT_YET = (
    "Tracked links of the stream {name} use SES's own domain for now: SES accepts {domain} only after the identity is "
    "verified. Wait for that with `mailer dns --stack {stack} --check --wait 600`, then deploy again: pulumi up"
)


class MailStream(pulumi.ComponentResource):
    """A configuration set that publishes its events to a topic.

    Args:
        name: The stream's name.
        topic: The topic of its events.
        topic_policy: Allows SES to publish there, which SES checks when the destination is created.
        pool: The dedicated pool to send from; None for SES's shared addresses.
        logs: Whether the stack keeps a message log, which also needs sends and deliveries.
        redirects: Whether the identity is verified; SES refuses `tracking.domain` before.
        protect: Whether Pulumi refuses to delete the configuration set.

    Attributes:
        configuration_set: The configuration set.
    """

    def __init__(  # noqa: PLR0913 - one for each resource that it depends on
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
            # The guard pauses a stream, and people resume it. A deployment does neither.
            opts=ResourceOptions(parent=self, protect=protect or None, ignore_changes=["sending_options"]),
        )
        if settings.tracking.domain and not redirects:
            pulumi.log.warn(_NOT_YET.format(name=name, domain=settings.tracking.domain, stack=env.stack), self)
        published = LOGGED_EVENTS if logs else FEEDBACK_EVENTS
        self._publish(name, "feedback", published, {"sns_destination": {"topic_arn": topic.arn}}, topic_policy)
        events = (*EVERY_EVENT, *settings.tracking.events)
        if settings.event_bridge:
            bus = env.arn("events", "event-bus/default")  # the only bus that SES publishes to
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
            # SES checks its permission to publish when a destination is created.
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
    """TLS, delivery time and pool."""
    return aws.sesv2.ConfigurationSetDeliveryOptionsArgs(
        tls_policy=settings.tls,
        max_delivery_seconds=settings.max_delivery_seconds,
        sending_pool_name=pool,
    )


def tracking_options(settings: StreamSettings) -> aws.sesv2.ConfigurationSetTrackingOptionsArgs | None:
    """The domain of tracked links; None for SES's own."""
    tracking = settings.tracking
    if not tracking.domain:
        return None
    return aws.sesv2.ConfigurationSetTrackingOptionsArgs(
        custom_redirect_domain=tracking.domain, https_policy=tracking.https
    )


def vdm_options(settings: StreamSettings) -> aws.sesv2.ConfigurationSetVdmOptionsArgs | None:
    """The options that differ from the account's; None if there are none."""
    engagement, delivery = settings.vdm.engagement_metrics, settings.vdm.optimized_delivery
    if not (engagement or delivery):
        return None
    # An empty block would show as a change, so unset options are left out.
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
