"""Settings of the access to Route 53, if the zone is in another AWS account."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, WrapValidator, field_validator

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed
from mailstack_infra.settings.secret import kept

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html: path and name.
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/([\x21-\x7e]+/)?[\w+=,.@-]{1,64}\Z", re.ASCII)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}\Z", re.ASCII)
_SESSION = re.compile(r"[\w+=,.@-]{2,64}\Z", re.ASCII)


def _role(text: str) -> str:
    if text and not _ROLE.match(text):
        raise ValueError("it is not the ARN of an IAM role")
    return text


def _external_id(text: str) -> str:
    if text and not _EXTERNAL_ID.match(text):
        raise ValueError("it is not a valid external ID of STS")
    return text


def _session(text: str) -> str:
    if text and not _SESSION.match(text):
        raise ValueError("it is not a valid session name of STS")
    return text


class DnsAccess(Group):
    """Access to Route 53 if the zone is in another AWS account: a role there, or a named profile."""

    profile: Annotated[
        str,
        WrapValidator(kept),
        Allowed("a profile of ~/.aws/config, instead of role"),
        Field(description="The profile whose credentials look up the zone and publish the records."),
    ] = ""
    role: Annotated[
        str,
        AfterValidator(_role),
        WrapValidator(kept),
        Allowed("the ARN of an IAM role in the zone's account: arn:aws:iam::123456789012:role/NAME"),
        Field(
            description="The role that looks up the zone and publishes the records. The deployment's credentials "
            "assume it. Its permissions: docs/guides/dns.md."
        ),
    ] = ""
    external_id: Annotated[
        str,
        AfterValidator(_external_id),
        WrapValidator(kept),
        Allowed("2 to 1224 letters, digits and _ + = , . @ : / -"),
        Field(description="The `sts:ExternalId` that the role's trust policy requires. Only with `role`."),
    ] = ""
    session_name: Annotated[
        str,
        AfterValidator(_session),
        WrapValidator(kept),
        Allowed("2 to 64 letters, digits and _ + = , . @ -"),
        Field(description="The session name in CloudTrail. The default is `mailstack-<stack>`. Only with `role`."),
    ] = ""

    @field_validator("role")
    @classmethod
    def _check_role_or_profile(cls, role: str, info: ValidationInfo) -> str:
        if role and info.data.get("profile"):
            raise ValueError("profile is set, too, and a profile can name a role itself: remove one of the two")
        return role

    @field_validator("external_id", "session_name")
    @classmethod
    def _check_needs_role(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("role") == "":
            raise ValueError("it needs a role: set dnsAccess.role")
        return value

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text in it, for `redacted`."""
        return (self.profile, self.role, self.external_id, self.session_name)
