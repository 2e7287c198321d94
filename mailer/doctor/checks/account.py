"""The account as SES has it: enforcement, sandbox, quota, rates, recommendations."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mailer.doctor.check import Check, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

_PAGE = "docs/guides/monitoring.md"
_QUOTA_WARNING = 0.8
# AWS's limits: review at the first, a pause at the second.
# https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html
_RATES = {"BounceRate": (0.05, 0.10), "ComplaintRate": (0.001, 0.005)}
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
_ENFORCEMENT = {
    "PROBATION": "AWS has put the account under review.",
    "SHUTDOWN": "AWS has suspended sending of the account.",
}


def _enforcement(site: "Site") -> "Iterator[Problem]":
    account = site.read("sesv2", "get_account")
    status = account.get("EnforcementStatus", "HEALTHY")
    if status in _ENFORCEMENT:
        yield Problem(
            _ENFORCEMENT[status],
            "read AWS's mail to the account's address, remove the cause, then answer the case in the Support Center",
            warning=status == "PROBATION",
        )
    elif not account["SendingEnabled"]:
        yield Problem(
            "Sending is disabled for the whole account.",
            "find out who disabled it, and why; then: aws sesv2 put-account-sending-attributes --sending-enabled "
            f"--region {site.outputs.region}",
        )


def _sandbox(site: "Site") -> "Iterator[Problem]":
    if not site.read("sesv2", "get_account")["ProductionAccessEnabled"]:
        yield Problem(
            "The account is in the SES sandbox: mail goes to verified recipients and to the mailbox simulator alone.",
            f"ask AWS for production access: mailer production-access --stack {site.outputs.stack}; until then verify "
            "recipients: "
            f"aws sesv2 create-email-identity --email-identity RECIPIENT --region {site.outputs.region}",
            warning=True,
        )


def _quota(site: "Site") -> "Iterator[Problem]":
    quota = site.read("sesv2", "get_account")["SendQuota"]
    sent, most = quota["SentLast24Hours"], quota["Max24HourSend"]
    if most > 0 and sent >= most * _QUOTA_WARNING:
        yield Problem(
            f"{sent:,.0f} of {most:,.0f} recipients of the last 24 hours are used.",
            "send less, or ask for more: Service Quotas in the AWS console, 'Sending quota'",
            warning=sent < most,
        )


def _reputation(site: "Site") -> "Iterator[Problem]":
    """https://docs.aws.amazon.com/ses/latest/dg/monitor-sender-reputation.html."""
    for metric, (review, pause) in _RATES.items():
        rate = _latest(site, f"Reputation.{metric}")
        if rate is not None and rate >= review:
            words = "bounce" if metric == "BounceRate" else "complaint"
            yield Problem(
                f"The account's {words} rate is {rate:.2%}. AWS reviews accounts at {review:.1%} and may pause them at "
                f"{pause:.1%}.",
                "find the stream and the template that cause it: docs/guides/monitoring.md#bounce-or-complaint-rate",
                warning=rate < pause,
            )


def _latest(site: "Site", metric: str) -> float | None:
    """The newest value of the last day; None if SES published none."""
    now = datetime.now(UTC).replace(microsecond=0)
    points = site.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SES",
        MetricName=metric,
        StartTime=now - timedelta(days=1),
        EndTime=now,
        Period=3600,
        Statistics=["Average"],
    )["Datapoints"]
    return max(points, key=lambda point: point["Timestamp"])["Average"] if points else None


def _recommendations(site: "Site") -> "Iterator[Problem]":
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListRecommendations.html."""
    for one in site.read("sesv2", "list_recommendations", Filter={"STATUS": "OPEN"})["Recommendations"]:
        is_ours = one.get("ResourceArn", "").rpartition("/")[2] in {"", site.outputs.identity}
        if is_ours and one["Type"] not in _CHECKED_HERE:
            yield Problem(
                f"SES recommends ({one['Type']}): {one.get('Description', 'no description')}",
                "follow it; SES closes a recommendation some hours after its cause is gone",
                warning=True,
            )


# Recommendations about what other checks look at themselves.
_CHECKED_HERE = frozenset({"DKIM", "SPF", "DMARC", "BOUNCE", "COMPLAINT"})


CHECKS = (
    Check("enforcement", "AWS stops accounts that send unwanted mail.", f"{_PAGE}#runbook", _enforcement),
    Check(
        "sandbox", "A new SES account can write to verified addresses only.", "docs/tutorial/first-mail.md", _sandbox
    ),
    Check("quota", "Above the daily quota SES refuses every mail.", "docs/guides/sending.md", _quota),
    Check("reputation", "AWS pauses accounts whose mail bounces or is complained about.", _PAGE, _reputation),
    Check("recommendations", "SES looks at the identity's set-up, too.", "docs/guides/dns.md", _recommendations),
)
