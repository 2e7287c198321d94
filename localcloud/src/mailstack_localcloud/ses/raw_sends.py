"""Converts a raw mail with an envelope, from SMTP or SES v1, to the parameters of SendEmail. Pure."""

from typing import Any

from mailstack_localcloud.ses import mime, raw_headers

_VISIBLE = ("to", "cc")


def send_email_parameters(mail_from: str, recipients: list[str], content: bytes) -> dict[str, Any]:
    """The parameters of SendEmail for a mail with an envelope.

    Args:
        mail_from: The envelope's sender. Events report it, and it is the sender if the mail has no From header.
        recipients: The envelope's recipients. Those that the headers do not name are blind copies.
        content: The mail.

    Raises:
        SesError: One of SES's own headers (`X-SES-…`) cannot be read.
    """
    found = raw_headers.parsed(content)
    wanted = {address.lower() for address in recipients}
    to, cc = (
        [one for one in raw_headers.mailboxes(found, kind) if mime.bare(one).lower() in wanted] for kind in _VISIBLE
    )
    shown = {mime.bare(one).lower() for one in (*to, *cc)}
    return {
        "MailFrom": mail_from,
        "FromEmailAddress": next(iter(raw_headers.mailboxes(found, "from")), mail_from),
        "Destination": {
            "ToAddresses": to,
            "CcAddresses": cc,
            "BccAddresses": [address for address in recipients if address.lower() not in shown],
        },
        "Content": {"Raw": {"Data": raw_headers.without_options(content)}},
        **raw_headers.options(found),
    }
