"""SMTP: the server of the stack's SMTP user, or one that the caller names; Microsoft 365 with its own remedies."""

from typing import TYPE_CHECKING

from mailer.doctor.check import Check, Problem
from mailer.doctor.checks.receiving import values
from mailer.doctor.explain.find import explain
from mailer.doctor.inconclusive import NotApplicable
from mailer.doctor.smtp import LoginRefused, NotReached, account_of, log_in, reach
from mailer.doctor.smtp_account import Account
from mailer.redaction import mask_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

_SMTP, _MICROSOFT = "docs/guides/smtp.md", "docs/guides/microsoft365.md"
_CONNECT = "Connect-ExchangeOnline; "
# By words of the reply. https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission
_POWERSHELL = (
    (
        "disabled for the tenant",
        'Set-CASMailbox -Identity "{mailbox}" -SmtpClientAuthenticationDisabled $false',
    ),
    (
        "disabled for the mailbox",
        'Set-CASMailbox -Identity "{mailbox}" -SmtpClientAuthenticationDisabled $false',
    ),
    (
        "basic authentication is disabled",
        'Get-User -Identity "{mailbox}" | Format-List AuthenticationPolicy; or use OAuth: mailer microsoft365 setup',
    ),
    (
        "",
        'Get-CASMailbox -Identity "{mailbox}" | Format-List SmtpClientAuthenticationDisabled; then check the password',
    ),
)
_SPF, _SELECTORS = "include:spf.protection.outlook.com", ("selector1", "selector2")
# What a name in PowerShell's double quotes may hold without being read as code.
_QUOTABLE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.+-_")


def _reached(site: "Site") -> Account:
    """The account, once its server was reached.

    Raises:
        NotReached: It cannot be reached.
        NotApplicable: There is no SMTP server to look at.
    """
    account = account_of(site)
    site.once(("smtp", account.host, account.port), lambda: reach(account))
    return account


def _connection(site: "Site") -> "Iterator[Problem]":
    account = account_of(site)
    try:
        _reached(site)
    except NotReached as why:
        yield Problem(
            f"{account.host}:{account.port} cannot be used: {why}.",
            "allow outgoing TCP to the port, and check host, port and certificate; EC2 and others block port 25",
        )


def _with_login(site: "Site") -> Account:
    try:
        account = _reached(site)
    except NotReached:
        raise NotApplicable("the server cannot be used: see the check 'smtp-connection'") from None
    if not account.username:
        raise NotApplicable("no user was named: --smtp-user, and the password in MAILER_SMTP_PASSWORD")
    return account


def _login(site: "Site") -> "Iterator[Problem]":
    account = _with_login(site)
    if account.is_microsoft:
        raise NotApplicable("the check 'microsoft365' logs in")
    try:
        log_in(account)
    except LoginRefused as reply:
        known = explain(str(reply))
        remedy = f"{known[0].cause} {known[0].remedy}" if known else "check user name and password"
        yield Problem(f"{account.host} refuses the login: {mask_all(str(reply))}.", remedy)


def _microsoft(site: "Site") -> "Iterator[Problem]":
    account = _with_login(site)
    if not account.is_microsoft:
        raise NotApplicable("the server is not Microsoft's")
    try:
        log_in(account)
    except LoginRefused as reply:
        said = str(reply).lower()
        command = next(command for words, command in _POWERSHELL if words in said)
        remedy = f"{_CONNECT}{command.format(mailbox=_quotable(account.username))}"
        yield Problem(f"Microsoft 365 refuses the login: {mask_all(str(reply))}.", remedy)
        return
    domain = account.username.rpartition("@")[2].lower()
    if domain.isascii() and domain:
        yield from _records(site, domain)


def _records(site: "Site", domain: str) -> "Iterator[Problem]":
    """What makes mail of the mailbox pass DMARC: SPF, or DKIM by Microsoft's selectors.

    https://learn.microsoft.com/defender-office-365/email-authentication-dkim-configure
    """
    spf = [value for value in values(site, domain, "TXT") if value.lower().startswith("v=spf1")]
    if not any(_SPF in value.lower() for value in spf):
        remedy = f'add {_SPF} to the SPF record of the domain: TXT {domain} "v=spf1 {_SPF} -all"'
        yield Problem(f"The SPF record of {domain} does not name Microsoft 365.", remedy, warning=True)
    missing = [one for one in _SELECTORS if not values(site, f"{one}._domainkey.{domain}", "CNAME")]
    if missing:
        name = _quotable(domain)
        yield Problem(
            f"CNAME {missing[0]}._domainkey.{domain} is missing: Microsoft 365 signs with a domain of its own.",
            f'{_CONNECT}Get-DkimSigningConfig -Identity "{name}" | Format-List Selector1CNAME,Selector2CNAME; publish '
            f'both; Set-DkimSigningConfig -Identity "{name}" -Enabled $true',
            warning=True,
        )


def _quotable(name: str) -> str:
    """A name as PowerShell takes it in double quotes; a placeholder if it cannot be quoted."""
    return name if _QUOTABLE.issuperset(name) else "MAILBOX"


CHECKS = (
    Check("smtp-connection", "Port, STARTTLS and certificate come before any login.", _SMTP, _connection, needs=""),
    Check("smtp-login", "A password that the server refuses sends nothing.", _SMTP, _login, needs=""),
    Check(
        "microsoft365", "Exchange refuses SMTP unless tenant and mailbox allow it.", _MICROSOFT, _microsoft, needs=""
    ),
)
