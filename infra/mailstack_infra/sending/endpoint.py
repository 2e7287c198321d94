"""The multi-region endpoint: SES takes mail in two regions and leaves out one that fails.

Not for the second region's own stack, which sending there needs: see docs/guides/multi-region-endpoint.md.
"""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment


class Endpoint(pulumi.ComponentResource):
    """An endpoint over this stack's region and another one.

    https://docs.aws.amazon.com/ses/latest/dg/global-endpoints.html

    Args:
        secondary: The other region.

    Attributes:
        id: What mail that goes through it names.
    """

    def __init__(self, env: Environment, secondary: str, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("mailstack:endpoint:Endpoint", "endpoint", None, opts)
        made = aws.sesv2.MultiRegionEndpoint(
            "endpoint",
            endpoint_name=env.name("endpoint"),
            details={"routes_details": {"region": secondary}},
            tags=env.tags,
            # Nothing of it changes in place. A new tag is no reason for a new id; the name is taken until it is gone.
            opts=ResourceOptions(parent=self, ignore_changes=["tags"], delete_before_replace=True),
        )
        self.id = made.endpoint_id
        self.register_outputs({"id": self.id})
