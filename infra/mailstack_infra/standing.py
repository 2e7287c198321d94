"""What SES has of an identity before a deployment. Asked once, for what depends on it; not for changing anything."""

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

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
    """

    status: str = ""
    origin: str = ""
    tokens: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether there is such an identity."""
        return bool(self.status)

    @property
    def verified(self) -> bool:
        """Whether SES knows that the domain is ours."""
        return self.status not in _UNVERIFIED


def find(identity: str, asked: pulumi.InvokeOptions | None) -> Standing:
    """Ask SES about an identity.

    Args:
        identity: Its name.
        asked: Whose provider is asked; the default one's unless given.
    """
    try:
        found = aws.sesv2.get_email_identity(email_identity=identity, opts=asked)
    except Exception as error:
        if _MISSING.search(str(error)):
            return Standing()
        raise
    (dkim,) = found.dkim_signing_attributes[:1] or (None,)
    if dkim is None:
        return Standing(found.verification_status or "PENDING")
    return Standing(
        found.verification_status or "PENDING", dkim.signing_attributes_origin or "", tuple(dkim.tokens or ())
    )
