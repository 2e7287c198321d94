"""Pools of dedicated IP addresses. Not for the streams that use them: `stream.py`."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import Environment
from mailstack_infra.settings.pool import Pool


class Pools(pulumi.ComponentResource):
    """The stack's own pools. You lease the addresses of a standard pool from AWS, by the month.

    Args:
        protect: Whether Pulumi refuses to delete them: the reputation of addresses takes weeks to build.

    Attributes:
        names: The name of each pool in SES, by its name in the settings.
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
