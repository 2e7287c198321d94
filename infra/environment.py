"""Where a stack is deployed, and how its resources are called there.

Names are explicit, so that policies and alarms can say them before anything exists, and carry the stack, so that
several environments share one account.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws as aws


@dataclass(frozen=True)
class Environment:
    """One account and region, seen from one stack.

    Attributes:
        partition: `aws`, `aws-us-gov` or `aws-cn`; the second part of every ARN.
        tags: On every resource that takes tags.
    """

    stack: str
    account_id: str
    region: str
    partition: str
    tags: Mapping[str, str]

    @classmethod
    def current(cls, stack: str, tags: Mapping[str, str]) -> "Environment":
        """Ask AWS where we are. Known at preview, too."""
        return cls(
            stack=stack,
            account_id=aws.get_caller_identity().account_id,
            region=aws.get_region().region,
            partition=aws.get_partition().partition,
            tags={"mailstack": stack, **tags},
        )

    def name(self, what: str) -> str:
        """The physical name of a resource."""
        return f"mailstack-{self.stack}-{what}"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"
