"""SES's SMTP reply for each error of its API. Pure."""

from mailstack_localcloud.ses.errors import SesError

_SERVER_ERROR = 500

# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html; the reply for a missing configuration
# set is from public reports; the replies for other missing things are ours.
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


def reply(error: SesError) -> str:
    """The reply in place of this error."""
    other = "451 Temporary service failure" if error.status >= _SERVER_ERROR else _OTHER
    missing_set = error.code == "NotFoundException" and error.message.startswith("Configuration set")
    template = _NO_SET if missing_set else _REPLIES.get(error.code, other)
    text = template.format(" ".join(error.message.split()))
    return text.encode("ascii", "replace").decode()
