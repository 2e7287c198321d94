"""The account and region of a stack, and the names of its resources there.

Names are explicit, so that policies and alarms can contain them before anything exists. They contain the stack's name,
so that several environments can share one account.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from mailstack_infra.iam import statements
from mailstack_infra.iam.statements import Statement

LONGEST_ROLE_NAME = 64
LONGEST_POOL_NAME = 64
# https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html
LONGEST_CHANNEL_NAME = 128
# Existing roles and users keep their names: applications may refer to them.
KEEP_NAME = pulumi.ResourceOptions(ignore_changes=["name"])
# As in botocore's partitions; `amazonaws.com` in all others.
DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}


@dataclass(frozen=True)
class Environment:
    """One stack in one account and region.

    Attributes:
        partition: The second part of every ARN, such as `aws` or `aws-us-gov`.
        tags: The tags of every resource.
        key: The ARN of the customer key; None for AWS's own keys.
    """

    stack: str
    account_id: str
    region: str
    partition: str
    tags: Mapping[str, str]
    key: pulumi.Output[str] | None = None

    @classmethod
    def current(cls, stack: str, tags: Mapping[str, str], asked: pulumi.InvokeOptions | None = None) -> "Environment":
        """Read account, region and partition from AWS. They are also known in a preview.

        Args:
            stack: The stack's name in resource names.
            tags: The tags of every resource, in addition to the stack's own.
            asked: Options for the invokes; None for the default provider.
        """
        return cls(
            stack=stack,
            account_id=aws.get_caller_identity(opts=asked).account_id,
            region=aws.get_region(opts=asked).region,
            partition=aws.get_partition(opts=asked).partition,
            tags={**tags, "mailstack": stack},
        )

    def name(self, what: str) -> str:
        """The physical name of a resource."""
        return f"mailstack-{self.stack}-{what}"

    def iam_name(self, what: str) -> str:
        """The physical name of a resource of IAM, which is global: it also contains the region.

        A name that is too long for a role ends in a digest of itself.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        """
        name = f"{self.name(what)}-{self.region}"
        return name if len(name) <= LONGEST_ROLE_NAME else _digested(name, LONGEST_ROLE_NAME)

    def channel_name(self, channel: str) -> str:
        """The physical name of a channel's configuration in AWS Chatbot."""
        name = self.name(channel.lower())
        return name if len(name) <= LONGEST_CHANNEL_NAME else _digested(name, LONGEST_CHANNEL_NAME)

    def lower_name(self, what: str) -> str:
        """The physical name of a resource without capital letters; names that differ only by case stay different."""
        name = self.name(what)
        return name if name == name.lower() else _digested(name, LONGEST_POOL_NAME).lower()

    @property
    def dns_suffix(self) -> str:
        """The DNS suffix of AWS's endpoints."""
        return DNS_SUFFIXES.get(self.partition, "amazonaws.com")

    def via(self, *services: str) -> list[str]:
        """Names of services for the condition `kms:ViaService`, from their endpoint names such as sqs.

        AWS documents `amazonaws.com` and no other partition, so the list has both suffixes:
        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
        """
        suffixes = dict.fromkeys(("amazonaws.com", self.dns_suffix))
        return [f"{service}.{self.region}.{suffix}" for suffix in suffixes for service in services]

    def with_key(self, written: Callable[[Sequence[Statement]], str], *services: str) -> pulumi.Input[str]:
        """A policy that also grants the use of the key, if there is one.

        Args:
            written: Returns the policy, given the statements about the key.
            services: The services through which the role uses the key; see `statements.use_key`.
        """
        if self.key is None:
            return written(())
        return self.key.apply(lambda key: written((statements.use_key(key, self.via(*services)),)))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


def _digested(name: str, longest: int) -> str:
    """The name shortened to a length, ending in a digest of itself."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: longest - len(digest) - 1]}-{digest}"
