"""SES's tenants and the streams that each may use. Not for pausing one: see docs/guides/monitoring.md."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.stack import tenant_name
from mailstack_infra.environment import Environment
from mailstack_infra.settings.tenant import Tenant


class Tenants(pulumi.ComponentResource):
    """Each tenant, with the identity and the configuration sets that it may use: SES refuses its mail with any other.

    https://docs.aws.amazon.com/ses/latest/dg/tenants.html

    Args:
        identity: The ARN of the identity.
        configuration_sets: The ARN of each stream's configuration set, by the stream's name.
        protect: Whether Pulumi refuses to delete them, and with them their reputation.
    """

    def __init__(
        self,
        env: Environment,
        tenants: Mapping[str, Tenant],
        *,
        identity: pulumi.Input[str],
        configuration_sets: Mapping[str, pulumi.Input[str]],
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:tenants:Tenants", "tenants", None, opts)
        for name, settings in tenants.items():
            tenant = aws.sesv2.Tenant(
                name,
                tenant_name=tenant_name(env.stack, name),
                tags=env.tags,
                opts=ResourceOptions(parent=self, protect=protect or None),
            )
            sets = {f"stream.{stream}": configuration_sets[stream] for stream in settings.streams or configuration_sets}
            for what, arn in {"identity": identity, **sets}.items():
                aws.sesv2.TenantResourceAssociation(
                    f"{name}.{what}",
                    tenant_name=tenant.tenant_name,
                    resource_arn=arn,
                    opts=ResourceOptions(parent=self),
                )
        self.register_outputs({})
