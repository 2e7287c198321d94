"""Checks AWS's size limits before anything is registered. Not for the outputs' parameter (`outputs.py`)."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mailstack_infra.dns import records as dns
from mailstack_infra.environment import Environment
from mailstack_infra.settings.identity import IdentitySettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid

# A managed policy, without white space. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_POLICY = 6144
# The part of the sender policy without configuration sets, templates and addresses.
_REST_OF_POLICY = 2300
# The two statements about the message log.
_MESSAGE_LOG_IN_POLICY = 560
# All variables of a function. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LONGEST_ENVIRONMENT = 4096
_REST_OF_ENVIRONMENT = 500
# RFC 1035 §2.3.4, without the length octets of the first and the root label.
LONGEST_DOMAIN = 253
# The tokens of Easy DKIM that SES has issued so far.
LONGEST_TOKEN = 32
# A role's inline policies. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_ROLE_POLICY = 10_240
# The part of the guard's policy without configuration sets.
_REST_OF_ROLE_POLICY = 1800
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MOST_WIDGETS = 500


@dataclass(frozen=True, kw_only=True)
class Named:
    """What the sender policy names besides configuration sets.

    Attributes:
        senders: The allowed From addresses.
        recipients: The allowed recipients.
        templates: The templates stored in SES, other than the stack's own.
        bulk: Whether it allows mail in bulk, which has a statement of its own.
        two_regions: Whether mail is sent through a multi-region endpoint.
        message_log: Whether the stack keeps a message log.
    """

    senders: Sequence[str]
    recipients: Sequence[str]
    templates: Sequence[str]
    bulk: bool
    two_regions: bool
    message_log: bool


def sendable_sets(env: Environment, named: Named, sets: Mapping[str, str]) -> list[str]:
    """The ARNs of the configuration sets for the sender policy: each by itself, or a pattern if the list is too long.

    The pattern matches every set that has the stack's own name, and also the sets of a stack whose name begins with
    this stack's name and a hyphen.

    Args:
        env: The stack's environment.
        named: What else the policy names.
        sets: The name of each stream's configuration set.

    Raises:
        SettingsInvalid: The policy would be too long with the pattern, too.
    """
    # For single mails and for mail in bulk; and in each region.
    times = (2 if named.bulk else 1) * (2 if named.two_regions else 1)
    template = len(env.arn("ses", "template/"))
    others = sum(len(address) + 3 for address in (*named.recipients, *named.senders))
    others += times * sum(template + len(name) + 3 for name in named.templates)
    room = LONGEST_POLICY - _REST_OF_POLICY - others - (_MESSAGE_LOG_IN_POLICY if named.message_log else 0)
    each = [env.arn("ses", f"configuration-set/{name}") for name in sets.values()]
    own = {env.name(name) for name in sets}
    pattern = env.arn("ses", f"configuration-set/{env.name('*')}")
    shorter = [pattern, *(arn for arn in each if arn.rpartition("/")[2] not in own)]
    for arns in (each, shorter):
        if times * sum(len(arn) + 3 for arn in arns) <= room:
            return arns
    raise SettingsInvalid(
        f"The sender policy would be longer than the {LONGEST_POLICY} characters that IAM allows. Name fewer of "
        f"{NAMESPACE}:allowedRecipients ({len(named.recipients)}), {NAMESPACE}:allowedSenders "
        f"({len(named.senders)}), {NAMESPACE}:access.templates ({len(named.templates)}) and "
        f"streams with a configurationSet of their own ({len(shorter) - 1})."
    )


def check_records(identity: IdentitySettings, region: str) -> None:
    """Check that DNS allows the names of the records.

    Raises:
        SettingsInvalid: A name is too long.
    """
    token = "x" * LONGEST_TOKEN
    names = {record.name for record in dns.records(identity, region, [token] if identity.domain else [])}
    names |= {f"{selector}._domainkey.{identity.domain}" for selector in identity.dkim.previous}
    longest = max(names, key=len, default="")
    if len(longest) > LONGEST_DOMAIN:
        raise SettingsInvalid(
            f"The name of a DNS record would be {longest.replace(token, 'TOKEN')}, {len(longest)} characters; DNS "
            f"allows {LONGEST_DOMAIN}. The domain has {len(identity.domain)}: choose a shorter one: pulumi config set "
            f"{NAMESPACE}:domain NAME"
        )


@dataclass(frozen=True, slots=True)
class _Size:
    """The size of something that AWS limits, and what reduces it."""

    what: str
    size: int
    most: int
    unit: str
    service: str
    remedy: str


def check(env: Environment, *, guarded: str, sets: Collection[str], dashboard: str, streams: int) -> None:
    """Check that the guard's environment and policy, and the dashboard, are not too long for AWS.

    Args:
        env: The stack's environment.
        guarded: The streams that the guard may pause, as its function reads them.
        sets: The configuration sets of these streams.
        dashboard: The dashboard's content.
        streams: How many streams there are.

    Raises:
        SettingsInvalid: One of them is too long.
    """
    policy = sum(len(env.arn("ses", f"configuration-set/{name}")) + 3 for name in sets)
    widgets = len(json.loads(dashboard)["widgets"])
    fewer = "Set guard: false for some, give them shorter names, or remove configurationSet"
    sizes = (
        _Size(
            "guard's environment",
            len(guarded) + _REST_OF_ENVIRONMENT,
            LONGEST_ENVIRONMENT,
            "characters",
            "Lambda",
            fewer,
        ),
        _Size("guard's policy", policy + _REST_OF_ROLE_POLICY, LONGEST_ROLE_POLICY, "characters", "IAM", fewer),
        _Size("dashboard", widgets, MOST_WIDGETS, "widgets", "CloudWatch", "Use fewer streams"),
    )
    for each in sizes:
        if each.size > each.most:
            raise SettingsInvalid(
                f"The {each.what} would have about {each.size} {each.unit}; {each.service} allows {each.most}. There "
                f"are {streams} streams, {len(sets)} of them with a guard. {each.remedy}."
            )
