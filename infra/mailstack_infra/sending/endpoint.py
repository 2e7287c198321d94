"""The multi-region endpoint: SES accepts mail in two regions and avoids one that fails.

Not for the stack that the second region needs: see docs/guides/multi-region-endpoint.md.
"""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment


class Endpoint(pulumi.ComponentResource):
    """An endpoint in the stack's region and a second one.

    https://docs.aws.amazon.com/ses/latest/dg/global-endpoints.html

    Args:
        secondary: The second region.

    Attributes:
        id: The endpoint's id, which each mail through it names.
    """

    def __init__(self, env: Environment, secondary: str, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("mailstack:endpoint:Endpoint", "endpoint", None, opts)
        made = aws.sesv2.MultiRegionEndpoint(
            "endpoint",
            endpoint_name=env.name("endpoint"),
            details={"routes_details": {"region": secondary}},
            tags=env.tags,
            # SES cannot change an endpoint in place. A new tag must not replace it. Delete first: names are unique.
            opts=ResourceOptions(parent=self, ignore_changes=["tags"], delete_before_replace=True),
        )
        self.id = made.endpoint_id
        self.register_outputs({"id": self.id})
