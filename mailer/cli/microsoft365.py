"""`mailer microsoft365 setup`: prints the PowerShell that lets an application send from a mailbox. Changes nothing."""

import re
from typing import TYPE_CHECKING

from mailer.address import Address
from mailer.cli.output import line
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = "print the PowerShell that lets an application send through Microsoft 365"
EXAMPLES = """\
examples:
  mailer microsoft365 setup --mailbox shop@example.com --client-id 00000000-0000-0000-0000-000000000001 \\
      --object-id 00000000-0000-0000-0000-000000000002
  mailer microsoft365 setup --mailbox shop@example.com --client-id ... --object-id ... --permission
"""
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_START = """\
# Where local PowerShell fails, use Azure Cloud Shell: https://shell.azure.com
Install-Module ExchangeOnlineManagement -Scope CurrentUser
Connect-ExchangeOnline

# The object id is that of the enterprise application, not of the app registration.
New-ServicePrincipal -AppId {client_id} -ObjectId {object_id} -DisplayName "Mail of {mailbox}"
"""
# https://learn.microsoft.com/exchange/permissions-exo/application-rbac
_ROLE = """
# The application may send as this mailbox alone. Grant no Entra permission of that name: it would hold for all of them.
New-ManagementScope -Name "{scope}" -RecipientRestrictionFilter "PrimarySmtpAddress -eq '{mailbox}'"
New-ManagementRoleAssignment -Role "Application SMTP.SendAsApp" -App {client_id} -CustomResourceScope "{scope}"
"""
# https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
_PERMISSION = """
# The older way: the Entra application permission SMTP.SendAsApp (Office 365 Exchange Online) with admin consent, and
Add-MailboxPermission -Identity "{mailbox}" -User {object_id} -AccessRights FullAccess
"""
_END = """
# SMTP AUTH is needed for OAuth, too: for the mailbox, even where the tenant has it disabled.
Set-CASMailbox -Identity "{mailbox}" -SmtpClientAuthenticationDisabled $false
Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled
# Only if every mailbox needs it: Set-TransportConfig -SmtpClientAuthenticationDisabled $false

# Disable the protocols that the mailbox does not need.
Set-CASMailbox -Identity "{mailbox}" -PopEnabled $false -ImapEnabled $false -MAPIEnabled $false `
    -ActiveSyncEnabled $false -EwsEnabled $false -OWAEnabled $false
"""
_PROOF = """
# Proof; a change can take two hours.
Test-ServicePrincipalAuthorization -Identity {object_id} -Resource "{mailbox}"
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("action", choices=["setup"], help="what to do")
    command.add_argument("--mailbox", required=True, help="the address of the mailbox that sends")
    command.add_argument("--client-id", required=True, metavar="ID", help="the application's (client) id")
    command.add_argument("--object-id", required=True, metavar="ID", help="the enterprise application's object id")
    command.add_argument("--permission", action="store_true", help="the older way, by an Entra permission")


def run(given: "Namespace") -> int:
    """Print the script."""
    for option, value in (("--client-id", given.client_id), ("--object-id", given.object_id)):
        if not _ID.match(value):
            raise ConfigurationError(
                f"{option} {value[:80]!r} is not an id.", hint="Copy it from the Entra admin center."
            )
    mailbox = Address.parse(given.mailbox).email
    if any(sign in mailbox for sign in "'\"`$"):  # which PowerShell would read
        raise ConfigurationError(f"--mailbox {given.mailbox[:80]!r} cannot be quoted.", hint="Rename the mailbox.")
    parts = (_START, _PERMISSION, _END) if given.permission else (_START, _ROLE, _END, _PROOF)
    names = {"mailbox": mailbox, "client_id": given.client_id, "object_id": given.object_id, "scope": f"Mail {mailbox}"}
    line("".join(parts).format(**names).rstrip())
    return 0
