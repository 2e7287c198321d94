"""Who may send: roles for applications, existing roles, an SMTP user."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed

# Role names end in them, and IAM's are at most 64 characters; the first three are the services' own roles.
TAKEN_NAMES = ("ecs", "lambda", "ec2", "firehose")
_OIDC_NAME = re.compile(r"[a-z][a-z0-9-]{0,18}\Z")
_PROVIDER_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[^\s/.]+\.[^\s]+\Z")
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}\Z", re.ASCII)
_TEMPLATE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
# Whose tokens may be many: one repository's (GitHub Actions), one namespace's (Kubernetes).
# https://docs.github.com/en/actions/reference/security/oidc, https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
_NAMED = (
    re.compile(r"repo:[^\s*?/:]+/[^\s*?/:]+:\S+\Z"),
    re.compile(r"system:serviceaccount:[^\s*?:]+:\S+\Z"),
)
# What IAM keeps of one user: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
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
        raise ValueError("it must name whom it is about: one repository, one namespace, or a subject without wildcards")
    return text


def _role(text: str) -> str:
    if not _ROLE_NAME.match(text):
        raise ValueError("it is not the name of a role; an ARN's last part is")
    return text


def _template(text: str) -> str:
    if not _TEMPLATE_NAME.match(text):
        raise ValueError("it is not the name of a template")
    return text


class Oidc(Group):
    """A role for workloads outside AWS or in Kubernetes that show a token: GitHub Actions, service accounts of EKS."""

    provider: Annotated[
        str,
        AfterValidator(_provider),
        Allowed("an https URL such as https://token.actions.githubusercontent.com, or an identity provider's ARN"),
        Field(description="Who issues the tokens. An account has one identity provider for each URL."),
    ]
    create: Annotated[
        Switch,
        Field(
            description="Whether the stack makes the identity provider in IAM. Off: it is there. Only with a URL, and "
            "only in one stack of an account."
        ),
    ] = False
    audiences: Annotated[
        tuple[Annotated[str, AfterValidator(_audience)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("audiences such as sts.amazonaws.com"),
        Field(min_length=1, description="Whom the token must be for (`aud`)."),
    ]
    subjects: Annotated[
        tuple[Annotated[str, AfterValidator(_subject)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed(
            "subjects such as repo:example/shop:ref:refs/heads/main or system:serviceaccount:shop:mailer; `*` only "
            "behind a repository or a namespace"
        ),
        Field(min_length=1, description="Whose token it must be (`sub`)."),
    ]

    @field_validator("create")
    @classmethod
    def _only_what_has_a_url_is_made(cls, create: bool, info: ValidationInfo) -> bool:
        if create and str(info.data.get("provider", "")).startswith("arn:"):
            raise ValueError("an ARN is of a provider that is there: give its URL to make it")
        return create


class SmtpUser(Group):
    """A user for software that can only speak SMTP. Its password is in Secrets Manager, and nowhere in the outputs."""

    keys: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("one whole number from 1, or two while the password changes: [1], then [1, 2], then [2]"),
        Field(
            max_length=MOST_KEYS,
            description="The user's access keys by numbers of your own; the secret holds the highest. No user unless "
            "given.",
        ),
    ] = ()
    read_by_sender: Annotated[
        Switch, Field(description="Whether the sender policy lets the application read the secret.")
    ] = False

    @field_validator("keys")
    @classmethod
    def _keys_differ(cls, keys: tuple[int, ...]) -> tuple[int, ...]:
        if duplicate := validators.duplicate(keys):
            raise ValueError(f"duplicate value: {duplicate}")
        return tuple(sorted(keys))

    @field_validator("read_by_sender")
    @classmethod
    def _there_is_something_to_read(cls, read: bool, info: ValidationInfo) -> bool:
        if read and not info.data.get("keys", True):
            raise ValueError("there is no SMTP user: give it keys")
        return read


class AccessSettings(Group):
    """Roles and users that may send, beside those that you attach the sender policy to. See docs/guides/access.md."""

    services: Annotated[
        tuple[Literal["ecs", "lambda", "ec2"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("ecs, lambda, ec2 or several of them"),
        Field(description="Where your applications run: each gets a role of its own; ec2 an instance profile, too."),
    ] = ()
    oidc: Annotated[
        dict[str, Oidc],
        Allowed("roles by name; names of up to 19 lower-case letters, digits, hyphens"),
        Field(description="Roles for workloads that show a token."),
    ] = Field(default={})
    attach_to: Annotated[
        tuple[Annotated[str, AfterValidator(_role)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("names of roles"),
        Field(description="Roles that are there, and get the sender policy."),
    ] = ()
    templates: Annotated[
        tuple[Annotated[str, AfterValidator(_template)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("names of templates"),
        Field(
            description="Templates stored in SES that may be sent; with `bulk`, in bulk, too. The library needs none."
        ),
    ] = ()
    raw: Annotated[
        Switch,
        Field(
            description="Whether the sender policy lets the application send MIME that it has built itself "
            "(`ses:SendRawEmail`), as django-ses does. Neither the library nor the SMTP user needs it."
        ),
    ] = False
    bulk: Annotated[
        Switch,
        Field(
            description="Whether the sender policy lets the application send in bulk (`ses:SendBulkEmail`). SES gives "
            "that no condition on addresses: mail in bulk may be from any address of the identity, and to anybody, so "
            "that it cannot be had together with `allowedRecipients`."
        ),
    ] = False
    smtp: Annotated[SmtpUser, Allowed("keys and readBySender")] = SmtpUser()

    @field_validator("services", "attach_to", "templates")
    @classmethod
    def _nothing_stands_there_twice(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if duplicate := validators.duplicate(names):
            raise ValueError(f"duplicate value: {duplicate}")
        return names

    @field_validator("oidc")
    @classmethod
    def _roles_have_good_names(cls, oidc: dict[str, Oidc]) -> dict[str, Oidc]:
        for name in oidc:
            if not _OIDC_NAME.match(name) or name in TAKEN_NAMES:
                raise ValueError(f"{name!r} cannot name a role")
        return oidc
