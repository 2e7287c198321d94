"""The ways that mail can go instead of SES's API; `MAIL_THROUGH` names one. Secrets come from the environment.

On SES, over its API or SMTP, each mail has the configuration set of its stream. Other servers have none.
"""

import os

from mailer import Microsoft365Tokens, Microsoft365Transport, SmtpTransport, load


def smtp() -> SmtpTransport:
    """SMTP with STARTTLS: SES's if a stack is named, otherwise any server's."""
    stack = os.environ.get("MAILSTACK_STACK", "")
    return SmtpTransport(
        os.environ["SMTP_HOST"],
        int(os.environ.get("SMTP_PORT", "587")),
        username=os.environ["SMTP_USERNAME"],
        password=os.environ["SMTP_PASSWORD"],
        ses=load(stack) if stack else None,
    )


def microsoft365() -> Microsoft365Transport:
    """A mailbox of Microsoft 365 over SMTP, with an app password where there is one, and otherwise with OAuth."""
    mailbox, host = os.environ["MICROSOFT365_MAILBOX"], os.environ.get("MICROSOFT365_HOST", "smtp.office365.com")
    port = int(os.environ.get("MICROSOFT365_PORT", "587"))
    if password := os.environ.get("MICROSOFT365_APP_PASSWORD"):
        return Microsoft365Transport(mailbox, app_password=password, host=host, port=port)
    tokens = Microsoft365Tokens(
        os.environ["MICROSOFT365_TENANT"],
        os.environ["MICROSOFT365_CLIENT_ID"],
        os.environ["MICROSOFT365_CLIENT_SECRET"],
        # National clouds have another one.
        authority=os.environ.get("MICROSOFT365_AUTHORITY", "https://login.microsoftonline.com"),
    )
    return Microsoft365Transport(mailbox, tokens=tokens, host=host, port=port)
