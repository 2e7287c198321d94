"""The setting `MAILSTACK`: a dict that is read and checked here. `mailer.django.checks` reports the problems."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.conf import settings

from mailer.errors import ConfigurationError, MailerError

if TYPE_CHECKING:
    from mailer.unsubscribe import Unsubscribe

SETTING = "MAILSTACK"
# The application in INSTALLED_APPS, and its label.
APPLICATION = "mailer.django"
LABEL = "mailstack"
# The value of `STORE` that means the tables of this application's models.
DJANGO_STORE = "django"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the setting.

    Attributes:
        words: What is wrong, and why.
        hint: What to do.
    """

    words: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The setting `MAILSTACK`; each attribute is a key in upper case. docs/guides/django.md describes them.

    Attributes:
        stack: The name of the stack.
        outputs: The stack's outputs, as JSON or the path of a file. Default: where `mailer.load` looks.
        mailer: The path of a function without arguments that returns a `Mailer`, in place of all that configures one.
        transport: The path of a function without arguments that returns a transport, such as `SmtpTransport`, in place
            of SES's API. Without `stack` and `outputs`, there is no stack, and `DEFAULT_FROM_EMAIL` is the sender.
        role: See `Mailer`.
        brand: The fields of `mailer.Brand`.
        guard: The fields of `mailer.RecipientGuard`.
        rate: The fields of `mailer.RateLimit`; False to leave the rate to SES.
        hooks: The paths of `SendHook` classes.
        unsubscribe: The arguments of `mailer.unsubscribe.Unsubscribe`: `url`, `keys`, `streams`.
        feedback_hooks: The paths of `FeedbackHook` classes, for the webhook.
        topics: The ARNs of the topics whose messages the webhook accepts. Default: the stack's events topic.
        confirm_subscriptions: Whether the webhook confirms subscriptions of these topics.
        send_on_store_error: See `Mailer`.
        store: `django` for tables in Django's database, the URL of a SQL database, or empty for the stack's table.
        database: The alias of Django's database that mail waits for, and that holds the tables.
        log_days: How long the message log in Django's database is kept; 0 for none.
        outbox: Whether mail is written into the outbox in Django's database, for `manage.py mailer_outbox` to send.
        on_commit: Whether mail waits for the commit of the transaction that it was sent in.
        stream: The stream of mail that names none. Default: that of the stack.
        streams_by_sender: Streams by From address or, with a leading `@`, by domain.
        user_language: The attribute of a user that holds the language; may have dots (`profile.language`).
        user_time_zone: The attribute of a user that holds the time zone.
        verify_url: The address of the page behind verification links, with `{token}` in it.
    """

    stack: str = ""
    outputs: str = ""
    mailer: str = ""
    transport: str = ""
    role: str = ""
    brand: Mapping[str, Any] = field(default_factory=dict[str, Any])
    guard: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rate: "Mapping[str, Any] | bool" = field(default_factory=dict[str, Any])
    hooks: tuple[str, ...] = ()
    unsubscribe: Mapping[str, Any] = field(default_factory=dict[str, Any])
    feedback_hooks: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    confirm_subscriptions: bool = True
    send_on_store_error: tuple[str, ...] = ()
    store: str = ""
    database: str = "default"
    log_days: int = 30
    outbox: bool = False
    on_commit: bool = True
    stream: str = ""
    streams_by_sender: Mapping[str, str] = field(default_factory=dict[str, str])
    user_language: str = ""
    user_time_zone: str = ""
    verify_url: str = ""

    @property
    def unsubscribe_links(self) -> "Unsubscribe | None":
        """The unsubscribe links; None leaves them to the environment."""
        from mailer.unsubscribe import Unsubscribe

        return Unsubscribe(**self.unsubscribe) if self.unsubscribe else None

    @property
    def has_stack(self) -> bool:
        """Whether a stack is used; its name may still be missing."""
        return not (self.mailer or self.transport) or bool(self.stack or self.outputs)

    @property
    def uses_django_store(self) -> bool:
        """Whether the store is in Django's database."""
        return self.store == DJANGO_STORE


KEYS = tuple(one.name.upper() for one in fields(Config))


def config() -> Config:
    """The setting, read.

    Raises:
        ConfigurationError: It has a problem; the error names the first one.
    """
    found, problems = read(getattr(settings, SETTING, None))
    for problem in problems:
        raise ConfigurationError(problem.words, hint=problem.hint)
    return found


def read(given: object) -> tuple[Config, list[Problem]]:
    """What a value of the setting says, and everything that is wrong with its form."""
    if given is None:
        words = f"The setting {SETTING} is missing."
        return Config(), [Problem(words, f'Add {SETTING} = {{"STACK": "prod"}} with the name of your stack.')]
    if not isinstance(given, Mapping):
        words = f"The setting {SETTING} is of type {type(given).__name__}."
        return Config(), [Problem(words, f'Write a dict: {SETTING} = {{"STACK": "prod"}}.')]
    values, problems = dict[str, Any](), list[Problem]()
    for key, value in cast("Mapping[object, object]", given).items():
        if key not in KEYS:
            problems.append(_unknown(key))
            continue
        name = str(key).lower()
        wrong = _FORMS[name](value)
        if wrong:
            problems.append(Problem(f"{SETTING}[{key!r}] is {_shown(value)}.", wrong))
        else:
            values[name] = _kept(value)
    found = Config(**values)
    return found, [*problems, *_contradictions(found)]


def _unknown(key: object) -> Problem:
    near = get_close_matches(str(key).upper(), KEYS, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"The keys are: {', '.join(KEYS)}."
    return Problem(f"{SETTING} has an unknown key: {key!r}.", hint)


def _shown(value: object) -> str:
    """A value in an error: short, and without the password of a URL."""
    text = repr(value)
    return f"of type {type(value).__name__}" if "@" in text or len(text) > 60 else text  # noqa: PLR2004 - characters


def _kept(value: Any) -> Any:
    if isinstance(value, PathLike):
        return str(fspath(cast("PathLike[str]", value)))
    return tuple(cast("list[Any]", value)) if isinstance(value, list | tuple) else value


# What configures a mailer, so that it excludes `mailer`, which creates one.
_OF_MAILER = (
    "stack",
    "outputs",
    "transport",
    "role",
    "brand",
    "guard",
    "hooks",
    "unsubscribe",
    "send_on_store_error",
)


def _contradictions(found: Config) -> Iterable[Problem]:
    """What is wrong with keys beside each other."""
    configured = [name.upper() for name in _OF_MAILER if getattr(found, name)]
    if found.mailer and configured:
        words = f"{SETTING} has MAILER beside {', '.join(configured)}, which configure another mailer."
        yield Problem(words, f"Keep MAILER alone: the function {found.mailer!r} creates the whole Mailer.")
    of_stack = [name.upper() for name in ("role", "rate", "send_on_store_error") if getattr(found, name)]
    if found.transport and of_stack and not found.has_stack:
        words = f"{SETTING} has {', '.join(of_stack)}, which need a stack, and TRANSPORT without STACK."
        yield Problem(words, f"Write {SETTING}['STACK'], or remove {', '.join(of_stack)}.")
    if found.outbox and not found.uses_django_store:
        words = f"{SETTING} has OUTBOX, and its STORE is not in Django's database."
        yield Problem(words, f"Write {SETTING}['STORE'] = 'django': the outbox is a table beside the others.")
    if found.uses_django_store and apps.apps_ready and not apps.is_installed(APPLICATION):
        words = f"{SETTING}['STORE'] is 'django', and {APPLICATION!r}, which has its tables, is not in INSTALLED_APPS."
        yield Problem(words, f"Add {APPLICATION!r} to INSTALLED_APPS, and run manage.py migrate.")
    if found.database not in settings.DATABASES and (found.uses_django_store or found.database != "default"):
        words = f"{SETTING}['DATABASE'] is {found.database!r}, which DATABASES does not have."
        yield Problem(words, f"Name one of: {', '.join(settings.DATABASES)}.")


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "Write text."


def _place(value: object) -> str:
    return "" if isinstance(value, str | PathLike) else "Write JSON, or the path of a file with it."


def _link(value: object) -> str:
    from mailer.verification.service import check_url

    if value == "":
        return ""
    try:
        check_url(value if isinstance(value, str) else "")
    except ConfigurationError as error:
        return error.hint
    return ""


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "Write True or False."


def _days(value: object) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 3650  # noqa: PLR2004 - ten years
    return "" if fits else "Write a number of days from 0 to 3650; 0 keeps no log."


def _texts(value: object) -> str:
    items = cast("list[object]", value) if isinstance(value, list | tuple) else [None]
    return "" if all(isinstance(item, str) for item in items) else "Write a list of texts."


def _streams(value: object) -> str:
    hint = 'Write a dict of senders and streams: {"news@example.com": "marketing", "@shop.example.com": "orders"}.'
    if not isinstance(value, Mapping):
        return hint
    pairs = cast("Mapping[object, object]", value).items()
    return "" if all(isinstance(key, str) and "@" in key and isinstance(one, str) for key, one in pairs) else hint


def _made(name: str, value: "Mapping[str, Any]") -> str:
    """What is wrong with the fields of one of the library's values."""
    import mailer

    if not value:
        return ""
    kind = getattr(mailer, name)
    try:
        kind(**value)
    except (MailerError, TypeError) as error:
        return f"Write the fields of mailer.{name}: {error}"
    return ""


def _fields(name: str) -> "Any":
    def check(value: object) -> str:
        return (
            _made(name, cast("Mapping[str, Any]", value))
            if isinstance(value, Mapping)
            else f"Write a dict with the fields of mailer.{name}."
        )

    return check


def _rate(value: object) -> str:
    if value is False:
        return ""
    return _fields("RateLimit")(value) if isinstance(value, Mapping) else "Write the fields of RateLimit, or False."


# What each key must be: a function that returns what to write instead, or nothing.
_FORMS = {
    **dict.fromkeys(("stack", "mailer", "transport", "role", "store", "database", "stream"), _text),
    **dict.fromkeys(("user_language", "user_time_zone"), _text),
    **dict.fromkeys(("hooks", "send_on_store_error", "feedback_hooks", "topics"), _texts),
    "outputs": _place,
    "verify_url": _link,
    "brand": _fields("Brand"),
    "guard": _fields("RecipientGuard"),
    "unsubscribe": _fields("Unsubscribe"),
    "rate": _rate,
    "log_days": _days,
    **dict.fromkeys(("on_commit", "confirm_subscriptions", "outbox"), _flag),
    "streams_by_sender": _streams,
}
