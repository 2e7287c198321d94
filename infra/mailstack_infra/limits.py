"""Checks AWS's length limits before anything is registered. Not for the outputs' parameter (`outputs.py`)."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mailstack_infra.dns import records as dns
from mailstack_infra.environment import Environment
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings

# A managed policy, blanks not counted. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_POLICY = 6144
# What the sender policy says besides configuration sets, templates and recipients.
_REST_OF_POLICY = 2300
# The two statements about the message log.
_MESSAGE_LOG_IN_POLICY = 560
# All variables of a function together. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LONGEST_ENVIRONMENT = 4096
_REST_OF_ENVIRONMENT = 500
# RFC 1035 §2.3.4, less the length of the root's label and of the first one.
LONGEST_DOMAIN = 253
# Easy DKIM's, as SES has given them so far.
LONGEST_TOKEN = 32
# A role's inline policies. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_ROLE_POLICY = 10_240
# What the guard's says besides configuration sets.
_REST_OF_ROLE_POLICY = 1800
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MOST_WIDGETS = 500


def sendable_sets(env: Environment, settings: Settings, sets: Mapping[str, str]) -> list[str]:
    """The ARNs of the configuration sets for the sender policy: each by itself, or where that is too long, a pattern.

    The pattern holds for every set of the stack's own names, and for those of a stack whose name continues this one's.

    Args:
        env: Where they are.
        settings: What else the policy names.
        sets: What SES calls the set of each stream.

    Raises:
        SettingsInvalid: The policy would be too long with the pattern, too.
    """
    # For single mails and for mail in bulk; and in each region.
    times = (2 if settings.access.bulk else 1) * (2 if settings.secondary_region else 1)
    template = len(env.arn("ses", "template/"))
    named = sum(len(address) + 3 for address in (*settings.allowed_recipients, *settings.senders))
    named += times * sum(template + len(name) + 3 for name in settings.access.templates)
    room = LONGEST_POLICY - _REST_OF_POLICY - named - (_MESSAGE_LOG_IN_POLICY if settings.message_log.days else 0)
    each = [env.arn("ses", f"configuration-set/{name}") for name in sets.values()]
    own = {env.name(name) for name in sets}
    pattern = env.arn("ses", f"configuration-set/{env.name('*')}")
    shorter = [pattern, *(arn for arn in each if arn.rpartition("/")[2] not in own)]
    for arns in (each, shorter):
        if times * sum(len(arn) + 3 for arn in arns) <= room:
            return arns
    raise SettingsInvalid(
        f"The sender policy would be longer than the {LONGEST_POLICY} characters that IAM takes. Name fewer of "
        f"{NAMESPACE}:allowedRecipients ({len(settings.allowed_recipients)}), {NAMESPACE}:allowedSenders "
        f"({len(settings.allowed_senders)}), {NAMESPACE}:access.templates ({len(settings.access.templates)}) and "
        f"streams with a configurationSet of their own ({len(shorter) - 1})."
    )


def check_records(settings: Settings, region: str) -> None:
    """See that DNS can hold the names of the records.

    Raises:
        SettingsInvalid: It cannot.
    """
    token = "x" * LONGEST_TOKEN
    names = {record.name for record in dns.records(settings, region, [token] if settings.domain else [])}
    names |= {f"{selector}._domainkey.{settings.domain}" for selector in settings.dkim.previous}
    longest = max(names, key=len, default="")
    if len(longest) > LONGEST_DOMAIN:
        raise SettingsInvalid(
            f"A record would be called {longest.replace(token, 'TOKEN')}, {len(longest)} characters, and DNS takes "
            f"{LONGEST_DOMAIN}. Choose a shorter domain than this one of {len(settings.domain)} characters: pulumi "
            f"config set {NAMESPACE}:domain NAME"
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
