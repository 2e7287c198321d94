"""The mailer of a process: created from the setting `MAILSTACK` when it is first needed, shared by all threads."""

import os
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from django.conf import settings
from django.utils.module_loading import import_string

from mailer.django.config import SETTING, Config, config
from mailer.django.testing import has_outbox, uses_outbox
from mailer.errors import ConfigurationError
from mailer.mailer import Mailer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.sending.hooks import SendHook
    from mailer.sending.recipient_guard import RecipientGuard
    from mailer.stores.sql.stores import SqlStores
    from mailer.templates.brand import Brand
    from mailer.transports.base import Transport
    from mailer.unsubscribe import Unsubscribe

# Names the stack where the setting does not, as for the command line.
VARIABLE = "MAILSTACK_STACK"


class _Process:
    """The mailer and what it was created from."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mailer: Mailer | None = None
        self._is_for_outbox = False

    def mailer(self) -> Mailer:
        if has_outbox() and self._mailer is not None and uses_outbox(config()) is not self._is_for_outbox:
            self.forget()  # a fixture has named the outputs of a stack since, or did before
        found = self._mailer
        if found is not None:
            return found
        with self._lock:
            if self._mailer is None:
                given = config()
                self._is_for_outbox = uses_outbox(given)
                self._mailer = _created(given)
            return self._mailer

    def forget(self) -> None:
        with self._lock:
            found, self._mailer = self._mailer, None
        if found is not None:
            found.close()


_process = _Process()


def get_mailer() -> Mailer:
    """The mailer that the setting `MAILSTACK` describes. Each process has one.

    Raises:
        ConfigurationError: The setting is wrong, or the stack's outputs were not found (`StackNotFound`).
    """
    return _process.mailer()


def forget_mailer() -> None:
    """Close the mailer. The next use creates another one, by the settings of that time."""
    _process.forget()
    _stores.cache_clear()
    for forget in _also:
        forget()


# What else is made of the setting, and must be forgotten with the mailer.
_also: "list[Callable[[], None]]" = []


def forget_with_mailer(forget: "Callable[[], None]") -> None:
    """Have something forgotten, too, when the mailer is."""
    _also.append(forget)


def on_setting_changed(*, setting: str, **_: object) -> None:
    """Follow `override_settings` and pytest-django's `settings`."""
    if setting in {SETTING, "DATABASES"}:
        forget_mailer()


def stores_of(found: Config) -> "SqlStores":
    """The stores in Django's database.

    Raises:
        ConfigurationError: SQLAlchemy is not installed, or the database is not supported.
    """
    return _stores(found.database, found.log_days)


@cache
def _stores(alias: str, log_days: int) -> "SqlStores":
    from mailer.install import install_command

    try:
        from mailer.django.store import django_stores
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sqlalchemy":
            raise
        words = f"{SETTING}['STORE'] is 'django', which needs the package SQLAlchemy."
        raise ConfigurationError(words, hint=install_command("sql")) from error
    return django_stores(alias, log_days=log_days)


def _created(found: Config) -> Mailer:
    if found.mailer:
        return _from_function(found.mailer)
    if uses_outbox(found):
        return _for_outbox(found)
    if not found.has_stack:
        return _without_stack(found)
    from mailer.sending.limiter import RateLimit

    rate: RateLimit | Literal[False] | None = None
    if found.rate is False:
        rate = False
    elif found.rate:
        rate = RateLimit(**cast("dict[str, Any]", found.rate))
    return Mailer.from_stack(
        found.stack or os.environ.get(VARIABLE, ""),
        outputs=found.outputs or None,
        transport=_transport(found.transport) if found.transport else None,
        role=found.role,
        send_on_store_error=found.send_on_store_error,
        rate=rate,
        **_parts(found),
    )


def _without_stack(found: Config) -> Mailer:
    return Mailer.over(_transport(found.transport), sender=str(settings.DEFAULT_FROM_EMAIL), **_parts(found))


def _for_outbox(found: Config) -> Mailer:
    from mailer.django.testing import TestOutbox, sender, streams_of

    return Mailer.over(
        TestOutbox(), sender=sender(), name=found.stack or "test", streams=streams_of(found), **_parts(found)
    )


class _Parts(TypedDict):
    """What a mailer has with a stack and without."""

    brand: "Brand | None"
    guard: "RecipientGuard | None"
    hooks: "list[SendHook]"
    unsubscribe: "Unsubscribe | None"
    store: "SqlStores | str | None"


def _parts(found: Config) -> _Parts:
    from mailer.sending.recipient_guard import RecipientGuard
    from mailer.templates.brand import Brand

    return {
        "brand": Brand(**found.brand) if found.brand else None,
        "guard": RecipientGuard(**found.guard) if found.guard else None,
        "hooks": _hooks(found),
        "unsubscribe": found.unsubscribe_links,
        "store": stores_of(found) if found.uses_django_store else found.store or None,
    }


def _hooks(found: Config) -> "list[SendHook]":
    from mailer.django.delivery import AnnounceHook

    own = [cast("type[SendHook]", import_string(path))() for path in found.hooks]
    return [AnnounceHook(), *own] if found.outbox else own


def _from_function(path: str) -> Mailer:
    made = _called("MAILER", path, "a Mailer")
    if not isinstance(made, Mailer):
        words = f"{SETTING}['MAILER'] is {path!r}, which returned a {type(made).__name__}."
        raise ConfigurationError(words, hint="Return a mailer.Mailer.")
    return made


def _transport(path: str) -> "Transport":
    made = _called("TRANSPORT", path, "a transport")
    if not callable(getattr(made, "send", None)) or isinstance(made, Mailer):
        words = f"{SETTING}['TRANSPORT'] is {path!r}, which returned a {type(made).__name__}."
        raise ConfigurationError(words, hint="Return a transport, such as mailer.SmtpTransport.")
    return cast("Transport", made)


def _called(key: str, path: str, wanted: str) -> object:
    """What the function at a path returns."""
    try:
        create = import_string(path)
    except ImportError as error:
        hint = f"Write the path of a function that returns {wanted}. The import failed: {error}"
        raise ConfigurationError(f"{SETTING}[{key!r}] is {path!r}, which cannot be imported.", hint=hint) from error
    return create()
