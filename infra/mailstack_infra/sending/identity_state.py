"""What SES has of an identity before a deployment. Asked once, for what depends on it; not for changing anything."""

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings

# As the provider and SES say it: "couldn't find resource", "NotFoundException: Email identity … does not exist".
_MISSING = re.compile("NotFound|couldn't find|does not exist")
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html: an identity that was verified keeps
# what it had in TEMPORARY_FAILURE.
_UNVERIFIED = frozenset({"", "PENDING", "NOT_STARTED", "FAILED"})


@dataclass(frozen=True)
class Standing:
    """An identity as SES has it.

    Attributes:
        status: Its verification status; empty where there is no such identity.
        origin: Whose DKIM key signs: `AWS_SES` or `EXTERNAL`.
        tokens: DKIM's tokens; the selector where the key is one's own.
        mail_from: Its MAIL FROM domain; empty where it has none, or was not asked for.
    """

    status: str = ""
    origin: str = ""
    tokens: tuple[str, ...] = ()
    mail_from: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is such an identity."""
        return bool(self.status)

    @property
    def verified(self) -> bool:
        """Whether SES knows that the domain is ours."""
        return self.status not in _UNVERIFIED


def find(settings: Settings, asked: pulumi.InvokeOptions | None) -> Standing:
    """Ask SES about the identity.

    Args:
        settings: Whose.
        asked: Options for the invokes; the default provider answers if None.

    Raises:
        SettingsInvalid: It is to be adopted, and there is none.
    """
    try:
        found = aws.sesv2.get_email_identity(email_identity=settings.identity, opts=asked)
    except Exception as error:
        if not _MISSING.search(str(error)):
            raise
        if settings.adopt:
            raise SettingsInvalid(
                f"{NAMESPACE}:adopt is true, and SES has no identity {settings.identity} in this account and region. "
                "Deploy the stack that owns it first; or make it this stack's own: "
                f"pulumi config rm {NAMESPACE}:adopt"
            ) from error
        return Standing()
    mail_from = ""
    if not settings.owns("mailFrom"):
        kept = aws.sesv2.get_email_identity_mail_from_attributes(email_identity=settings.identity, opts=asked)
        mail_from = kept.mail_from_domain or ""
    dkim = next(iter(found.dkim_signing_attributes), None)
    return Standing(
        status=found.verification_status or "PENDING",
        origin=dkim.signing_attributes_origin if dkim else "",
        tokens=tuple(dkim.tokens) if dkim else (),
        mail_from=mail_from,
    )
