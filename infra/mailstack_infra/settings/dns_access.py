"""Who publishes DNS records where the zone is in another AWS account."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed

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
        raise ValueError("STS takes no such external ID")
    return text


def _session(text: str) -> str:
    if text and not _SESSION.match(text):
        raise ValueError("STS takes no such session name")
    return text


class DnsAccess(Group):
    """How Route 53 is reached where the zone is in another AWS account: by a role there, or by a named profile."""

    profile: Annotated[
        str,
        Allowed("a profile of ~/.aws/config, instead of role"),
        Field(description="Whose credentials look up the zone and publish the records."),
    ] = ""
    role: Annotated[
        str,
        AfterValidator(_role),
        Allowed("the ARN of an IAM role in the zone's account: arn:aws:iam::123456789012:role/NAME"),
        Field(
            description="Assumed, with the credentials of the deployment, to look up the zone and publish the records. "
            "What it must be allowed: docs/guides/dns.md."
        ),
    ] = ""
    external_id: Annotated[
        str,
        AfterValidator(_external_id),
        Allowed("2 to 1224 letters, digits and _ + = , . @ : / -"),
        Field(description="What the role's trust policy asks for as `sts:ExternalId`. Only with `role`."),
    ] = ""
    session_name: Annotated[
        str,
        AfterValidator(_session),
        Allowed("2 to 64 letters, digits and _ + = , . @ -"),
        Field(description="What CloudTrail shows; `mailstack-<stack>` by default. Only with `role`."),
    ] = ""

    @field_validator("role")
    @classmethod
    def _one_of_the_two(cls, role: str, info: ValidationInfo) -> str:
        if role and info.data.get("profile"):
            raise ValueError("profile is given as well, and a profile can name a role itself: remove one of the two")
        return role

    @field_validator("external_id", "session_name")
    @classmethod
    def _only_with_a_role(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("role") == "":
            raise ValueError("it is for assuming a role, and there is none: set dnsAccess.role")
        return value
