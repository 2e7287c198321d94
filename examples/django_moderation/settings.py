"""The settings of the project, read from environment variables. README.md lists them."""

import os
from pathlib import Path
from typing import Any

import django

from examples.environment import NEW_KEY_HINT, required

from .database import database_of

BASE_DIR = Path(__file__).parent
SITE_URL = os.environ.get("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
IS_SECURE = SITE_URL.startswith("https://")
SECRET_KEY = required("SECRET_KEY", NEW_KEY_HINT)
DEBUG = os.environ.get("DEBUG") == "yes"
ALLOWED_HOSTS = [SITE_URL.partition("://")[2].partition(":")[0]]
# The header in which the proxy in front says who asks; empty without a proxy.
CLIENT_HEADER = os.environ.get("CLIENT_HEADER", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "mailer.django",
    "examples.django_moderation",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "examples.django_moderation.urls"
WSGI_APPLICATION = "examples.django_moderation.wsgi.application"
DATABASES = {
    "default": database_of(required("DATABASE_URL", "Name the database: sqlite:///db.sqlite3 or postgresql://…"))
}
AUTH_USER_MODEL = "moderation.User"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "/sign-in", "/candidacy", "/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SECURE
STATIC_URL = "/static/"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ne", "नेपाली")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE, USE_TZ = "Asia/Kathmandu", True

# Mail: suppressions, tokens, limits and the message log are in the database of the project. Mail waits for the commit.
MAILSTACK = {
    "STACK": os.environ.get("MAILSTACK_STACK", ""),
    "STORE": "django",
    "OUTBOX": os.environ.get("OUTBOX") == "yes",
    "BRAND": {"name": "Candidates", "website": SITE_URL},
    "HOOKS": ["examples.django_moderation.sent_mails.RecordHook"],
    "USER_LANGUAGE": "language",
    "VERIFY_URL": f"{SITE_URL}/verify/{{token}}",
}
_BACKEND = "mailer.django.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _BACKEND}}
else:
    EMAIL_BACKEND = _BACKEND
ADMINS: list[Any] = []

_FILE: dict[str, dict[str, Any]] = {}
if os.environ.get("LOG_FILE"):
    _FILE["file"] = {
        "class": "logging.handlers.RotatingFileHandler",
        "filename": os.environ["LOG_FILE"],
        "maxBytes": 5_000_000,
        "backupCount": 5,
        "formatter": "line",
    }
_EVERYWHERE = ["console", "admins", *_FILE]
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "admins": {"class": "mailer.django.AdminEmailHandler", "level": "ERROR", "limit": 10},
        **_FILE,
    },
    "loggers": {
        # What became of each mail, with masked addresses.
        "mailer": {"handlers": ["console", *_FILE], "level": "INFO", "propagate": False},
        "authentication.emails": {"handlers": _EVERYWHERE, "level": "INFO", "propagate": False},
        "candidates.emails": {"handlers": _EVERYWHERE, "level": "INFO", "propagate": False},
        "django.request": {"handlers": _EVERYWHERE, "level": "ERROR", "propagate": False},
    },
}
