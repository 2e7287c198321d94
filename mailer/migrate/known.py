"""The settings of mail systems that are known: what each is, and what becomes of it. Data, not decisions.

Names: Django 5.2 to 6.1, Flask-Mail, FastAPI-Mail and django-ses as their documentation has them; SMTP_* and MAIL_* as
projects write them.
"""

from enum import StrEnum
from typing import NamedTuple


class Home(StrEnum):
    """Where a setting goes. The set is closed."""

    STACK = "stack"
    """A key of `Pulumi.<stack>.yaml`."""
    APPLICATION = "application"
    """A setting of the application."""
    FALLBACK = "fallback"
    """Kept for as long as the old server is the fallback."""
    UNCHANGED = "unchanged"
    """It stays: it is not about the way mail is sent."""
    NOT_NEEDED = "not needed"
    """Nothing takes its place."""
    DECIDE = "decide"
    """A person must look at it."""


class Part(StrEnum):
    """What a setting says."""

    BACKEND = "backend"
    HOST = "host"
    PORT = "port"
    USERNAME = "username"
    PASSWORD = "password"  # noqa: S105 - the name of a part
    STARTTLS = "starttls"
    TLS = "tls"
    ENCRYPTION = "encryption"
    URL = "url"
    SENDER = "sender"
    SENDER_NAME = "sender name"
    OTHER_SENDER = "other sender"
    PAGE = "page"
    REGION = "region"
    ENDPOINT = "endpoint"
    ACCESS_KEY = "access key"
    SECRET_KEY = "secret key"  # noqa: S105 - the name of a part
    API_KEY = "api key"
    OTHER = "other"


# The values of these parts are shown, where they have the form of such a value. No other value ever is.
SHOWN = frozenset(
    {
        *(Part.BACKEND, Part.HOST, Part.PORT, Part.STARTTLS, Part.TLS, Part.ENCRYPTION),
        *(Part.SENDER, Part.OTHER_SENDER, Part.PAGE, Part.REGION),
    }
)


class Known(NamedTuple):
    """What is known of some settings.

    Attributes:
        part: What they say.
        home: Where they go.
        becomes: What they become.
        why: Why, in a sentence.
        names: Their names.
    """

    part: Part
    home: Home
    becomes: str
    why: str
    names: str


_ROLE = "a role of the stack (docs/guides/access.md)"
_WEBHOOK = "docs/guides/webhooks.md"

_TABLE = (
    Known(
        Part.BACKEND,
        Home.APPLICATION,
        'EMAIL_BACKEND = "mailer.django.EmailBackend"',
        "Everything that Django sends goes through it.",
        "EMAIL_BACKEND",
    ),
    Known(
        Part.URL,
        Home.FALLBACK,
        "SmtpTransport of the fallback",
        "It holds server, login and encryption.",
        "EMAIL_URL SMTP_URL MAIL_URL MAILER_URL",
    ),
    Known(
        Part.HOST,
        Home.FALLBACK,
        "the server of the fallback",
        "SES needs no server name; the region decides.",
        "EMAIL_HOST SMTP_HOST SMTP_SERVER SMTP_HOSTNAME SMTP_ADDRESS MAIL_HOST MAIL_SERVER EMAIL_SMTP_HOST "
        "EMAIL_SERVER EMAIL_SERVER_HOST EMAIL_SMTP_SERVER MAIL_SMTP_HOST MAIL_SMTP_SERVER MAILER_HOST "
        "SMTP_RELAY_HOST",
    ),
    Known(
        Part.PORT,
        Home.FALLBACK,
        "the port of the fallback",
        "SES's API uses HTTPS.",
        "EMAIL_PORT SMTP_PORT MAIL_PORT EMAIL_SMTP_PORT EMAIL_SERVER_PORT MAIL_SMTP_PORT MAILER_PORT",
    ),
    Known(
        Part.USERNAME,
        Home.FALLBACK,
        "the login of the fallback",
        f"SES needs no login: the application has {_ROLE}.",
        "EMAIL_HOST_USER EMAIL_USER EMAIL_USERNAME EMAIL_LOGIN SMTP_USER SMTP_USERNAME SMTP_LOGIN "
        "MAIL_USERNAME MAIL_USER EMAIL_SERVER_USER EMAIL_SMTP_USER SMTP_HOST_USER MAIL_SMTP_USER MAILER_USER",
    ),
    Known(
        Part.PASSWORD,
        Home.FALLBACK,
        "the login of the fallback",
        f"SES needs no password: the application has {_ROLE}.",
        "EMAIL_HOST_PASSWORD EMAIL_PASSWORD EMAIL_PASS EMAIL_HOST_PASS SMTP_PASSWORD SMTP_PASS "
        "SMTP_HOST_PASSWORD MAIL_PASSWORD MAIL_PASS EMAIL_SERVER_PASSWORD EMAIL_SMTP_PASSWORD "
        "MAIL_SMTP_PASSWORD MAILER_PASSWORD EMAIL_APP_PASSWORD",
    ),
    Known(
        Part.STARTTLS,
        Home.FALLBACK,
        'security="starttls" of the fallback',
        "SES's API is encrypted always.",
        "EMAIL_USE_TLS EMAIL_TLS SMTP_USE_TLS SMTP_TLS SMTP_STARTTLS SMTP_USE_STARTTLS MAIL_USE_TLS "
        "MAIL_STARTTLS MAIL_TLS EMAIL_STARTTLS EMAIL_USE_STARTTLS EMAIL_SMTP_TLS SMTP_ENABLE_STARTTLS",
    ),
    Known(
        Part.TLS,
        Home.FALLBACK,
        'security="tls" of the fallback',
        "SES's API is encrypted always.",
        "EMAIL_USE_SSL EMAIL_SSL SMTP_SSL SMTP_USE_SSL SMTP_SSL_TLS MAIL_USE_SSL MAIL_SSL_TLS MAIL_SSL EMAIL_SMTP_SSL",
    ),
    Known(
        Part.ENCRYPTION,
        Home.FALLBACK,
        "the security of the fallback",
        "SES's API is encrypted always.",
        "MAIL_ENCRYPTION SMTP_ENCRYPTION EMAIL_ENCRYPTION SMTP_SECURE SMTP_SECURITY EMAIL_SECURITY",
    ),
    Known(
        Part.SENDER,
        Home.STACK,
        "mailstack:sender",
        "The From address of mail that names none; its domain is the identity.",
        "DEFAULT_FROM_EMAIL MAIL_DEFAULT_SENDER MAIL_FROM MAIL_FROM_ADDRESS MAIL_SENDER EMAIL_FROM "
        "EMAIL_FROM_ADDRESS FROM_EMAIL EMAILS_FROM_EMAIL EMAIL_SENDER SENDER_EMAIL SMTP_FROM SMTP_FROM_EMAIL "
        "SMTP_FROM_ADDRESS SMTP_SENDER EMAIL_DEFAULT_FROM DEFAULT_SENDER AWS_SES_FROM_EMAIL SES_FROM_EMAIL "
        "SES_SENDER SES_SENDER_EMAIL AWS_SES_SENDER SES_FROM",
    ),
    Known(
        Part.SENDER_NAME,
        Home.STACK,
        "the name in mailstack:sender",
        "The name beside the From address.",
        "MAIL_FROM_NAME EMAILS_FROM_NAME EMAIL_FROM_NAME SMTP_FROM_NAME SES_FROM_NAME FROM_NAME SENDER_NAME "
        "EMAIL_SENDER_NAME",
    ),
    Known(
        Part.OTHER_SENDER,
        Home.STACK,
        "mailstack:allowedSenders",
        "The sender policy allows From addresses that are listed.",
        "SERVER_EMAIL SUPPORT_EMAIL CONTACT_EMAIL NOREPLY_EMAIL NO_REPLY_EMAIL",
    ),
    Known(
        Part.PAGE,
        Home.STACK,
        "mailstack:page",
        "They get the alarms. Error mails to them go on as before.",
        "ADMINS ADMIN_EMAIL",
    ),
    Known(
        Part.OTHER,
        Home.UNCHANGED,
        "",
        "Django's mail_admins and mail_managers use it.",
        "MANAGERS EMAIL_SUBJECT_PREFIX",
    ),
    Known(
        Part.OTHER,
        Home.APPLICATION,
        "reply_to= of Mailer.send",
        "Who reads the answers (docs/guides/message-options.md).",
        "REPLY_TO EMAIL_REPLY_TO MAIL_REPLY_TO DEFAULT_REPLY_TO REPLY_TO_EMAIL MAIL_REPLY_TO_ADDRESS",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "Each attempt has a deadline: 10 s to connect, 60 s in all (docs/guides/sending.md).",
        "EMAIL_TIMEOUT SMTP_TIMEOUT MAIL_TIMEOUT EMAIL_SMTP_TIMEOUT",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "SES writes the Date header itself.",
        "EMAIL_USE_LOCALTIME",
    ),
    Known(
        Part.OTHER,
        Home.DECIDE,
        "SmtpTransport(context=…)",
        "The old server asks for a client certificate; SES does not.",
        "EMAIL_SSL_CERTFILE EMAIL_SSL_KEYFILE MAIL_CERT_BUNDLE SMTP_CA_FILE SMTP_CERT_FILE",
    ),
    Known(
        Part.OTHER,
        Home.APPLICATION,
        "MAILSTACK_OUTPUTS=local:///path/of/a/folder",
        "On a machine without AWS each mail becomes a file (docs/guides/outside-production.md).",
        "EMAIL_FILE_PATH MAIL_SUPPRESS_SEND SUPPRESS_SEND EMAIL_SUPPRESS EMAIL_ENABLED EMAILS_ENABLED "
        "MAIL_ENABLED SEND_EMAILS",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "Connections are kept, renewed and closed by the library.",
        "MAIL_MAX_EMAILS EMAIL_MAX_EMAILS MAIL_LOCAL_HOSTNAME SMTP_POOL",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "The logger `mailer` writes a record for each message (docs/guides/observability.md).",
        "MAIL_DEBUG SMTP_DEBUG EMAIL_DEBUG",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "File names that are not ASCII are encoded as RFC 2231 has it.",
        "MAIL_ASCII_ATTACHMENTS",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "A login is used where there is one, and certificates are verified always.",
        "USE_CREDENTIALS VALIDATE_CERTS MAIL_VALIDATE_CERTS SMTP_AUTH MAIL_USE_CREDENTIALS SMTP_VERIFY_CERTS",
    ),
    Known(
        Part.OTHER,
        Home.APPLICATION,
        "a typed template with files beside it",
        "docs/guides/templates.md",
        "TEMPLATE_FOLDER MAIL_TEMPLATE_FOLDER EMAIL_TEMPLATES_DIR MAIL_TEMPLATES_DIR",
    ),
    Known(
        Part.OTHER,
        Home.APPLICATION,
        'MAILSTACK["OUTBOX"] = True',
        "The outbox keeps mail in the database until it is sent (docs/guides/outbox.md).",
        "CELERY_EMAIL_BACKEND CELERY_EMAIL_TASK_CONFIG CELERY_EMAIL_CHUNK_SIZE POST_OFFICE "
        "MAILER_EMAIL_BACKEND MAILER_EMPTY_QUEUE_SLEEP MAILER_LOCK_PATH",
    ),
    # django-ses: https://github.com/django-ses/django-ses#full-list-of-settings
    Known(
        Part.REGION,
        Home.STACK,
        "aws:region",
        "The stack is deployed there, and its outputs name it.",
        "AWS_SES_REGION_NAME AWS_SES_REGION SES_REGION AWS_REGION AWS_DEFAULT_REGION AWS_REGION_NAME "
        "SES_REGION_NAME SES_AWS_REGION EMAIL_AWS_REGION",
    ),
    Known(
        Part.ENDPOINT,
        Home.NOT_NEEDED,
        "",
        "The endpoint follows from the region.",
        "AWS_SES_REGION_ENDPOINT AWS_SES_REGION_ENDPOINT_URL SES_ENDPOINT AWS_SES_ENDPOINT AWS_SES_ENDPOINT_URL",
    ),
    Known(
        Part.ACCESS_KEY,
        Home.NOT_NEEDED,
        _ROLE,
        "A long-term key is replaced by a role. Delete the key when nothing uses it.",
        "AWS_SES_ACCESS_KEY_ID SES_ACCESS_KEY_ID SES_ACCESS_KEY SES_AWS_ACCESS_KEY_ID AWS_SES_ACCESS_KEY "
        "EMAIL_AWS_ACCESS_KEY_ID",
    ),
    Known(
        Part.SECRET_KEY,
        Home.NOT_NEEDED,
        _ROLE,
        "A long-term key is replaced by a role. Delete the key when nothing uses it.",
        "AWS_SES_SECRET_ACCESS_KEY SES_SECRET_ACCESS_KEY SES_SECRET_KEY SES_AWS_SECRET_ACCESS_KEY "
        "AWS_SES_SECRET_KEY EMAIL_AWS_SECRET_ACCESS_KEY",
    ),
    Known(
        Part.ACCESS_KEY,
        Home.DECIDE,
        _ROLE,
        "Other parts of the application may use this key. For mail a role takes its place.",
        "AWS_ACCESS_KEY_ID AWS_ACCESS_KEY",
    ),
    Known(
        Part.SECRET_KEY,
        Home.DECIDE,
        _ROLE,
        "Other parts of the application may use this key. For mail a role takes its place.",
        "AWS_SECRET_ACCESS_KEY AWS_SECRET_KEY",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        _ROLE,
        "The credentials of a role are temporary by themselves.",
        "AWS_SES_SESSION_TOKEN AWS_SESSION_TOKEN SES_SESSION_TOKEN",
    ),
    Known(
        Part.OTHER,
        Home.APPLICATION,
        "AWS_PROFILE",
        "The credentials are found as boto3 finds them.",
        "AWS_SES_SESSION_PROFILE",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "The account's rate and quota are kept by the library (docs/guides/sending.md).",
        "AWS_SES_AUTO_THROTTLE SES_RATE_LIMIT AWS_SES_RATE_LIMIT",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "SES's API of version 2 is used, with deadlines and retries of the library.",
        "USE_SES_V2 AWS_SES_CONFIG AWS_SES_CLIENT_CONFIG AWS_SES_USE_SES_V2",
    ),
    Known(
        Part.OTHER,
        Home.STACK,
        "mailstack:streams",
        "Each stream has a configuration set of its own; the header X-SES-CONFIGURATION-SET is understood.",
        "AWS_SES_CONFIGURATION_SET SES_CONFIGURATION_SET AWS_SES_CONFIGURATION_SET_NAME",
    ),
    Known(
        Part.OTHER,
        Home.STACK,
        "mailstack:mailFrom",
        "Bounces go to the MAIL FROM domain, and come back as events.",
        "AWS_SES_RETURN_PATH SES_RETURN_PATH",
    ),
    Known(
        Part.OTHER,
        Home.APPLICATION,
        "SendOptions(identity_arn=…, feedback_identity_arn=…)",
        "For an identity of another account (docs/guides/message-options.md).",
        "AWS_SES_SOURCE_ARN AWS_SES_FROM_ARN AWS_SES_RETURN_PATH_ARN",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        f"The webhook verifies every message of SNS ({_WEBHOOK}).",
        "AWS_SES_VERIFY_EVENT_SIGNATURES AWS_SES_VERIFY_BOUNCE_SIGNATURES AWS_SNS_EVENT_CERT_TRUSTED_DOMAINS "
        "AWS_SES_BOUNCE_URL AWS_SES_EVENT_CERT_TRUSTED_DOMAINS AWS_SNS_BOUNCE_CERT_TRUSTED_DOMAINS "
        "EVENT_CERT_DOMAINS BOUNCE_CERT_DOMAINS",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "Bounces and complaints suppress addresses by themselves. Import the old list: mailer suppressions import FILE",
        "AWS_SES_ADD_BOUNCE_TO_BLACKLIST AWS_SES_ADD_COMPLAINT_TO_BLACKLIST AWS_SES_USE_BLACKLIST",
    ),
    Known(
        Part.OTHER,
        Home.NOT_NEEDED,
        "",
        "SES signs with keys that it rotates. To keep a key of your own: mailstack:dkim (docs/guides/dns.md).",
        "DKIM_DOMAIN DKIM_SELECTOR DKIM_HEADERS DKIM_PRIVATE_KEY AWS_SES_DKIM_DOMAIN AWS_SES_DKIM_PRIVATE_KEY "
        "AWS_SES_DKIM_SELECTOR DKIM_PRIVATE_KEY_PATH EMAIL_DKIM_PRIVATE_KEY",
    ),
)

KNOWN: dict[str, Known] = {name: row for row in _TABLE for name in row.names.split()}
