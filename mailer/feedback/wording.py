"""Entries of the message log as sentences that a support person can read out. Not for what follows from an event."""

from typing import TYPE_CHECKING

from mailer.stores.messages import ATTEMPT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailer.stores.messages import LogEntry

# What enhanced status codes say, by subject and detail: RFC 3463 §3, RFC 7372 §3, RFC 7505 §4.2.
_CODES: "Mapping[str, str]" = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such mail server",
    "1.3": "the address is not valid",
    "1.6": "the mailbox has moved",
    "1.8": "the sender's domain is not accepted",
    "1.10": "the domain accepts no mail",
    "2.1": "the mailbox is disabled",
    "2.2": "the mailbox is full",
    "2.3": "the message is too large",
    "3.4": "the message is too large",
    "4.1": "the mail server does not answer",
    "4.4": "the domain cannot be found",
    "4.7": "the mail server did not take the message in time",
    "7.1": "the mail server does not accept mail from this sender",
    "7.20": "the DKIM signature is missing or wrong",
    "7.23": "SPF does not allow this sender",
    "7.26": "SPF, DKIM and DMARC do not authenticate the message",
}
# SES's classes of bounces and delays:
# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types and
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (delivery delay object)
_CLASSES: "Mapping[str, str]" = {
    "NoEmail": "there is no such mailbox",
    "Suppressed": "it bounced for another customer of Amazon SES, so it was not tried",
    "OnAccountSuppressionList": "it is on the suppression list of the AWS account, so it was not tried",
    "OnTenantSuppressionList": "it is on the suppression list of the tenant, so it was not tried",
    "UnsubscribedRecipient": "the recipient unsubscribed, so it was not tried",
    "EmailValidationSuppressed": "Amazon SES considers the address invalid, so it was not tried",
    "MailboxFull": "the mailbox is full",
    "MessageTooLarge": "the message is too large",
    "ContentRejected": "the mail server does not accept the content",
    "AttachmentRejected": "the mail server does not accept an attachment",
    "InternalFailure": "Amazon SES had a problem",
    "RecipientServerError": "the mail server had a problem",
    "SpamDetected": "the mail server considers the message spam",
    "TransientCommunicationFailure": "the connection to the mail server failed",
    "IPFailure": "the mail server blocks the IP address of Amazon SES",
    "SamplingDelay": "Amazon SES limits the rate to this mail server",
}
_COMPLAINTS: "Mapping[str, str]" = {
    "abuse": "The recipient marked it as spam",
    "fraud": "The recipient reported it as fraud",
    "virus": "The mail server reported a virus",
    "auth-failure": "The mail server reported that authentication failed",
    "not-spam": "The recipient took it out of the spam folder",
    "OnAccountSuppressionList": "Not sent: a recipient who complained is on the suppression list of the AWS account",
}
_ATTEMPTS: "Mapping[str, str]" = {
    "sent": "Accepted by Amazon SES",
    "suppressed": "Not sent: the address is on the suppression list",
    "refused": "Not sent: Amazon SES refused it",
    "throttled": "Not sent: the sending rate or the quota is used up",
    "failed": "Not sent: Amazon SES was not reached",
    "unknown": "Handed to Amazon SES, whose answer was lost",
}


def describe(entry: "LogEntry") -> str:
    """One sentence about an entry, without its time.

    Example:
        >>> from datetime import UTC, datetime
        >>> from mailer.stores.messages import LogEntry
        >>> now = datetime.now(UTC)
        >>> describe(
        ...     LogEntry(
        ...         key="1",
        ...         kind="Bounce",
        ...         recipient="ada@example.org",
        ...         at=now,
        ...         sent_at=now,
        ...         message_id="1",
        ...         category="Transient MailboxFull",
        ...         code="5.2.2",
        ...         words="smtp; 552 5.2.2 Over quota",
        ...     )
        ... )
        'Bounced: the mailbox is full (smtp; 552 5.2.2 Over quota)'
    """
    return f"{_sentence(entry)}{_evidence(entry)}"


def _sentence(entry: "LogEntry") -> str:
    about = _SENTENCES.get(entry.kind)
    return about(entry) if about else f"Amazon SES reported: {entry.kind}"


def _delivery(entry: "LogEntry") -> str:
    domain = entry.recipient.rpartition("@")[2]
    place = f" at {entry.category}" if entry.category else ""
    return f"Delivered to the mail server of {domain}{place}" if domain else "Delivered"


_SENTENCES: "Mapping[str, Callable[[LogEntry], str]]" = {
    "Send": lambda _: "Accepted by Amazon SES",
    "Delivery": _delivery,
    "DeliveryDelay": lambda entry: f"Delayed, Amazon SES keeps trying: {_reason(entry)}",
    "Bounce": lambda entry: f"Bounced: {_reason(entry)}",
    "Complaint": lambda entry: _COMPLAINTS.get(entry.category, "The recipient complained"),
    "Reject": lambda _: "Not delivered: Amazon SES found a virus in it",
    "Rendering Failure": lambda entry: f"Not sent: Amazon SES could not fill the template {entry.category}".rstrip(),
    "Subscription": lambda _: "The recipient changed what they are subscribed to",
    ATTEMPT: lambda entry: _ATTEMPTS.get(entry.category, "Not sent"),
}


def _reason(entry: "LogEntry") -> str:
    said = _said(entry.category, entry.code)
    return said or ("a temporary problem" if entry.category.startswith("Transient") else "no reason is given")


def cause(category: str, code: str) -> str:
    """Why a mail bounced, as a clause.

    Args:
        category: SES's type and subtype of the bounce.
        code: The enhanced status code.

    Example:
        >>> cause("Transient MailboxFull", ""), cause("Transient General", "4.4.1")
        ('the mailbox is full', 'the mail server does not answer')
    """
    return _said(category, code) or "the mail server had a temporary problem"


def _said(category: str, code: str) -> str:
    """What the class says, if it says anything; otherwise what the code says."""
    return _CLASSES.get(category.rpartition(" ")[2]) or _CODES.get(code[2:], "")


def _evidence(entry: "LogEntry") -> str:
    """The words of the remote server. They are its own, and a support person may be asked for them."""
    if entry.kind == ATTEMPT and entry.category in {"sent", "unknown"}:
        return ""
    said = entry.words or entry.code
    return f" ({said})" if said else ""
