"""`mailer identities`: the domains and addresses that the account has verified, or has not yet."""

from typing import TYPE_CHECKING

from mailer.cli.output import as_json, line, table
from mailer.cli.stack import add_stack_option, client, outputs_of
from mailer.cli.streams import translated
from mailer.errors import CommandFailed

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import IdentityInfoTypeDef

HELP = "list the domains and addresses of the SES account, and whether they are verified"
EXAMPLES = """\
examples:
  mailer identities --stack prod
  mailer identities --stack prod --address
  mailer identities --stack prod --json

In the sandbox, mail goes to verified addresses and domains alone. The list is that of the account in the stack's
region: other stacks' identities are in it, too. The role needs ses:ListEmailIdentities.

exit status: 0 listed, 2 wrong usage, or AWS refused
"""
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListEmailIdentities.html
_PAGE_SIZE = 1000
_ADDRESS = "EMAIL_ADDRESS"
# An account has 10,000 identities: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
_PAGES = 100


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stack_option(command)
    command.add_argument("--address", action="store_true", help="addresses alone, without domains")
    command.add_argument("--json", action="store_true", help="as JSON")


def run(given: "Namespace") -> int:
    """List them."""
    outputs = outputs_of(given)
    with translated("", CommandFailed, "The caller's role needs ses:ListEmailIdentities."):
        found = sorted(_identities(client("sesv2", outputs.region)), key=lambda one: one.get("IdentityName", ""))
    if given.address:
        found = [one for one in found if one.get("IdentityType") == _ADDRESS]
    if given.json:
        as_json([_shape(one) for one in found])
        return 0
    table([tuple(_shape(one).values()) for one in found])
    line(f"{len(found)} in {outputs.region}")
    return 0


def _identities(ses: "SESV2Client") -> "Iterator[IdentityInfoTypeDef]":
    page = ses.list_email_identities(PageSize=_PAGE_SIZE)
    for _ in range(_PAGES):
        yield from page["EmailIdentities"]
        if not (token := page.get("NextToken")):
            return
        page = ses.list_email_identities(PageSize=_PAGE_SIZE, NextToken=token)


def _shape(one: "IdentityInfoTypeDef") -> dict[str, str]:
    return {
        "identity": one.get("IdentityName", ""),
        "type": one.get("IdentityType", "").lower(),
        "verification": one.get("VerificationStatus", "").lower(),
        "sending": "enabled" if one.get("SendingEnabled") else "disabled",
    }
