"""A mail that came over SMTP, as the parameters of SES's own SendEmail, and what SES replies to it. Pure."""

from typing import Any

from mailstack_localcloud.ses import mime, raw_headers
from mailstack_localcloud.ses.errors import SesError

_SHOWN = ("to", "cc")
_SERVER_ERROR = 500

# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html; the reply to a missing configuration set is what
# people report, and those to other things that are not there are ours.
_REPLIES = {
    "TooManyRequestsException": "454 Throttling failure: {}",
    "LimitExceededException": "454 Throttling failure: {}",
    "MessageRejected": "554 Message rejected: {}",
    "SendingPausedException": "554 Message rejected: {}",
    "AccountSuspendedException": "554 Message rejected: {}",
    "MailFromDomainNotVerifiedException": "554 Message rejected: {}",
    "AccessDeniedException": "554 Access denied: {}",
}
_OTHER = "554 Transaction failed: {}"
_NO_SET = "554 Configuration Set does not exist: {}"


def parameters(mail_from: str, recipients: list[str], content: bytes) -> dict[str, Any]:
    """What SendEmail is to be asked.

    Args:
        mail_from: The envelope's sender, of whom events tell, and who is the sender where the mail names none.
        recipients: The envelope's; those that the headers do not name are blind copies.
        content: The mail.

    Raises:
        SesError: One of SES's own headers cannot be read.
    """
    found = raw_headers.parsed(content)
    wanted = {address.lower() for address in recipients}
    to, cc = (
        [one for one in raw_headers.mailboxes(found, kind) if mime.bare(one).lower() in wanted] for kind in _SHOWN
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


def reply(error: SesError) -> str:
    """What SES replies where its API would answer with this error."""
    other = "451 Temporary service failure" if error.status >= _SERVER_ERROR else _OTHER
    missing_set = error.code == "NotFoundException" and error.message.startswith("Configuration set")
    template = _NO_SET if missing_set else _REPLIES.get(error.code, other)
    text = template.format(" ".join(error.message.split()))
    return text.encode("ascii", "replace").decode()
