"""A Django project for the tests: its settings, and the set-up that may be called more than once."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import django
from django.conf import settings

APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "mailer.django",
    "allauth",
    "allauth.account",
)
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
)
PROCESSORS = (
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)
SETTINGS: dict[str, Any] = {
    "ALLOWED_HOSTS": ["testserver"],  # Django's test client
    "INSTALLED_APPS": list(APPS),
    "MIDDLEWARE": list(MIDDLEWARE),
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "MAILSTACK": {"STACK": "test", "STORE": "django"},
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],  # quick
    "ROOT_URLCONF": "tests.django_urls",
    "SECRET_KEY": "of tests alone",
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": list(PROCESSORS)},
        }
    ],
    "USE_TZ": True,
    "AUTHENTICATION_BACKENDS": [
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    "LANGUAGES": [("en", "English"), ("ne", "Nepali"), ("de", "German")],
}
# Before MAILERS, a project names one backend.
KNOWS_MAILERS = django.VERSION >= (6, 1)


@contextmanager
def database(alias: str, **values: Any) -> Generator[None]:
    """A database beside those of the settings, with the tables of the stores."""
    from django.core.management import call_command
    from django.db import connections

    known = cast("Any", connections)
    known.settings[alias] = known.configure_settings({"default": {}, alias: values})[alias]
    try:
        call_command("migrate", "mailstack", database=alias, verbosity=0)
        yield
    finally:
        known[alias].close()
        del known[alias], known.settings[alias]


def people(*addresses: str) -> list[Any]:
    """ADMINS and MANAGERS, as the Django that is installed wants them."""
    return list(addresses) if django.VERSION >= (6, 0) else [("nobody", address) for address in addresses]


def set_up() -> None:
    """Configure Django once for this process."""
    if not settings.configured:
        settings.configure(**SETTINGS)
        django.setup()
