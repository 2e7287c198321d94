"""The state of the identity in SES before a deployment, read once. Not for changing it."""

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from mailstack_infra.settings.identity import IdentitySettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid

# The provider's and SES's texts: "couldn't find resource", "NotFoundException: Email identity … does not exist".
_MISSING = re.compile("NotFound|couldn't find|does not exist")
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html: an identity in
# TEMPORARY_FAILURE was verified before, and stays so.
_UNVERIFIED = frozenset({"", "PENDING", "NOT_STARTED", "FAILED"})


@dataclass(frozen=True)
class IdentityState:
    """The state of an identity in SES.

    Attributes:
        status: Its verification status; empty if the identity does not exist.
        origin: The origin of the DKIM key: `AWS_SES` or `EXTERNAL`.
        tokens: The tokens of Easy DKIM, or the selector of BYODKIM.
        mail_from: Its MAIL FROM domain; empty if it has none or it was not read.
    """

    status: str = ""
    origin: str = ""
    tokens: tuple[str, ...] = ()
    mail_from: str = ""

    @property
    def exists(self) -> bool:
        """Whether the identity exists."""
        return bool(self.status)

    @property
    def verified(self) -> bool:
        """Whether SES has verified the identity."""
        return self.status not in _UNVERIFIED


def find(settings: IdentitySettings, asked: pulumi.InvokeOptions | None) -> IdentityState:
    """Read the identity from SES.

    Args:
        settings: The settings of the identity.
        asked: Options for the invokes; None for the default provider.

    Raises:
        SettingsInvalid: The settings adopt an identity that does not exist.
    """
    try:
        found = aws.sesv2.get_email_identity(email_identity=settings.name, opts=asked)
    except Exception as error:
        if not _MISSING.search(str(error)):
            raise
        if settings.adopt:
            raise SettingsInvalid(
                f"{NAMESPACE}:adopt is true, and SES has no identity {settings.name} in this account and region. "
                "Deploy the stack that owns it first; or let this stack create it: "
                f"pulumi config rm {NAMESPACE}:adopt"
            ) from error
        return IdentityState()
    mail_from = ""
    if not settings.owns("mailFrom"):
        kept = aws.sesv2.get_email_identity_mail_from_attributes(email_identity=settings.name, opts=asked)
        mail_from = kept.mail_from_domain or ""
    dkim = next(iter(found.dkim_signing_attributes), None)
    return IdentityState(
        status=found.verification_status or "PENDING",
        origin=dkim.signing_attributes_origin if dkim else "",
        tokens=tuple(dkim.tokens) if dkim else (),
        mail_from=mail_from,
    )
