"""What an explanation is, and where to read more about each error. Not for finding one."""

from dataclasses import dataclass

ERRORS = "docs/reference/errors.md"
_DNS, _SMTP = "docs/guides/dns.md", "docs/guides/smtp.md"


@dataclass(frozen=True)
class Explanation:
    """The meaning of a text.

    Attributes:
        source: Whose text it is: `Amazon SES`, `SMTP`, `Microsoft 365`, `DNS` or `mailer`.
        error: The name of the library's exception; empty where the library raises none for it.
        cause: Why it happens.
        remedy: What to do.
        commands: What to run, in this order.
        page: Where to read more, from the root of the repository.
    """

    source: str
    error: str
    cause: str
    remedy: str
    commands: tuple[str, ...] = ()
    page: str = ERRORS


# By the name of the exception: the page, and what to run.
_ABOUT: dict[str, tuple[str, tuple[str, ...]]] = {
    "AccessDenied": ("docs/guides/access.md", ("mailer doctor --only sender-policy --only roles",)),
    "AccountSuspended": ("docs/guides/monitoring.md#runbook", ("mailer doctor --only enforcement --only reputation",)),
    "ClockSkewed": (ERRORS, ("mailer doctor --only clock",)),
    "ConfigurationError": (ERRORS, ("mailer doctor --only outputs --only environment",)),
    "CredentialsInvalid": (ERRORS, ("aws sts get-caller-identity", "mailer doctor --only credentials")),
    "CredentialsMissing": (ERRORS, ("aws sts get-caller-identity", "mailer doctor --only credentials")),
    "CredentialsUnavailable": (ERRORS, ("aws sts get-caller-identity", "mailer doctor --only credentials")),
    "IdentityNotVerified": (_DNS, ("mailer status", "mailer dns --check")),
    "OutcomeUnknown": ("docs/guides/message-log.md", ("mailer trace MESSAGE_ID",)),
    "QuotaExceeded": ("docs/guides/monitoring.md#quota", ("mailer status",)),
    "ResourceNotFound": (ERRORS, ("mailer stack", "mailer doctor --only streams --only outputs")),
    "SendingPaused": (
        "docs/guides/monitoring.md#sending-paused-by-the-guard",
        ("mailer status", "mailer resume STREAM"),
    ),
    "StackNotFound": ("docs/reference/stack-outputs.md", ("mailer stack --stack NAME", "aws sts get-caller-identity")),
    "StackOutputsInvalid": ("docs/reference/stack-outputs.md", ("mailer stack --stack NAME --json",)),
    "StoreError": ("docs/guides/stores.md", ("mailer doctor --only table --only sender-policy",)),
    "TemplateError": ("docs/guides/templates.md", ("mailer templates",)),
    "TemplateFieldsInvalid": ("docs/guides/templates.md", ("mailer templates",)),
    "Throttled": ("docs/guides/sending.md#rate-and-quota", ("mailer status",)),
    "RateExceeded": ("docs/guides/sending.md#rate-and-quota", ("mailer status",)),
    "UnknownStream": ("docs/reference/stack-outputs.md", ("mailer stack",)),
}


def of_error(source: str, error: str, cause: str, remedy: str) -> Explanation:
    """An explanation with the page and the commands of an exception."""
    page, commands = _ABOUT.get(error, (ERRORS, ()))
    return Explanation(source, error, cause, remedy, commands, page)


def of_reply(source: str, error: str, cause: str, remedy: str) -> Explanation:
    """An explanation of what a server other than SES replied; the remedy may name a better page."""
    page = next((word.rstrip(".") for word in remedy.split() if word.startswith("docs/")), _SMTP)
    return Explanation(source, error, cause, remedy, (), page)
