"""Every setting of the service, in one place: read from environment variables and checked before it starts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self, TypeVar

from mailer import Address, ConfigurationError, InvalidAddress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_Kind = TypeVar("_Kind", bound=StrEnum)
MIN_KEY = 32


class Provider(StrEnum):
    """What carries the mails."""

    AWS_SES = "aws_ses"
    SMTP = "smtp"
    CONSOLE = "console"


class Security(StrEnum):
    """How a connection to the SMTP server is encrypted. `loopback`: not at all, to a server on this machine."""

    STARTTLS = "starttls"
    TLS = "tls"
    LOOPBACK = "loopback"


@dataclass(frozen=True, slots=True, repr=False)
class Smtp:
    """The SMTP server of the provider `smtp`."""

    host: str
    port: int | None
    security: Security
    username: str
    password: str


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The settings of the service.

    Attributes:
        provider: `EMAIL_PROVIDER`: what carries the mails.
        database: `DATABASE_URL`: a PostgreSQL with bounces, complaints, suppressions, idempotency keys and message log.
        callers: `API_KEYS`: the keys of the programs that may send, with commas between them.
        sender: `EMAIL_FROM` and `EMAIL_FROM_NAME`. With `aws_ses` they may be missing: the stack has a sender.
        stack: `MAILSTACK_STACK`: with `aws_ses`, the stack, whose configuration sets the mails go through.
        role: `EMAIL_ROLE`: with `aws_ses`, the ARN of a role to assume. Without it, the role that the process runs as
            is used (ECS, EC2, Lambda, EKS), or a developer's keys: boto3 finds them.
        smtp: `SMTP_HOST`, `SMTP_PORT`, `SMTP_SECURITY`, `SMTP_USERNAME` and `SMTP_PASSWORD`.
        folder: `EMAIL_FOLDER`: with `console`, where the mails are written.
    """

    provider: Provider
    database: str
    callers: tuple[str, ...]
    sender: str = ""
    stack: str = ""
    role: str = ""
    smtp: Smtp | None = None
    folder: str = "mails"

    @classmethod
    def from_environment(cls, given: "Mapping[str, str]") -> Self:
        """Read the settings.

        Raises:
            ConfigurationError: A variable is missing or wrong. The message names it; no value of a secret is in it.
        """
        provider = _one_of(given, "EMAIL_PROVIDER", Provider)
        is_ses = provider is Provider.AWS_SES
        return cls(
            provider=provider,
            database=_database(_required(given, "DATABASE_URL", "Write postgresql://user@host/name.")),
            callers=_keys(given),
            sender=_sender(given, required=not is_ses),
            stack=_required(given, "MAILSTACK_STACK", "Name the stack, such as prod.") if is_ses else "",
            role=given.get("EMAIL_ROLE", ""),
            smtp=_smtp(given) if provider is Provider.SMTP else None,
            folder=given.get("EMAIL_FOLDER", "mails"),
        )

    @property
    def store(self) -> str:
        """The URL of the library's tables: it keeps what became of each mail for 30 days."""
        return f"{self.database}{'&' if '?' in self.database else '?'}log_days=30"


def _required(given: "Mapping[str, str]", name: str, hint: str) -> str:
    if not (value := given.get(name, "").strip()):
        raise ConfigurationError(f"The environment variable {name} is not set.", hint=hint)
    return value


def _one_of(given: "Mapping[str, str]", name: str, kind: type[_Kind], default: str = "") -> _Kind:
    value = given.get(name, "").strip() or default
    known: Iterable[str] = list(kind)
    if value not in known:
        raise ConfigurationError(f"{name} is {value!r}.", hint=f"Set it to one of: {', '.join(known)}.")
    return kind(value)


def _database(url: str) -> str:
    if not url.startswith(("postgresql://", "postgresql+psycopg://")):
        raise ConfigurationError(
            "DATABASE_URL is not the URL of a PostgreSQL.", hint="Write postgresql://user@host/name."
        )
    return url


def _keys(given: "Mapping[str, str]") -> tuple[str, ...]:
    hint = f"Create keys of at least {MIN_KEY} characters: mailer store new-key"
    keys = tuple(key.strip() for key in _required(given, "API_KEYS", hint).split(","))
    if any(len(key) < MIN_KEY for key in keys):
        raise ConfigurationError(f"API_KEYS holds a key of fewer than {MIN_KEY} characters.", hint=hint)
    return keys


def _sender(given: "Mapping[str, str]", *, required: bool) -> str:
    hint = "Set it to the address that mails are from, such as no-reply@example.com."
    address = _required(given, "EMAIL_FROM", hint) if required else given.get("EMAIL_FROM", "").strip()
    try:
        return str(Address(address, given.get("EMAIL_FROM_NAME", ""))) if address else ""
    except InvalidAddress as error:
        raise ConfigurationError(f"EMAIL_FROM or EMAIL_FROM_NAME is wrong: {error.message}", hint=hint) from None


def _smtp(given: "Mapping[str, str]") -> Smtp:
    port = given.get("SMTP_PORT", "").strip()
    if port and not port.isdecimal():
        raise ConfigurationError(f"SMTP_PORT is {port!r}.", hint="Write a number, such as 587.")
    return Smtp(
        host=_required(given, "SMTP_HOST", "Name the SMTP server."),
        port=int(port) if port else None,
        security=_one_of(given, "SMTP_SECURITY", Security, Security.STARTTLS),
        username=given.get("SMTP_USERNAME", ""),
        password=given.get("SMTP_PASSWORD", ""),
    )
