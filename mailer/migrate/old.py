"""How a project sends today, from its settings: the system, the SMTP server, senders, region."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, cast

from mailer.address import Address
from mailer.errors import InvalidAddress
from mailer.migrate.anymail import Provider, known_to_anymail, provider_of
from mailer.migrate.email_url import SMTP, settings_of_url
from mailer.migrate.known import KNOWN, Home, Known, Part
from mailer.migrate.python_file import SMTPLIB
from mailer.migrate.setting import COMPUTED, Setting, as_flag, as_port, as_text

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# Names of services in Docker Compose files, and of servers that only catch mail.
_CATCHERS = frozenset({"mailhog", "mailpit", "maildev", "mailcatcher", "smtp4dev", "mail", "smtp", "postfix"})
_SES_HOST = re.compile(r"email-smtp(?:-fips)?\.([a-z]{2,4}(?:-[a-z]{1,20}){1,3}-\d)\.amazonaws\.com(?:\.cn)?\Z")
_SES_ENDPOINT = re.compile(r"email\.([a-z]{2,4}(?:-[a-z]{1,20}){1,3}-\d)\.amazonaws\.com")
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{1,20}){1,3}-\d\Z")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\Z")
_MICROSOFT = frozenset({"smtp.office365.com", "smtp-mail.outlook.com", "outlook.office365.com"})
_SES_BACKENDS = ("django_ses.", "anymail.backends.amazon_ses", "django_amazon_ses.")
# Of `MAILERS`, which Django 6.1 has: https://docs.djangoproject.com/en/6.1/ref/settings/#mailers
_OPTIONS = {
    "host": "EMAIL_HOST",
    "port": "EMAIL_PORT",
    "username": "EMAIL_HOST_USER",
    "password": "EMAIL_HOST_PASSWORD",
    "use_tls": "EMAIL_USE_TLS",
    "use_ssl": "EMAIL_USE_SSL",
    "timeout": "EMAIL_TIMEOUT",
    "ssl_certfile": "EMAIL_SSL_CERTFILE",
    "ssl_keyfile": "EMAIL_SSL_KEYFILE",
    "file_path": "EMAIL_FILE_PATH",
    "BACKEND": "EMAIL_BACKEND",
}

Security = Literal["starttls", "tls", "loopback"]


class Found(NamedTuple):
    """A setting, and what is known of it."""

    setting: Setting
    known: Known


class OldServer(NamedTuple):
    """The SMTP server of today.

    Attributes:
        host: Empty where only the program knows it.
        port: 0 for the default of the security.
        security: As `SmtpTransport` has it.
        has_login: Whether it is configured with a login.
        was_plain: Whether mail went there without TLS, which this library does not do.
    """

    host: str
    port: int
    security: Security
    has_login: bool
    was_plain: bool


@dataclass
class OldMail:
    """How mail is sent today.

    Attributes:
        found: Every setting that is known, in order.
        unknown: Settings that seem to be about mail.
        opened: Where the program opens SMTP connections by itself.
        system: Its name, for people.
        is_django: Whether it is a project of Django.
        provider: The provider of anymail, if there is one.
        server: The SMTP server; None without one.
        ses_region: The region where the server is SES's own; empty otherwise.
    """

    found: list[Found] = field(default_factory=list[Found])
    unknown: list[Setting] = field(default_factory=list[Setting])
    opened: list[Setting] = field(default_factory=list[Setting])
    system: str = ""
    is_django: bool = False
    provider: Provider | None = None
    server: OldServer | None = None
    ses_region: str = ""

    def values(self, part: Part) -> Iterator[object]:
        """The values of a part, in order, without those that only the program knows."""
        return (one.setting.value for one in self.found if one.known.part is part and one.setting.value is not COMPUTED)

    def text(self, part: Part) -> str:
        """The first value of a part that is not empty."""
        return next((text for text in map(as_text, self.values(part)) if text), "")

    def first(self, part: Part) -> Setting | None:
        """The first setting of a part."""
        return next((one.setting for one in self.found if one.known.part is part), None)

    def names(self, part: Part) -> list[str]:
        """The names of the settings of a part."""
        return list(dict.fromkeys(one.setting.name for one in self.found if one.known.part is part))

    @property
    def backend(self) -> str:
        """The backend of Django; empty without."""
        return self.text(Part.BACKEND)

    @property
    def is_microsoft(self) -> bool:
        """Whether the server is Microsoft 365."""
        return self.server is not None and self.server.host.lower() in _MICROSOFT

    @property
    def region(self) -> str:
        """The AWS region; empty where nothing names it."""
        named = next((text for text in map(as_text, self.values(Part.REGION)) if REGION.match(text)), "")
        endpoints = (_SES_ENDPOINT.search(as_text(one)[:300]) for one in self.values(Part.ENDPOINT))
        return named or self.ses_region or next((one[1] for one in endpoints if one), "")

    @property
    def sender(self) -> Address | None:
        """The From address of mail that names none, with its name."""
        address = next(addresses(self.values(Part.SENDER)), None)
        name = self.text(Part.SENDER_NAME)
        if address and name and not address.name:
            try:
                return Address(address.email, name)
            except InvalidAddress:
                return address
        return address


def old_mail(settings: Iterable[Setting]) -> OldMail:
    """How these settings send mail."""
    flat = list(_flattened(settings))
    by_variable = {one.variable: known for one in flat if one.variable and (known := _known(one))}
    found = OldMail()
    for one in flat:
        known = _known(one) or by_variable.get(one.name)
        if known:
            found.found.append(Found(one, known))
        elif one.name.startswith(f"{SMTPLIB}."):
            found.opened.append(one)
        elif _is_about_mail(one.name) and not _is_read_url(one.value):
            found.unknown.append(one)
    names = {one.name for one in flat}
    found.is_django = bool(names & {"INSTALLED_APPS", "EMAIL_BACKEND", "MAILERS", "ROOT_URLCONF"})
    found.provider = provider_of(found.backend)
    found.server = _server(found)
    ses = _SES_HOST.match(found.server.host.lower()) if found.server else None
    found.ses_region = ses[1] if ses else ""
    found.system = _system(found)
    return found


def addresses(values: Iterable[object], depth: int = 3) -> Iterator[Address]:
    """The addresses in values: texts, lists of them, and pairs of name and address as `ADMINS` has them."""
    for value in values:
        if isinstance(value, list | tuple) and depth:
            yield from addresses(cast("list[object]", value)[:100], depth - 1)
        elif isinstance(value, str) and "@" in value and len(value) < 1000:  # noqa: PLR2004 - characters
            for text in [value] if "<" in value else value.split(","):
                try:
                    yield Address.parse(text.strip())
                except InvalidAddress:
                    continue


def _flattened(settings: Iterable[Setting]) -> Iterator[Setting]:
    """The settings, with the parts of `ANYMAIL`, `MAILERS` and of URLs as settings of their own."""
    has_host = False
    for one in settings:
        has_host = has_host or _is_host(one)
        value = one.value
        if one.name == "ANYMAIL" and isinstance(value, dict):
            for key, held in cast("dict[str, object]", value).items():
                yield replace(one, name=f"ANYMAIL[{key!r}]", value=held, variable="")
        elif one.name == "MAILERS" and isinstance(value, dict):
            yield from _of_mailers(one, cast("dict[str, object]", value))
        else:
            yield one
            known = _known(one)
            if known and known.part is Part.URL and isinstance(value, str | dict) and not has_host:
                parts = cast("dict[str, object]", value) if isinstance(value, dict) else settings_of_url(value)
                for key, held in parts.items():
                    yield replace(one, name=f"{one.name}: {key}", value=held, variable="")


def _of_mailers(one: Setting, mailers: Mapping[str, object]) -> Iterator[Setting]:
    for alias, given in list(mailers.items())[:20]:
        if not isinstance(given, dict):
            continue
        held = cast("dict[str, object]", given)
        options = held.get("OPTIONS", {})
        pairs = {"BACKEND": held.get("BACKEND", COMPUTED)}
        if isinstance(options, dict):
            pairs |= cast("dict[str, object]", options)
        for key, value in pairs.items():
            place = f"[{key!r}]" if key == "BACKEND" else f"['OPTIONS'][{key!r}]"
            yield replace(one, name=f"MAILERS[{alias!r}]{place}", value=value, variable="")


def _is_host(one: Setting) -> bool:
    known = _known(one)
    return known is not None and known.part is Part.HOST


def _known(one: Setting) -> Known | None:
    name = one.name.rpartition(": ")[2]
    if name.startswith("ANYMAIL["):
        return known_to_anymail(name[9:-2], inside=True)
    if name.startswith("MAILERS["):
        key = name.rpartition("['")[2].removesuffix("']")
        return KNOWN.get(_OPTIONS.get(key, "")) or known_to_anymail(key.upper(), inside=True)
    return KNOWN.get(name.upper() if name.islower() else name) or known_to_anymail(name, inside=False)


def _is_read_url(value: object) -> bool:
    """Whether it is the dict that a URL was read into, whose keys are settings of their own."""
    return isinstance(value, dict) and "EMAIL_BACKEND" in value


def _is_about_mail(name: str) -> bool:
    """Whether a setting that is not known seems to be about mail."""
    words = name.split("_")
    return name.isupper() and len(words) > 1 and bool({"MAIL", "EMAIL", "SMTP", "SES", "EMAILS"} & set(words))


def _server(found: OldMail) -> OldServer | None:
    """The SMTP server, if mail goes through one."""
    backend = found.backend
    if found.provider and found.provider.host:
        return OldServer(found.provider.host, 587, "starttls", has_login=True, was_plain=False)
    if backend and backend != SMTP and not _wraps(backend):
        return None
    if not found.names(Part.HOST):
        return None
    host = found.text(Part.HOST)
    if host and not HOST.match(host):
        host = ""
    port = as_port(next(found.values(Part.PORT), 0))
    tls, starttls = _encryption(found, port)
    has_login = bool(found.names(Part.USERNAME) and found.names(Part.PASSWORD)) and bool(
        found.text(Part.USERNAME) or COMPUTED in [one.setting.value for one in found.found]
    )
    local = host.lower() in LOOPBACK and not (tls or starttls)
    security: Security = "tls" if tls else "loopback" if local and not has_login else "starttls"
    was_plain = not (tls or starttls or local)
    return OldServer(host, port, security, has_login, was_plain)


def _encryption(found: OldMail, port: int) -> tuple[bool, bool]:
    """Whether TLS is on from the first byte, and whether by STARTTLS."""
    word = found.text(Part.ENCRYPTION).lower()
    tls = any(as_flag(one) for one in found.values(Part.TLS)) or word in {"ssl", "smtps"} or port == 465  # noqa: PLR2004
    starttls = any(as_flag(one) for one in found.values(Part.STARTTLS)) or word in {"tls", "starttls", "true"}
    computed = any(one.known.part is Part.STARTTLS and one.setting.value is COMPUTED for one in found.found)
    return tls, not tls and (starttls or computed or port == 587)  # noqa: PLR2004


def _wraps(backend: str) -> bool:
    """Whether the backend hands mail to another one later."""
    return backend.startswith(("djcelery_email.", "post_office.", "mailer.backend", "django_mailbox", "django_q"))


def _system(found: OldMail) -> str:
    backend = found.backend
    shipped = backend.startswith("django.core.mail.backends.")
    names = (
        (found.provider, f"anymail with {found.provider.name if found.provider else ''}"),
        (backend.startswith(_SES_BACKENDS), "django-ses"),
        (found.server and found.ses_region, f"SMTP of Amazon SES in {found.ses_region}"),
        (found.is_microsoft, "SMTP of Microsoft 365"),
        (found.server, "SMTP"),
        (shipped and backend != SMTP, f"Django's backend {backend.split('.')[-2:][0]!r}, which sends nothing"),
        (backend == SMTP, "SMTP, by Django's defaults"),
        (backend == "mailer.django.EmailBackend", "mailstack"),
        (backend, "a backend of Django that is not known"),
        (found.names(Part.API_KEY), "the API of another provider"),
        (found.names(Part.SECRET_KEY) or found.names(Part.REGION), "the API of Amazon SES"),
    )
    return next((name for fits, name in names if fits), "")


def needs_no_fallback(found: OldMail) -> str:
    """Why the old server is no fallback; empty where it is one."""
    if found.ses_region:
        return "The old server is SES, too: where SES does not take mail, it does not, either."
    server = found.server
    if server is None:
        return "There is no SMTP server in these settings."
    if server.host.lower() in _CATCHERS:
        return f"{server.host} is a server of a development machine."
    return ""


def home_of(found: OldMail, one: Found) -> Home:
    """Where a setting goes, in this project."""
    home = one.known.home
    return Home.NOT_NEEDED if home is Home.FALLBACK and needs_no_fallback(found) else home
