"""Insights about an address, and the deliverability dashboard for an account without a subscription."""

from mailstack_localcloud.ses.addresses import evaluations
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.errors import not_emulated


def address_insights(context: Context, p: Parameters) -> Output:
    """GetEmailAddressInsights."""
    holding = evaluations(str(p["EmailAddress"]), context.state.outcomes)
    verdicts = {name: _verdict(holds=holds) for name, holds in holding.items()}
    return {"MailboxValidation": {"IsValid": verdicts["MailboxExists"], "Evaluations": verdicts}}


def dashboard(_: Context, __: Parameters) -> Output:
    """GetDeliverabilityDashboardOptions: there is no subscription."""
    return {"DashboardEnabled": False, "AccountStatus": "DISABLED"}


def put_dashboard(_: Context, p: Parameters) -> Output:
    """PutDeliverabilityDashboardOption: it stays off."""
    if p["DashboardEnabled"]:
        raise not_emulated("The deliverability dashboard")
    return {}


def blacklists(_: Context, __: Parameters) -> Output:
    """GetBlacklistReports: none, since the account has no dedicated addresses."""
    return {"BlacklistReport": {}}


def _verdict(*, holds: bool) -> dict[str, str]:
    """How sure it is that something holds."""
    return {"ConfidenceVerdict": "HIGH" if holds else "LOW"}


HANDLERS: dict[str, Handler] = {
    "GetEmailAddressInsights": address_insights,
    "GetDeliverabilityDashboardOptions": dashboard,
    "PutDeliverabilityDashboardOption": put_dashboard,
    "GetBlacklistReports": blacklists,
}
