"""The settings of the whole SES account in this region, for the one stack that owns the account."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.settings.account import Account


class AccountDefaults(pulumi.ComponentResource):
    """The account's suppression reasons, and Virtual Deliverability Manager if enabled.

    Deletion leaves the first as it is, and switches the second off for every stack of the account.
    """

    def __init__(self, settings: Account, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("mailstack:account:AccountDefaults", "account", None, opts)
        child = ResourceOptions(parent=self)
        aws.sesv2.AccountSuppressionAttributes(
            "suppression", suppressed_reasons=sorted(set(settings.suppress)), opts=child
        )
        if settings.vdm:
            aws.sesv2.AccountVdmAttributes(
                "vdm",
                vdm_enabled="ENABLED",
                # Set explicitly, so that no default tracks opens and clicks.
                dashboard_attributes={"engagement_metrics": "DISABLED"},
                guardian_attributes={"optimized_shared_delivery": "ENABLED"},
                opts=child,
            )
        self.register_outputs({})
