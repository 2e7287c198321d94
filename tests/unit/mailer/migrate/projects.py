"""Settings in the shapes that public projects have. Each secret contains `not-to-be-shown`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SECRET = "not-to-be-shown"
_MANAGE = """\
import os
import sys

def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{module}")
"""


@dataclass(frozen=True)
class Project:
    """Files, and what must be found in them.

    Attributes:
        server: Host, port, security and whether there is a login; None without a fallback.
        stack: Keys of the stack.
    """

    name: str
    files: dict[str, str]
    system: str
    server: tuple[str, int, str, bool] | None
    stack: Mapping[str, object] = field(default_factory=dict[str, object])
    django: bool = True


def django(name: str, settings: str, env: str = "", **rest: str) -> dict[str, str]:
    """A Django project with one settings file."""
    files = {"manage.py": _MANAGE.format(module=f"{name}.settings"), f"{name}/__init__.py": ""}
    files[f"{name}/settings.py"] = f"INSTALLED_APPS = ['django.contrib.contenttypes']\n{settings}"
    return {**files, **({".env": env} if env else {}), **rest}


EXAMPLE = {"mailstack:domain": "example.com"}
STARTTLS = ("smtp.example.com", 587, "starttls", True)

PROJECTS = [
    Project(
        "literals in Django's settings",
        django(
            "shop",
            f"""
EMAIL_BACKEND = 'django.core.mail.backends.smtp.EmailBackend'
EMAIL_HOST = 'smtp.example.com'
EMAIL_PORT = 587
EMAIL_USE_TLS = True
EMAIL_HOST_USER = 'shop-{SECRET}'
EMAIL_HOST_PASSWORD = '{SECRET}'
DEFAULT_FROM_EMAIL = 'Shop <no-reply@example.com>'
SERVER_EMAIL = 'errors@example.com'
ADMINS = [('Ada', 'ada@example.com'), ('Bob', 'bob@example.org')]
""",
        ),
        "SMTP",
        STARTTLS,
        {
            "mailstack:sender": "Shop <no-reply@example.com>",
            "mailstack:allowedSenders": ("no-reply@example.com", "errors@example.com"),
            "mailstack:page": ("ada@example.com", "bob@example.org"),
        },
    ),
    Project(
        "os.environ and os.getenv",
        django(
            "shop",
            """
import os
EMAIL_HOST = os.environ.get("SMTP_SERVER", "localhost")
EMAIL_PORT = int(os.getenv("SMTP_PORT", "25"))
EMAIL_HOST_USER = os.environ["RELAY_LOGIN"]
EMAIL_HOST_PASSWORD = os.environ["RELAY_WORD"]
EMAIL_USE_TLS = os.environ.get("SMTP_TLS", "false").lower() == "true"
DEFAULT_FROM_EMAIL = os.getenv("FROM_EMAIL")
""",
            f"""
export SMTP_SERVER=smtp.example.com
SMTP_PORT=587   # submission
RELAY_LOGIN="{SECRET}@example.com"
RELAY_WORD='{SECRET}#with a $dollar'
SMTP_TLS=True
FROM_EMAIL=no-reply@example.com
""",
        ),
        "SMTP",
        STARTTLS,
        {**EXAMPLE, "mailstack:sender": "no-reply@example.com"},
    ),
    Project(
        "django-environ with a URL",
        django(
            "shop",
            """
import environ
env = environ.Env(DEBUG=(bool, False))
environ.Env.read_env()
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Shop <no-reply@example.com>")
""",
            f"EMAIL_URL=smtp+tls://shop%40example.com:{SECRET}@smtp.example.com:587\n",
        ),
        "SMTP",
        STARTTLS,
        EXAMPLE,
    ),
    Project(
        "django-environ with defaults in its scheme",
        django(
            "shop",
            """
import environ
env = environ.Env(EMAIL_HOST=(str, "smtp.example.com"), EMAIL_PORT=(int, 465), EMAIL_USE_SSL=(bool, True))
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_PORT = env("EMAIL_PORT")
EMAIL_USE_SSL = env("EMAIL_USE_SSL")
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD")
""",
        ),
        "SMTP",
        ("smtp.example.com", 465, "tls", True),
    ),
    Project(
        "decouple",
        django(
            "shop",
            """
from decouple import config, Csv
EMAIL_HOST = config('EMAIL_HOST', default='localhost')
EMAIL_PORT = config('EMAIL_PORT', default=25, cast=int)
EMAIL_HOST_USER = config('EMAIL_HOST_USER', default='')
EMAIL_HOST_PASSWORD = config('EMAIL_HOST_PASSWORD', default='')
EMAIL_USE_TLS = config('EMAIL_USE_TLS', default=False, cast=bool)
SERVER_EMAIL = DEFAULT_FROM_EMAIL = config('DEFAULT_FROM_EMAIL', default='webmaster@localhost')
""",
            f"EMAIL_HOST=smtp.example.com\nEMAIL_PORT=587\nEMAIL_HOST_USER=shop\nEMAIL_HOST_PASSWORD={SECRET}\n"
            "EMAIL_USE_TLS=1\nDEFAULT_FROM_EMAIL=no-reply@example.com\n",
        ),
        "SMTP",
        STARTTLS,
        EXAMPLE,
    ),
    Project(
        "dj-email-url",
        django(
            "shop",
            """
import dj_email_url
email_config = dj_email_url.config(default="console://")
EMAIL_FILE_PATH = email_config["EMAIL_FILE_PATH"]
EMAIL_HOST_USER = email_config["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = email_config["EMAIL_HOST_PASSWORD"]
EMAIL_HOST = email_config["EMAIL_HOST"]
EMAIL_PORT = email_config["EMAIL_PORT"]
EMAIL_BACKEND = email_config["EMAIL_BACKEND"]
EMAIL_USE_TLS = email_config["EMAIL_USE_TLS"]
EMAIL_USE_SSL = email_config["EMAIL_USE_SSL"]
""",
            f"EMAIL_URL=submission://shop-{SECRET}:{SECRET}@smtp.example.com\n",
        ),
        "SMTP",
        STARTTLS,
    ),
    Project(
        "split settings with a base",
        {
            "manage.py": _MANAGE.format(module="config.settings.production"),
            "config/__init__.py": "",
            "config/settings/__init__.py": "",
            "config/settings/base.py": "INSTALLED_APPS = []\nADMINS = [('Ada', 'ada@example.com')]\nEMAIL_TIMEOUT=5\n",
            "config/settings/production.py": f"""
from .base import *  # noqa
from .base import env
EMAIL_HOST = "smtp.example.com"
EMAIL_PORT = 587
EMAIL_USE_TLS = True
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = "{SECRET}", "{SECRET}"
DEFAULT_FROM_EMAIL = "no-reply@example.com"
""",
        },
        "SMTP",
        STARTTLS,
        {"mailstack:page": ("ada@example.com",)},
    ),
    Project(
        "console while debugging, SMTP in production",
        django(
            "shop",
            f"""
DEBUG = True
if DEBUG:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = "smtp.example.com"
    EMAIL_PORT = 587
    EMAIL_USE_TLS = True
    EMAIL_HOST_USER = "{SECRET}"
    EMAIL_HOST_PASSWORD = "{SECRET}"
try:
    from .local import *
except ImportError:
    pass
""",
        ),
        "SMTP",
        STARTTLS,
    ),
    Project(
        "django-configurations",
        django(
            "shop",
            """
from configurations import Configuration, values
class Common(Configuration):
    EMAIL = values.EmailURLValue("console://")
    EMAIL_PORT = values.IntegerValue(587)
class Production(Common):
    EMAIL_HOST = values.Value("localhost", environ_name="MAIL_HOST", environ_prefix=None)
    EMAIL_USE_TLS = values.BooleanValue(True)
    EMAIL_HOST_USER = values.SecretValue()
    EMAIL_HOST_PASSWORD = values.SecretValue()
""",
            f"MAIL_HOST=smtp.example.com\nDJANGO_EMAIL_HOST_USER={SECRET}\nDJANGO_EMAIL_HOST_PASSWORD={SECRET}\n",
        ),
        "SMTP",
        STARTTLS,
    ),
    Project(
        "MAILERS of Django 6.1",
        django(
            "shop",
            f"""
MAILERS = {{
    "default": {{
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {{
            "host": "smtp.example.com",
            "port": 587,
            "username": "shop-{SECRET}",
            "password": "{SECRET}",
            "use_tls": True,
        }},
    }},
}}
DEFAULT_FROM_EMAIL = "no-reply@example.com"
""",
        ),
        "SMTP",
        STARTTLS,
        EXAMPLE,
    ),
    Project(
        "django-ses",
        django(
            "shop",
            f"""
EMAIL_BACKEND = 'django_ses.SESBackend'
AWS_SES_REGION_NAME = 'eu-west-1'
AWS_SES_REGION_ENDPOINT = 'email.eu-west-1.amazonaws.com'
AWS_SES_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE'
AWS_SES_SECRET_ACCESS_KEY = '{SECRET}'
AWS_SES_AUTO_THROTTLE = 0.5
USE_SES_V2 = True
AWS_SES_CONFIGURATION_SET = 'shop'
AWS_SES_FROM_EMAIL = 'no-reply@example.com'
""",
        ),
        "django-ses",
        None,
        {**EXAMPLE, "aws:region": "eu-west-1"},
    ),
    Project(
        "anymail with Mailgun",
        django(
            "shop",
            f"""
EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
ANYMAIL = {{
    "MAILGUN_API_KEY": "{SECRET}",
    "MAILGUN_SENDER_DOMAIN": "mg.example.com",
    "WEBHOOK_SECRET": "a:{SECRET}",
}}
DEFAULT_FROM_EMAIL = "no-reply@example.com"
""",
        ),
        "anymail with Mailgun",
        None,
        EXAMPLE,
    ),
    Project(
        "anymail with SendGrid, by environment",
        django(
            "shop",
            """
EMAIL_BACKEND = env("DJANGO_EMAIL_BACKEND", default="anymail.backends.sendgrid.EmailBackend")
ANYMAIL = {
    "SENDGRID_API_KEY": env("SENDGRID_API_KEY"),
    "SENDGRID_API_URL": env("SENDGRID_API_URL", default="https://api.sendgrid.com/v3/"),
}
""",
            f"SENDGRID_API_KEY={SECRET}\n",
        ),
        "anymail with SendGrid",
        ("smtp.sendgrid.net", 587, "starttls", True),
    ),
    Project(
        "anymail with Amazon SES",
        django(
            "shop",
            f"""
EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
ANYMAIL = {{"AMAZON_SES_CLIENT_PARAMS": {{"aws_secret_access_key": "{SECRET}", "region_name": "us-west-2"}}}}
""",
        ),
        "anymail with Amazon SES",
        None,
    ),
    Project(
        "SES over SMTP",
        {
            ".env": f"EMAIL_HOST=email-smtp.eu-central-1.amazonaws.com\nEMAIL_PORT=587\nEMAIL_HOST_USER={SECRET}\n"
            f"EMAIL_HOST_PASSWORD={SECRET}\nDEFAULT_FROM_EMAIL=no-reply@example.com\n"
        },
        "SMTP of Amazon SES in eu-central-1",
        None,
        {**EXAMPLE, "aws:region": "eu-central-1"},
        django=False,
    ),
    Project(
        "Microsoft 365",
        {
            ".env": f"SMTP_HOST=smtp.office365.com\nSMTP_PORT=587\nSMTP_USERNAME=shop-{SECRET}@example.com\n"
            f"SMTP_PASSWORD={SECRET}\nSMTP_FROM=shop@example.com\n"
        },
        "SMTP of Microsoft 365",
        ("smtp.office365.com", 587, "starttls", True),
        EXAMPLE,
        django=False,
    ),
    Project(
        "Flask-Mail",
        {
            "config.py": f"""
import os
class Config:
    SECRET_KEY = os.environ.get("SECRET_KEY") or "{SECRET}"
    MAIL_SERVER = os.environ.get("MAIL_SERVER")
    MAIL_PORT = int(os.environ.get("MAIL_PORT") or 25)
    MAIL_USE_TLS = os.environ.get("MAIL_USE_TLS") is not None
    MAIL_USERNAME = os.environ.get("MAIL_USER")
    MAIL_PASSWORD = os.environ.get("MAIL_PASSWORD")
    ADMINS = ["ada@example.com"]
""",
            ".env": f"MAIL_SERVER=smtp.example.com\nMAIL_PORT=587\nMAIL_USE_TLS=1\nMAIL_USER=a\nMAIL_PASSWORD={SECRET}",
        },
        "SMTP",
        STARTTLS,
        {"mailstack:page": ("ada@example.com",)},
        django=False,
    ),
    Project(
        "Flask's application factory",
        {
            "config.py": f"""
from flask import Flask
def create_app():
    app = Flask(__name__)
    app.config["MAIL_SERVER"] = "smtp.example.com"
    app.config.update(MAIL_PORT=465, MAIL_USE_SSL=True, MAIL_USERNAME="{SECRET}", MAIL_PASSWORD="{SECRET}")
    app.config["MAIL_DEFAULT_SENDER"] = ("Shop", "no-reply@example.com")
    return app
"""
        },
        "SMTP",
        ("smtp.example.com", 465, "tls", True),
        EXAMPLE,
        django=False,
    ),
    Project(
        "FastAPI-Mail",
        {
            "config.py": f"""
from fastapi_mail import ConnectionConfig
conf = ConnectionConfig(
    MAIL_USERNAME="{SECRET}",
    MAIL_PASSWORD=SecretStr("{SECRET}"),
    MAIL_FROM="no-reply@example.com",
    MAIL_FROM_NAME="Shop",
    MAIL_PORT=587,
    MAIL_SERVER="smtp.example.com",
    MAIL_STARTTLS=True,
    MAIL_SSL_TLS=False,
    USE_CREDENTIALS=True,
    VALIDATE_CERTS=True,
)
"""
        },
        "SMTP",
        STARTTLS,
        {**EXAMPLE, "mailstack:sender": "Shop <no-reply@example.com>"},
        django=False,
    ),
    Project(
        "pydantic-settings",
        {
            "app/core/config.py": """
from pydantic import EmailStr, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", env_prefix="APP_")
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_tls: bool = True
    smtp_user: str | None = Field(default=None, alias="SMTP_LOGIN_NAME")
    smtp_password: str | None = None
    emails_from_email: EmailStr | None = None
    emails_from_name: str | None = "Shop"
settings = Settings()
""",
            ".env": f"APP_SMTP_HOST=smtp.example.com\nSMTP_LOGIN_NAME={SECRET}\nAPP_SMTP_PASSWORD={SECRET}\n"
            "APP_EMAILS_FROM_EMAIL=no-reply@example.com\n",
        },
        "SMTP",
        STARTTLS,
        {**EXAMPLE, "mailstack:sender": "Shop <no-reply@example.com>"},
        django=False,
    ),
    Project(
        "a .env with every kind of quote",
        {
            ".env": f"""\ufeff# Mail
export SMTP_HOST = "smtp.example.com"  # the relay
SMTP_PORT='587'
SMTP_USER=`shop-{SECRET}`
SMTP_PASSWORD="first line {SECRET}
second \\"line\\" {SECRET}"
SMTP_ENCRYPTION=tls
DOMAIN=example.com
MAIL_FROM="no-reply@${{DOMAIN}}"
MAIL_FROM_NAME="The ${{SHOP:-Shop}}"
#SMTP_HOST=old.example.com
BROKEN LINE
="""
        },
        "SMTP",
        STARTTLS,
        {**EXAMPLE, "mailstack:sender": "The Shop <no-reply@example.com>"},
        django=False,
    ),
    Project(
        "lines of Windows",
        {".env": f"EMAIL_HOST=smtp.example.com\r\nEMAIL_PORT=587\r\nEMAIL_HOST_USER=a\r\nEMAIL_PASS={SECRET}\r\n"},
        "SMTP",
        STARTTLS,
        django=False,
    ),
    Project(
        "a relay without TLS and login",
        {".env": "SMTP_HOST=relay.example.com\nSMTP_PORT=25\nEMAIL_FROM=no-reply@example.com\n"},
        "SMTP",
        ("relay.example.com", 25, "starttls", False),
        EXAMPLE,
        django=False,
    ),
    Project(
        "Postfix on this machine",
        {".env": "SMTP_HOST=localhost\nSMTP_PORT=25\nEMAIL_FROM=no-reply@example.com\n"},
        "SMTP",
        ("localhost", 25, "loopback", False),
        EXAMPLE,
        django=False,
    ),
    Project(
        "a sender at a free provider",
        {
            ".env": f"EMAIL_HOST=smtp.gmail.com\nEMAIL_PORT=587\nEMAIL_USER={SECRET}@gmail.com\nEMAIL_PASS={SECRET}\n"
            "DEFAULT_FROM_EMAIL=shop@gmail.com\n"
        },
        "SMTP",
        ("smtp.gmail.com", 587, "starttls", True),
        {"mailstack:domain": ""},
        django=False,
    ),
    Project(
        "keys of SES in a .env",
        {
            ".env": f"AWS_REGION=eu-west-1\nAWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY={SECRET}\n"
            "SES_FROM_EMAIL=no-reply@example.com\nSES_CONFIGURATION_SET=shop\n"
        },
        "the API of Amazon SES",
        None,
        {**EXAMPLE, "aws:region": "eu-west-1"},
        django=False,
    ),
    Project(
        "mail through Celery",
        django(
            "shop",
            f"""
EMAIL_BACKEND = "djcelery_email.backends.CeleryEmailBackend"
CELERY_EMAIL_TASK_CONFIG = {{"rate_limit": "50/m"}}
EMAIL_HOST = "smtp.example.com"
EMAIL_PORT = 587
EMAIL_HOST_USER = "{SECRET}"
EMAIL_HOST_PASSWORD = "{SECRET}"
""",
        ),
        "SMTP",
        STARTTLS,
    ),
    Project(
        "MailHog in Docker Compose",
        {".env": "EMAIL_HOST=mailhog\nEMAIL_PORT=1025\n"},
        "SMTP",
        None,
        django=False,
    ),
]
