"""Pools of dedicated IP addresses. Not for which stream sends from one: `stream.py`."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment
from mailstack_infra.settings.pool import Pool


class Pools(pulumi.ComponentResource):
    """The stack's own pools. What is leased for a standard one, and paid by the month, AWS hands out on request.

    Args:
        protect: Whether a deployment may delete them: the reputation of addresses takes weeks to earn.

    Attributes:
        names: What SES calls each pool, by its name in the settings.
    """

    def __init__(
        self,
        env: Environment,
        pools: Mapping[str, Pool],
        *,
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:pools:Pools", "pools", None, opts)
        self.names = {
            name: aws.sesv2.DedicatedIpPool(
                name,
                pool_name=env.lower_name(name),
                scaling_mode=pool.scaling,
                tags=env.tags,
                opts=ResourceOptions(parent=self, protect=protect or None),
            ).pool_name
            for name, pool in pools.items()
        }
        self.register_outputs({})
