"""Where a stack is deployed, and how its resources are called there.

Names are explicit, so that policies and alarms can say them before anything exists, and carry the stack, so that
several environments share one account.
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
# Roles and users that exist keep the name that they have: applications may refer to it.
KEEP_NAME = pulumi.ResourceOptions(ignore_changes=["name"])
# As botocore's partitions have it; `amazonaws.com` everywhere else.
DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}


@dataclass(frozen=True)
class Environment:
    """One account and region, seen from one stack.

    Attributes:
        partition: `aws`, `aws-us-gov` or `aws-cn`; the second part of every ARN.
        tags: On every resource that takes tags.
        key: The ARN of the key that what is kept is encrypted with; AWS's own keys where there is none.
    """

    stack: str
    account_id: str
    region: str
    partition: str
    tags: Mapping[str, str]
    key: pulumi.Output[str] | None = None

    @classmethod
    def current(cls, stack: str, tags: Mapping[str, str], asked: pulumi.InvokeOptions | None = None) -> "Environment":
        """Ask AWS where we are. Known at preview, too.

        Args:
            stack: What names carry.
            tags: On every resource, beside the stack's own.
            asked: Options for the invokes; the default provider answers if None.
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
        """The physical name of something in IAM, which is one for all regions: it carries the region as well.

        A name that would be too long for a role ends in a digest of itself.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        """
        name = f"{self.name(what)}-{self.region}"
        return name if len(name) <= LONGEST_ROLE_NAME else _digested(name, LONGEST_ROLE_NAME)

    def channel_name(self, channel: str) -> str:
        """The physical name of a channel's configuration in AWS Chatbot."""
        name = self.name(channel.lower())
        return name if len(name) <= LONGEST_CHANNEL_NAME else _digested(name, LONGEST_CHANNEL_NAME)

    def lower_name(self, what: str) -> str:
        """The physical name of something that takes no capital letters; names that differ by those alone stay apart."""
        name = self.name(what)
        return name if name == name.lower() else _digested(name, LONGEST_POOL_NAME).lower()

    @property
    def dns_suffix(self) -> str:
        """What the names of AWS's endpoints end in."""
        return DNS_SUFFIXES.get(self.partition, "amazonaws.com")

    def via(self, *services: str) -> list[str]:
        """Services as the condition `kms:ViaService` names them: sqs, dynamodb, sns as in their endpoints.

        AWS's guide has `amazonaws.com` and speaks of no other partition, so that both names stand there:
        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
        """
        suffixes = dict.fromkeys(("amazonaws.com", self.dns_suffix))
        return [f"{service}.{self.region}.{suffix}" for suffix in suffixes for service in services]

    def with_key(self, written: Callable[[Sequence[Statement]], str], *services: str) -> pulumi.Input[str]:
        """A policy that needs the key; known at once where there is none.

        Args:
            written: Makes the policy, given the statements about the key.
            services: What its owner uses the key through; see `statements.use_key`.
        """
        if self.key is None:
            return written(())
        return self.key.apply(lambda key: written((statements.use_key(key, self.via(*services)),)))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


def _digested(name: str, longest: int) -> str:
    """A name that ends in a digest of itself, and is no longer than this."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: longest - len(digest) - 1]}-{digest}"
