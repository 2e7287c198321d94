"""What becomes of each setting, and the settings of the stack that follow. No secret is in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mailer.migrate.known import SHOWN, Home, Part
from mailer.migrate.old import HOST, REGION, addresses, home_of, needs_no_fallback, old_mail
from mailer.migrate.setting import COMPUTED, as_flag, as_port, as_text
from mailer.redaction import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailer.migrate.old import Found, OldMail
    from mailer.migrate.sources import Sources

# Domains whose mail only their owners may send. RFC 2606 and 6761 have the others.
FREE_MAIL = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com"),
        *("icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "proton.me", "protonmail.com"),
        *("mail.ru", "yandex.ru", "qq.com", "163.com", "zoho.com", "fastmail.com"),
    }
)
_SECRET = frozenset({Part.USERNAME, Part.PASSWORD, Part.URL, Part.ACCESS_KEY, Part.SECRET_KEY, Part.API_KEY})
_NO_DOMAINS = ("localhost", "local", "invalid", "localdomain")


class Row(NamedTuple):
    """One setting.

    Attributes:
        name: Of the setting.
        place: File and line.
        value: As it may be shown; `***` where it is a secret, or might be one.
        home: Where it goes.
        becomes: What it becomes there; empty where nothing takes its place.
        why: In a sentence.
    """

    name: str
    place: str
    value: str
    home: Home
    becomes: str
    why: str


class StackSetting(NamedTuple):
    """A key of `Pulumi.<stack>.yaml`.

    Attributes:
        key: Such as `mailstack:domain`.
        value: Text, or a list of them; empty where a person must fill it in.
        why: For the comment beside it.
    """

    key: str
    value: str | tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Plan:
    """The whole plan.

    Attributes:
        old: How mail is sent today.
        rows: Every setting.
        stack: The settings of the stack.
        notes: What a person should know, in a sentence each.
        no_fallback: Why there is no fallback; empty where there is one.
    """

    old: "OldMail"
    rows: tuple[Row, ...]
    stack: tuple[StackSetting, ...]
    notes: tuple[str, ...]
    no_fallback: str


def plan_of(sources: "Sources") -> Plan:
    """The plan for what was found."""
    old = old_mail(sources.settings)
    rows = [*(_row(old, one) for one in old.found), *_unknown(old)]
    notes = (*sources.problems, *_notes(old, sources))
    return Plan(old, tuple(rows), tuple(_stack(old)), notes, needs_no_fallback(old))


def _row(old: "OldMail", one: "Found") -> Row:
    setting, known = one.setting, one.known
    home, becomes, why = home_of(old, one), known.becomes, known.why
    if home is Home.NOT_NEEDED and known.home is Home.FALLBACK:
        becomes = ""
    if known.part is Part.BACKEND and not old.is_django:
        home, becomes, why = Home.NOT_NEEDED, "", "The library has no backend to choose but the transport."
    if known.part in {Part.SENDER, Part.OTHER_SENDER}:
        problems = map(_unusable, as_text(setting.value).rstrip("> ").split(","))
        wrong = next((problem for problem in problems if problem), "")
        if wrong:
            home, becomes, why = Home.DECIDE, known.becomes, wrong
    return Row(setting.name, f"{setting.file}:{setting.line}", shown(known.part, setting.value), home, becomes, why)


def _unknown(old: "OldMail") -> "Iterator[Row]":
    for one in old.unknown:
        words = "It seems to be about mail, and is not known."
        yield Row(one.name, f"{one.file}:{one.line}", HIDDEN, Home.DECIDE, "", words)


def shown(part: Part, value: object) -> str:
    """A value as it may be shown: only where its part is public, and it has the form of such a value.

    Example:
        >>> shown(Part.HOST, "smtp.example.com"), shown(Part.HOST, "shop:secret@smtp.example.com")
        ('smtp.example.com', '***')
        >>> shown(Part.PASSWORD, "secret")
        '***'
    """
    if value is COMPUTED:
        return "computed by the program"
    if value is None or value == "":
        return "empty"
    if part in SHOWN:
        return _SHOW[part](value) or HIDDEN
    return HIDDEN if part in _SECRET else "set"


def _host(value: object) -> str:
    text = as_text(value)
    return text if HOST.match(text) and "." in text else text if text in {"localhost", "mailhog", "mailpit"} else ""


def _flag(value: object) -> str:
    flag = as_flag(value)
    return "" if flag is None else "on" if flag else "off"


def _addresses(value: object) -> str:
    return ", ".join(one.formatted() for one in addresses([value]))


def _backend(value: object) -> str:
    text = as_text(value)
    return text if len(text) < 100 and text.endswith("Backend") and text.replace(".", "a").isidentifier() else ""  # noqa: PLR2004


_SHOW: "dict[Part, Callable[[object], str]]" = {
    Part.BACKEND: _backend,
    Part.HOST: _host,
    Part.PORT: lambda value: str(as_port(value) or ""),
    Part.STARTTLS: _flag,
    Part.TLS: _flag,
    Part.ENCRYPTION: lambda value: (
        word if (word := as_text(value).lower()) in {"tls", "ssl", "starttls"} else _flag(value)
    ),
    Part.SENDER: _addresses,
    Part.OTHER_SENDER: _addresses,
    Part.PAGE: _addresses,
    Part.REGION: lambda value: text if REGION.match(text := as_text(value)) else "",
}


def _unusable(email: str) -> str:
    """Why SES cannot send from an address; empty where it can."""
    domain = email.rpartition("@")[2].lower()
    if domain in FREE_MAIL:
        return f"SES sends from domains that you own, and {domain} belongs to others: choose an address of your domain."
    if "." not in domain or domain.endswith(_NO_DOMAINS):
        return f"{domain} is no domain of the internet: choose an address of your domain."
    return ""


def _stack(old: "OldMail") -> "Iterator[StackSetting]":
    yield StackSetting("aws:region", old.region, "the region of SES")
    sender = old.sender
    usable = sender if sender and not _unusable(sender.email) else None
    domain = usable.email.rpartition("@")[2].lower() if usable else ""
    yield StackSetting("mailstack:domain", domain, "the domain of the From addresses")
    if usable:
        yield StackSetting("mailstack:sender", usable.formatted(), "the From address of mail that names none")
    others = [one.email for one in addresses(old.values(Part.OTHER_SENDER)) if usable and one.email != usable.email]
    allowed = tuple(dict.fromkeys(one for one in others if one.lower().endswith((f"@{domain}", f".{domain}"))))
    if usable and allowed:
        yield StackSetting("mailstack:allowedSenders", (usable.email, *allowed), "the other From addresses")
    page = tuple(dict.fromkeys(one.email for one in addresses(old.values(Part.PAGE))))
    yield StackSetting("mailstack:page", page, "who gets the alarms")


def _notes(old: "OldMail", sources: "Sources") -> "Iterator[str]":
    server = old.server
    if server and server.was_plain and not needs_no_fallback(old):
        yield (
            f"Mail goes to {server.host or 'the server'} without TLS today. The fallback asks for STARTTLS: "
            "this library sends no mail to other machines in the clear."
        )
    if old.is_microsoft:
        yield (
            "Microsoft disables passwords for SMTP by default at the end of December 2026. "
            "For a fallback that lasts, use Microsoft365Transport (docs/guides/microsoft365.md)."
        )
    if old.provider and not old.server and old.provider.prefix != "AMAZON_SES":
        yield (
            f"{old.provider.name} takes other credentials for SMTP than for its API. "
            "For a fallback, create them there, and give them to SmtpTransport (docs/guides/smtp.md)."
        )
    if sources.has_classes:
        yield (
            "The settings are classes of django-configurations: add these lines to your class by hand. "
            'EMAIL_BACKEND = "mailer.django.EmailBackend", MAILSTACK = {"STACK": "prod"}, '
            'and "mailer.django" in INSTALLED_APPS.'
        )
    if old.backend.startswith("mailer."):
        yield "django-mailer cannot be installed beside mailstack (docs/guides/install.md#conflict-with-django-mailer)."
    for one in old.opened:
        yield f"{one.file}:{one.line} opens an SMTP connection by itself: call Mailer.send in its place."
    if not old.found:
        yield "These files have no mail settings that are known."
