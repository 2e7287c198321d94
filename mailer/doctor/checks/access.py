"""Who asks, from where, and about which stack: credentials, clock, outputs, environment."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from mailer.doctor.check import Check, Problem
from mailer.doctor.inconclusive import NotApplicable
from mailer.stack import VARIABLE, parameter_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

# Seconds. AWS refuses signatures that are more than five minutes off:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
MAX_SKEW, SKEW_WARNING = 300, 60
# What other ways to send mail are configured with. The value is never shown.
_SECRETS = ("SENDGRID_API_KEY", "MAILGUN_API_KEY", "POSTMARK_SERVER_TOKEN", "POSTMARK_API_TOKEN", "MAILCHIMP_API_KEY")
_SMTP_PASSWORDS = ("EMAIL_HOST_PASSWORD", "SMTP_PASSWORD", "MAIL_PASSWORD", "SMTP_PASS", "AWS_SES_SECRET_ACCESS_KEY")


def _credentials(site: "Site") -> "Iterator[Problem]":
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        caller = site.read("sts", "get_caller_identity")
    except (BotoCoreError, ClientError) as error:
        yield Problem(f"AWS credentials do not work: {error}", "set AWS_PROFILE, or run `aws sso login`")
        return
    if caller["Account"] != site.outputs.account_id:
        yield Problem(
            f"{caller['Arn']} belongs to the account {caller['Account']}; the stack is in {site.outputs.account_id}.",
            "set AWS_PROFILE to a profile of the stack's account",
        )


def _clock(site: "Site") -> "Iterator[Problem]":
    answer = site.read("sts", "get_caller_identity")["ResponseMetadata"]
    said = answer.get("HTTPHeaders", {}).get("date", "")
    if not said:
        raise NotApplicable("the answer of AWS has no Date header")
    skew = abs((datetime.now(UTC) - parsedate_to_datetime(said)).total_seconds())
    if skew >= SKEW_WARNING:
        yield Problem(
            f"This machine's clock is {skew:.0f} s off; AWS refuses requests at {MAX_SKEW} s.",
            "turn on time synchronisation: timedatectl set-ntp true",
            warning=skew < MAX_SKEW,
        )


def _outputs(site: "Site") -> "Iterator[Problem]":
    """The outputs in use are those that the last deployment wrote."""
    name = parameter_name(site.outputs.stack)
    stored = site.owned("outputs", f"The parameter {name}", "ssm", "get_parameter", Name=name)["Parameter"]["Value"]
    used, there = json.loads(site.outputs.to_json()), json.loads(stored)
    differing = sorted(key for key in used.keys() | there.keys() if used.get(key) != there.get(key))
    if differing:
        yield Problem(
            f"The outputs in use differ from those of the last deployment in: {', '.join(differing)}.",
            f"pulumi stack output outputs --json --stack {site.outputs.stack} > outputs.json, then "
            f"{VARIABLE}=outputs.json; or unset {VARIABLE}",
        )


def _environment(site: "Site") -> "Iterator[Problem]":
    """Settings and secrets of other ways to send, which an attacker could use, or a program by mistake."""
    for name in (*_SECRETS, *_SMTP_PASSWORDS):
        if site.environ.get(name):
            yield Problem(
                f"The environment has {name}, a secret of another way to send mail.",
                f"remove {name} when nothing needs it any more, and revoke the secret",
                warning=True,
            )
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    if site.environ.get("AWS_ACCESS_KEY_ID", "").startswith("AKIA"):
        yield Problem(
            "The environment has a long-term AWS access key.",
            "use a role: docs/guides/access.md, 'Application roles'",
            warning=True,
        )


CHECKS = (
    Check(
        "credentials",
        "Every request to AWS needs an identity.",
        "docs/guides/access.md#application-roles",
        _credentials,
    ),
    Check("clock", "AWS refuses requests of a machine whose clock is wrong.", "docs/reference/errors.md", _clock),
    Check(
        "outputs",
        "An application with old outputs sends through resources that may be gone.",
        "docs/reference/stack-outputs.md",
        _outputs,
    ),
    Check(
        "environment",
        "Left-over secrets are found by attackers, and used by mistake.",
        "docs/guides/access.md",
        _environment,
        needs="",
    ),
)
