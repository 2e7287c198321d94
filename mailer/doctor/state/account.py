"""The account: sandbox or production, enforcement, quota and rate with what is used of them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mailer.doctor.state.row import row
from mailer.sending.warm_up import ceiling, ends, length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site
    from mailer.doctor.state.row import Row
    from mailer.stack import WarmUp

PART = "account"
# Of the quota or the rate; the alarms of the stack warn at the same share.
_NEARLY = 0.8
_BUSY_MINUTES = 15


def account(site: "Site") -> "Iterator[Row]":
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html."""
    found, region = site.read("sesv2", "get_account"), site.outputs.region
    out = found["ProductionAccessEnabled"]
    sandbox = (
        "mail goes to verified recipients and to the mailbox simulator alone. Verify one: "
        f"aws sesv2 create-email-identity --email-identity RECIPIENT --region {region}. "
        f"Or ask AWS for production access: mailer production-access --stack {site.outputs.stack}"
    )
    yield row(PART, "access", "production" if out else "sandbox", "" if out else sandbox, production=out)
    sends, status = found["SendingEnabled"], found.get("EnforcementStatus", "HEALTHY")
    well = sends and status == "HEALTHY"
    state = "enabled" if sends else "disabled"
    then = "" if well else "docs/guides/monitoring.md, 'Enforcement, sending disabled'"
    yield row(PART, "sending", f"{state}, {status}", then, enabled=sends, enforcement=status)
    quota = found["SendQuota"]
    if site.outputs.warm_up:
        yield warm_up_row(site.outputs.warm_up, quota["SentLast24Hours"], datetime.now(UTC))
    sent, most = quota["SentLast24Hours"], quota["Max24HourSend"]
    if most < 0:  # https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendQuota.html: -1 is unlimited
        yield row(PART, "quota", f"{sent:,.0f} recipients in 24 hours, unlimited", sent=sent, most=None)
        return
    then = "send less, or ask for more: Service Quotas in the AWS console, 'Sending quota'"
    yield row(
        PART,
        "quota",
        f"{sent:,.0f} of {most:,.0f} recipients in 24 hours ({sent / most:.0%})" if most else "0",
        then if sent >= most * _NEARLY else "",
        sent=sent,
        most=most,
    )


def warm_up_row(plan: "WarmUp", sent: float, now: datetime) -> "Row":
    """Where the warm-up of the domain is. It counts as the quota does: all recipients of the account."""
    today = now.date()
    most, number = ceiling(plan, today), (today - plan.starts).days + 1
    if most is None:
        return row(PART, "warm-up", f"ended on {ends(plan)}", ceiling=None)
    after = ceiling(plan, today + timedelta(days=1))
    day = f"day {number} of {length(plan)}" if number > 0 else f"starts on {plan.starts}"
    state = f"{day}: {sent:,.0f} of {most:,} recipients in 24 hours; tomorrow {f'{after:,}' if after else 'no ceiling'}"
    then = "mail of a mailer with this plan waits until tomorrow; mailstack:warmUp changes the plan"
    return row(PART, "warm-up", state, then if sent >= most else "", day=number, sent=sent, ceiling=most)


def rate(site: "Site") -> "Iterator[Row]":
    """The busiest of the last minutes, by the account's metric `Send`.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html
    """
    most = site.read("sesv2", "get_account")["SendQuota"]["MaxSendRate"]
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    points = site.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SES",
        MetricName="Send",
        StartTime=now - timedelta(minutes=_BUSY_MINUTES),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    used = max((point["Sum"] for point in points), default=0.0) / 60
    state = f"{used:,.2g} of {most:,g} a second, in the busiest of the last {_BUSY_MINUTES} minutes"
    then = "send more slowly, or ask for more: Service Quotas in the AWS console, 'Sending rate'"
    yield row(PART, "rate", state, then if used >= most * _NEARLY else "", used=used, most=most)
