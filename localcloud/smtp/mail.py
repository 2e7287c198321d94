"""A mail that came over SMTP, as the parameters of SES's own SendEmail, and what SES replies to it. Pure."""

import re
from email.parser import BytesHeaderParser
from typing import Any

from localcloud.ses import mime
from localcloud.ses.errors import SesError, bad_request

# What SES takes from a mail's headers and leaves out of what it sends:
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html
_OWN_HEADER = re.compile(rb"^X-SES-[^\r\n]*(\r\n[ \t][^\r\n]*)*\r\n", re.IGNORECASE | re.MULTILINE)
_TOPIC = re.compile(r"topic(?:Name)?\s*=\s*(\S+)", re.IGNORECASE)
_SERVER_ERROR = 500

# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html; replies to what is not there are not documented.
_REPLIES = {
    "TooManyRequestsException": "454 Throttling failure: {}",
    "LimitExceededException": "454 Throttling failure: {}",
    "MessageRejected": "554 Message rejected: {}",
    "SendingPausedException": "554 Message rejected: {}",
    "AccountSuspendedException": "554 Message rejected: {}",
    "MailFromDomainNotVerifiedException": "554 Message rejected: {}",
    "AccessDeniedException": "554 Access denied: {}",
}


def parameters(mail_from: str, recipients: list[str], content: bytes) -> dict[str, Any]:
    """What SendEmail is to be asked.

    Args:
        mail_from: The envelope's sender, who is the sender where the mail names none.
        recipients: The envelope's; those that the headers do not name are blind copies.
        content: The mail.

    Raises:
        SesError: One of SES's own headers cannot be read.
    """
    found = mime.raw_recipients(content)
    wanted = {address.lower() for address in recipients}
    to, cc = ([one for one in found[kind] if mime.bare(one).lower() in wanted] for kind in ("To", "Cc"))
    shown = {mime.bare(one).lower() for one in (*to, *cc)}
    return {
        "FromEmailAddress": next(iter(found["From"]), mail_from),
        "Destination": {
            "ToAddresses": to,
            "CcAddresses": cc,
            "BccAddresses": [address for address in recipients if address.lower() not in shown],
        },
        "Content": {"Raw": {"Data": _without_own_headers(content)}},
        **_options(content),
    }


def _options(content: bytes) -> dict[str, Any]:
    """What the mail says in SES's own headers."""
    headers = BytesHeaderParser().parsebytes(content)
    given = {name.lower(): " ".join(str(value).split()) for name, value in headers.items()}
    options: dict[str, Any] = {"EmailTags": _tags(given.get("x-ses-message-tags", ""))}
    for header, name in (("x-ses-configuration-set", "ConfigurationSetName"), ("x-ses-tenant", "TenantName")):
        if given.get(header):
            options[name] = given[header]
    subscription = given.get("x-ses-list-management-options", "")
    if subscription:
        contact_list, _, rest = subscription.partition(";")
        topic = _TOPIC.search(rest)
        options["ListManagementOptions"] = {
            "ContactListName": contact_list.strip(),
            **({"TopicName": topic[1]} if topic else {}),
        }
    return options


def _tags(written: str) -> list[dict[str, str]]:
    pairs = [pair.strip().partition("=") for pair in written.split(",") if pair.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise bad_request(f"Invalid X-SES-MESSAGE-TAGS <{written}>.")
    return [{"Name": name.strip(), "Value": value.strip()} for name, _, value in pairs]


def _without_own_headers(content: bytes) -> bytes:
    head, blank, body = content.partition(b"\r\n\r\n")
    return _OWN_HEADER.sub(b"", head + b"\r\n") + blank[2:] + body


def reply(error: SesError) -> str:
    """What SES replies where its API would answer with this error."""
    other = "451 Temporary service failure" if error.status >= _SERVER_ERROR else "554 Transaction failed: {}"
    text = _REPLIES.get(error.code, other).format(" ".join(error.message.split()))
    return text.encode("ascii", "replace").decode()
