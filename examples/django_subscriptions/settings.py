"""The settings of the project. What differs between environments comes from environment variables."""

import os
from urllib.parse import urlsplit

import django

from examples.environment import NEW_KEY_HINT, required

_APP = "examples.django_subscriptions"

SECRET_KEY = required("SECRET_KEY", NEW_KEY_HINT)
# Where people reach the application. Links in mails begin with it, never with the Host header of a request.
SITE_URL = required("SITE_URL", "Name the address of the site: https://signals.example.com").rstrip("/")
_IS_SECURE = SITE_URL.startswith("https://")

INSTALLED_APPS = [
    _APP,
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "mailer.django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    f"{_APP}.content_policy.ContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
ROOT_URLCONF = f"{_APP}.urls"
WSGI_APPLICATION = f"{_APP}.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ, TIME_ZONE = True, "UTC"
STATIC_URL = "static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT")

# PostgreSQL by libpq's own variables (PGHOST, PGUSER, ...), or a file of SQLite.
_postgresql = {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ.get("PGDATABASE")}
_sqlite = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get("DATABASE", "db.sqlite3"),
    # IMMEDIATE: two that write at once wait for each other, instead of one that fails.
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"},
}
DATABASES = {"default": _postgresql if "PGDATABASE" in os.environ else _sqlite}

ALLOWED_HOSTS = [urlsplit(SITE_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = f"{_APP}.views.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_SECURE
SECURE_HSTS_SECONDS = 31_536_000 if _IS_SECURE else 0
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "login", "account", "home"
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60  # seconds; the mail says so
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# Mails that one client may ask for in an hour, by registering or by recovering an account; 1,000 at most.
MAILS_PER_CLIENT = int(os.environ.get("MAILS_PER_CLIENT", "50"))

# The payment provider's webhook: the endpoint's signing secrets, the new one first while you rotate them.
PAYMENT_WEBHOOK_SECRETS = required(
    "PAYMENT_WEBHOOK_SECRETS", "Copy the signing secret of the webhook's endpoint from the payment provider."
).split(",")
# Whether /test-events/ sends the provider's events; never in production.
PAYMENT_TEST_EVENTS = os.environ.get("PAYMENT_TEST_EVENTS") == "yes"

# Mail. MAIL_THROUGH is the one setting: ses (Amazon SES's API), smtp or microsoft365.
MAIL_THROUGH = os.environ.get("MAIL_THROUGH", "ses")
MAILSTACK = {
    "STORE": "django",  # suppressions, message log and outbox are tables beside the application's
    "OUTBOX": True,  # a mail is a row of the transaction that it tells of; `manage.py mailer_outbox` sends it
    "STREAM": "transactional",  # and so the configuration set of each mail
    "BRAND": {"name": "Signals", "website": SITE_URL, "accent": "#0f766e"},
}
if os.environ.get("MAILSTACK_STACK"):
    MAILSTACK["STACK"] = os.environ["MAILSTACK_STACK"]
if MAIL_THROUGH != "ses":
    MAILSTACK["TRANSPORT"] = f"{_APP}.transports.{MAIL_THROUGH}"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "mailer.django.EmailBackend"}}
else:
    EMAIL_BACKEND = "mailer.django.EmailBackend"
if "MAIL_FROM" in os.environ:  # default: the sender of the stack
    DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ["MAIL_FROM"]
_admins = [address for address in os.environ.get("ADMINS", "").split(",") if address]
ADMINS = _admins if django.VERSION >= (6, 0) else [("Administrator", address) for address in _admins]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "admins": {"class": "mailer.django.AdminEmailHandler", "level": "ERROR"},
    },
    "loggers": {
        "security": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "mailer": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.request": {"handlers": ["console", "admins"], "level": "ERROR", "propagate": False},
    },
}
