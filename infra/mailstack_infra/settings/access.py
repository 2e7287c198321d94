"""Settings of access: roles for applications, existing roles, an SMTP user."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed

# Names of the stack's own roles. Role names end in these, and IAM allows 64 characters.
TAKEN_NAMES = ("ecs", "lambda", "ec2", "firehose")
_OIDC_NAME = re.compile(r"[a-z][a-z0-9-]{0,18}\Z")
_PROVIDER_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[^\s/.]+\.[^\s]+\Z")
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}\Z", re.ASCII)
_TEMPLATE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
# Subjects that may have wildcards: those of one repository (GitHub Actions) or one namespace (Kubernetes).
# https://docs.github.com/en/actions/reference/security/oidc, https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
_NAMED = (
    re.compile(r"repo:[^\s*?/:]+/[^\s*?/:]+:\S+\Z"),
    re.compile(r"system:serviceaccount:[^\s*?:]+:\S+\Z"),
)
# IAM's limit for one user: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_KEYS = 2


def _provider(text: str) -> str:
    if _PROVIDER_ARN.match(text):
        return text
    if not text.startswith("https://") or not validators.https_or_nothing(text):
        raise ValueError("it is neither an https URL nor the ARN of an identity provider")
    return text.rstrip("/")


def _audience(text: str) -> str:
    if not text or text != text.strip() or "*" in text or "?" in text:
        raise ValueError("it must be the whole audience, without a wildcard")
    return text


def _subject(text: str) -> str:
    wild = "*" in text or "?" in text
    if not text or text != text.strip() or (wild and not any(shape.match(text) for shape in _NAMED)):
        raise ValueError("it must name one repository, one namespace, or a subject without wildcards")
    return text


def _role(text: str) -> str:
    if not _ROLE_NAME.match(text):
        raise ValueError("it is not the name of a role: the last part of an ARN is the name")
    return text


def _template(text: str) -> str:
    if not _TEMPLATE_NAME.match(text):
        raise ValueError("it is not the name of a template")
    return text


class Oidc(Group):
    """A role for workloads that authenticate by OpenID Connect: GitHub Actions, service accounts of EKS."""

    provider: Annotated[
        str,
        AfterValidator(_provider),
        Allowed("an https URL such as https://token.actions.githubusercontent.com, or an identity provider's ARN"),
        Field(description="The issuer of the tokens. An account has one identity provider for each URL."),
    ]
    create: Annotated[
        Switch,
        Field(
            description="Whether the stack creates the identity provider in IAM; off if it exists. Only with a URL, "
            "and only in one stack of an account."
        ),
    ] = False
    audiences: Annotated[
        tuple[Annotated[str, AfterValidator(_audience)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("audiences such as sts.amazonaws.com"),
        Field(min_length=1, description="The audiences that the token may have (`aud`)."),
    ]
    subjects: Annotated[
        tuple[Annotated[str, AfterValidator(_subject)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed(
            "subjects such as repo:example/shop:ref:refs/heads/main or system:serviceaccount:shop:mailer; `*` only "
            "after a repository or a namespace"
        ),
        Field(min_length=1, description="The subjects that the token may have (`sub`)."),
    ]

    @field_validator("create")
    @classmethod
    def _check_create(cls, create: bool, info: ValidationInfo) -> bool:
        if create and str(info.data.get("provider", "")).startswith("arn:"):
            raise ValueError("an ARN names a provider that exists: set its URL to create one")
        return create


class SmtpUser(Group):
    """A user for software that supports only SMTP. Its password is in Secrets Manager and not in the outputs."""

    keys: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("one whole number from 1, or two while the password changes: [1], then [1, 2], then [2]"),
        Field(
            max_length=MOST_KEYS,
            description="The user's access keys, by numbers that you choose; the secret holds the highest one. Without "
            "keys there is no user.",
        ),
    ] = ()
    read_by_sender: Annotated[
        Switch, Field(description="Whether the sender policy allows the application to read the secret.")
    ] = False

    @field_validator("keys")
    @classmethod
    def _checked_keys(cls, keys: tuple[int, ...]) -> tuple[int, ...]:
        if duplicate := validators.duplicate(keys):
            raise ValueError(f"duplicate value: {duplicate}")
        return tuple(sorted(keys))

    @field_validator("read_by_sender")
    @classmethod
    def _check_read_by_sender(cls, read: bool, info: ValidationInfo) -> bool:
        if read and not info.data.get("keys", True):
            raise ValueError("there is no SMTP user: set access.smtp.keys")
        return read


class AccessSettings(Group):
    """Roles and users that may send, besides those that you attach the sender policy to. See docs/guides/access.md."""

    services: Annotated[
        tuple[Literal["ecs", "lambda", "ec2"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("ecs, lambda, ec2 or several of them"),
        Field(
            description="The services that your applications run on. Each gets a role; ec2 also an instance profile."
        ),
    ] = ()
    oidc: Annotated[
        dict[str, Oidc],
        Allowed("roles by name; names of up to 19 lower-case letters, digits, hyphens"),
        Field(description="Roles for workloads that authenticate by OpenID Connect."),
    ] = Field(default={})
    attach_to: Annotated[
        tuple[Annotated[str, AfterValidator(_role)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("names of roles"),
        Field(description="Existing roles that get the sender policy."),
    ] = ()
    templates: Annotated[
        tuple[Annotated[str, AfterValidator(_template)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("names of templates"),
        Field(
            description="Templates stored in SES that may be sent; with `bulk`, also in bulk. The library needs none."
        ),
    ] = ()
    raw: Annotated[
        Switch,
        Field(
            description="Whether the sender policy allows MIME that the application builds itself "
            "(`ses:SendRawEmail`), as django-ses does. Neither the library nor the SMTP user needs it."
        ),
    ] = False
    bulk: Annotated[
        Switch,
        Field(
            description="Whether the sender policy allows mail in bulk (`ses:SendBulkEmail`). SES has no condition on "
            "addresses for it: bulk mail may be from any address of the identity and to anybody, so it is refused "
            "together with `allowedRecipients`."
        ),
    ] = False
    smtp: Annotated[SmtpUser, Allowed("keys and readBySender")] = SmtpUser()

    @field_validator("services", "attach_to", "templates")
    @classmethod
    def _check_duplicates(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if duplicate := validators.duplicate(names):
            raise ValueError(f"duplicate value: {duplicate}")
        return names

    @field_validator("oidc")
    @classmethod
    def _check_role_names(cls, oidc: dict[str, Oidc]) -> dict[str, Oidc]:
        for name in oidc:
            if not _OIDC_NAME.match(name) or name in TAKEN_NAMES:
                raise ValueError(f"{name!r} is not a valid name of a role, or names one of the stack's own")
        return oidc
