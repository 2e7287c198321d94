"""Email validation: SES's verdict on an address by its form, and by the recipient's outcome here. Pure."""

from collections.abc import Mapping

from mailstack_localcloud.ses import rules, simulator

# https://www.rfc-editor.org/rfc/rfc2142, and other role addresses.
_ROLES = frozenset(
    {
        *("abuse", "hostmaster", "info", "marketing", "noc", "postmaster", "sales", "security", "support", "webmaster"),
        *("admin", "contact", "hello", "help", "no-reply", "noreply", "root"),
    }
)
_DISPOSABLE = frozenset({"guerrillamail.com", "mailinator.com", "yopmail.com"})


def evaluations(address: str, patterns: Mapping[str, str]) -> dict[str, bool]:
    """Whether each of the API's checks holds; `patterns` are the recipients' behaviour as the control plane has it."""
    syntax = not rules.address_problem(address)
    local, _, domain = address.lower().rpartition("@")
    return {
        "HasValidSyntax": syntax,
        "HasValidDnsRecords": syntax and not simulator.leads_nowhere(address),
        "MailboxExists": syntax and simulator.seems_valid(address, patterns),
        "IsRoleAddress": local.partition("+")[0] in _ROLES,
        "IsDisposable": domain in _DISPOSABLE,
        "IsRandomInput": False,
    }
