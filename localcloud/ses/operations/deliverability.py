"""What SES knows of an address, and the deliverability dashboard as an account without it sees it."""

from localcloud.ses import rules, simulator
from localcloud.ses.context import Context, Handler, Output, Parameters
from localcloud.ses.errors import not_emulated, not_found
from localcloud.ses.events import HARD_BOUNCES

# https://www.rfc-editor.org/rfc/rfc2142, and what else is nobody in person.
_ROLES = frozenset(
    {
        *("abuse", "hostmaster", "info", "marketing", "noc", "postmaster", "sales", "security", "support", "webmaster"),
        *("admin", "contact", "hello", "help", "no-reply", "noreply", "root"),
    }
)
_DISPOSABLE = frozenset({"guerrillamail.com", "mailinator.com", "yopmail.com"})
# Domains of these never receive mail (RFC 2606, RFC 6761).
_NOWHERE = (".invalid", ".localhost")


def address_insights(context: Context, p: Parameters) -> Output:
    """GetEmailAddressInsights: by the address itself, and by how such a recipient behaves here."""
    address = str(p["EmailAddress"])
    syntax = not rules.address_problem(address)
    local, _, domain = address.lower().rpartition("@")
    dns = syntax and not domain.endswith(_NOWHERE)
    outcome = simulator.outcome(address, context.state.outcomes) if syntax else ()
    exists = dns and not any(kind == "Bounce" and detail in HARD_BOUNCES for kind, detail in outcome)
    evaluations = {
        "HasValidSyntax": syntax,
        "HasValidDnsRecords": dns,
        "MailboxExists": exists,
        "IsRoleAddress": local.partition("+")[0] in _ROLES,
        "IsDisposable": domain in _DISPOSABLE,
        "IsRandomInput": False,
    }
    verdicts = {name: _verdict(holds=holds) for name, holds in evaluations.items()}
    return {"MailboxValidation": {"IsValid": _verdict(holds=exists), "Evaluations": verdicts}}


def dashboard(_: Context, __: Parameters) -> Output:
    """GetDeliverabilityDashboardOptions: nobody has subscribed to it."""
    return {"DashboardEnabled": False, "AccountStatus": "DISABLED"}


def put_dashboard(_: Context, p: Parameters) -> Output:
    """PutDeliverabilityDashboardOption: it stays off."""
    if p["DashboardEnabled"]:
        raise not_emulated("The deliverability dashboard")
    return {}


def blacklists(_: Context, p: Parameters) -> Output:
    """GetBlacklistReports: of one's own dedicated addresses, of which there are none."""
    raise not_found("Dedicated IP", ", ".join(p["BlacklistItemNames"]))


def _verdict(*, holds: bool) -> dict[str, str]:
    """How sure it is that something holds."""
    return {"ConfidenceVerdict": "HIGH" if holds else "LOW"}


HANDLERS: dict[str, Handler] = {
    "GetEmailAddressInsights": address_insights,
    "GetDeliverabilityDashboardOptions": dashboard,
    "PutDeliverabilityDashboardOption": put_dashboard,
    "GetBlacklistReports": blacklists,
}
