"""The settings of anymail: its providers, and what becomes of each key. https://anymail.dev/en/stable/esps/."""

from typing import NamedTuple

from mailer.migrate.known import Home, Known, Part


class Provider(NamedTuple):
    """A provider that anymail knows.

    Attributes:
        name: For people.
        prefix: What its settings begin with.
        host: Its SMTP server that takes the API key as the password; empty where it wants another one.
        username: The user name there; the name of a setting in braces.
        password: The setting that is the password there.
    """

    name: str
    prefix: str
    host: str = ""
    username: str = ""
    password: str = ""


PROVIDERS: dict[str, Provider] = {
    "amazon_ses": Provider("Amazon SES", "AMAZON_SES"),
    "brevo": Provider("Brevo", "BREVO"),
    "sendinblue": Provider("Brevo", "SENDINBLUE"),
    "mailersend": Provider("MailerSend", "MAILERSEND"),
    "mailgun": Provider("Mailgun", "MAILGUN"),
    # https://dev.mailjet.com/smtp-relay/configuration/
    "mailjet": Provider("Mailjet", "MAILJET", "in-v3.mailjet.com", "{MAILJET_API_KEY}", "MAILJET_SECRET_KEY"),
    "mailtrap": Provider("Mailtrap", "MAILTRAP"),
    # https://mailchimp.com/developer/transactional/docs/smtp-integration/
    "mandrill": Provider("Mandrill", "MANDRILL", "smtp.mandrillapp.com", "mailstack", "MANDRILL_API_KEY"),
    "postal": Provider("Postal", "POSTAL"),
    # https://postmarkapp.com/developer/user-guide/send-email-with-smtp
    "postmark": Provider(
        "Postmark", "POSTMARK", "smtp.postmarkapp.com", "{POSTMARK_SERVER_TOKEN}", "POSTMARK_SERVER_TOKEN"
    ),
    # https://resend.com/docs/send-with-smtp
    "resend": Provider("Resend", "RESEND", "smtp.resend.com", "resend", "RESEND_API_KEY"),
    "scaleway": Provider("Scaleway", "SCALEWAY"),
    # https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api
    "sendgrid": Provider("SendGrid", "SENDGRID", "smtp.sendgrid.net", "apikey", "SENDGRID_API_KEY"),
    # https://developers.sparkpost.com/api/smtp/
    "sparkpost": Provider("SparkPost", "SPARKPOST", "smtp.sparkpostmail.com", "SMTP_Injection", "SPARKPOST_API_KEY"),
    "unisender_go": Provider("Unisender Go", "UNISENDER_GO"),
}

_SECRET_ENDINGS = ("_API_KEY", "_SERVER_TOKEN", "_SECRET_KEY", "_API_TOKEN", "_ACCOUNT_TOKEN")
_WEBHOOK = "SNS signs the events of SES, and the webhook verifies them (docs/guides/webhooks.md)."
_ENDINGS: tuple[tuple[str, Known], ...] = (
    ("WEBHOOK_SECRET", Known(Part.OTHER, Home.NOT_NEEDED, "", _WEBHOOK, "")),
    ("WEBHOOK_SIGNING_KEY", Known(Part.OTHER, Home.NOT_NEEDED, "", _WEBHOOK, "")),
    ("WEBHOOK_KEY", Known(Part.OTHER, Home.NOT_NEEDED, "", _WEBHOOK, "")),
    ("WEBHOOK_VERIFICATION_KEY", Known(Part.OTHER, Home.NOT_NEEDED, "", _WEBHOOK, "")),
    ("SIGNING_SECRET", Known(Part.OTHER, Home.NOT_NEEDED, "", _WEBHOOK, "")),
    ("INBOUND_SECRET", Known(Part.OTHER, Home.DECIDE, "", "This library sends mail, and receives none.", "")),
    (
        "INBOUND_WEBHOOK_SIGNATURE",
        Known(Part.OTHER, Home.DECIDE, "", "This library sends mail, and receives none.", ""),
    ),
    (
        "SEND_DEFAULTS",
        Known(
            Part.OTHER,
            Home.APPLICATION,
            "tags, headers and options of Mailer.send",
            "Streams hold what all mails of a kind share (docs/guides/message-options.md).",
            "",
        ),
    ),
    (
        "SENDER_DOMAIN",
        Known(Part.OTHER, Home.STACK, "mailstack:domain", "The identity is the domain that mail is sent from.", ""),
    ),
    ("API_URL", Known(Part.ENDPOINT, Home.NOT_NEEDED, "", "The endpoint follows from the region.", "")),
    (
        "CONFIGURATION_SET_NAME",
        Known(Part.OTHER, Home.STACK, "mailstack:streams", "Each stream has a configuration set of its own.", ""),
    ),
    (
        "MESSAGE_TAG_NAME",
        Known(
            Part.OTHER, Home.APPLICATION, 'mailstack_options["tags"]', "Tags have names (docs/guides/django.md).", ""
        ),
    ),
    (
        "CLIENT_PARAMS",
        Known(Part.OTHER, Home.NOT_NEEDED, "a role of the stack (docs/guides/access.md)", "A role needs no keys.", ""),
    ),
    ("SESSION_PARAMS", Known(Part.OTHER, Home.APPLICATION, "AWS_PROFILE", "Credentials are found as boto3 does.", "")),
    (
        "AUTO_CONFIRM_SNS_SUBSCRIPTIONS",
        Known(Part.OTHER, Home.APPLICATION, 'MAILSTACK["CONFIRM_SUBSCRIPTIONS"]', "docs/guides/webhooks.md", ""),
    ),
    ("MESSAGE_STREAM", Known(Part.OTHER, Home.STACK, "mailstack:streams", "Streams separate kinds of mail.", "")),
    (
        "IGNORE_UNSUPPORTED_FEATURES",
        Known(Part.OTHER, Home.NOT_NEEDED, "", "What SES cannot carry is an error, and nothing is lost silently.", ""),
    ),
    (
        "IGNORE_RECIPIENT_STATUS",
        Known(Part.OTHER, Home.NOT_NEEDED, "", "Each recipient has a status of its own: message.mailstack_result.", ""),
    ),
    (
        "REQUESTS_TIMEOUT",
        Known(Part.OTHER, Home.NOT_NEEDED, "", "Each attempt has a deadline: 10 s to connect, 60 s in all.", ""),
    ),
    (
        "DEBUG_API_REQUESTS",
        Known(Part.OTHER, Home.NOT_NEEDED, "", "The logger `mailer` writes a record for each message.", ""),
    ),
)
_PREFIXES = tuple(dict.fromkeys(one.prefix for one in PROVIDERS.values()))


def known_to_anymail(name: str, *, inside: bool) -> Known | None:
    """What a key is.

    Args:
        name: The key of the dict `ANYMAIL`, or a setting of its own.
        inside: Whether it is in the dict, where every key is anymail's.

    Example:
        >>> known_to_anymail("MAILGUN_API_KEY", inside=False).part
        <Part.API_KEY: 'api key'>
    """
    name = name.removeprefix("ANYMAIL_")
    provider = next((one for one in _PREFIXES if name.startswith(f"{one}_")), "")
    if not (provider or inside):
        return None
    if name.endswith(_SECRET_ENDINGS):
        words = "SES needs no API key: the application has a role. Revoke the key at the provider at the end."
        return Known(Part.API_KEY, Home.NOT_NEEDED, "a role of the stack (docs/guides/access.md)", words, "")
    found = next((known for ending, known in _ENDINGS if name.endswith(ending)), None)
    if found is None and inside:
        return Known(Part.OTHER, Home.NOT_NEEDED, "", "It configures the old provider.", "")
    return found


def provider_of(backend: str) -> Provider | None:
    """The provider of a backend of Django, such as `anymail.backends.mailgun.EmailBackend`."""
    parts = backend.split(".")
    return PROVIDERS.get(parts[2]) if parts[:2] == ["anymail", "backends"] and len(parts) > 2 else None  # noqa: PLR2004
