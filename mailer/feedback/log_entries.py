"""Message log entries of an event, one for each recipient. Pure; the stores write them.

Opens and clicks are not kept: they say nothing about delivery.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from mailer.feedback.codes import status_code
from mailer.feedback.events import (
    Bounce,
    Click,
    Complaint,
    Delivery,
    DeliveryDelay,
    Open,
    Reject,
    RenderingFailure,
    event_key,
)
from mailer.message_id import ID_TAG, TEMPLATE_TAG, time_of
from mailer.redaction import redact
from mailer.stores.messages import LogEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mailer.feedback.events import Event, Mail, Recipient

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html; a message has 50 tags at most.
_MAX_TAGS, _MAX_TAG = 50, 256
_MAX_WORDS, _MAX_READ = 400, 2_000
# The clocks of the sender and of SES differ by less.
_TOLERANCE = timedelta(days=1)


def entries_of(event: "Event") -> "list[LogEntry]":
    """The entries of an event; none for opens and clicks, and for an event that names no message."""
    if isinstance(event, Open | Click) or not event.mail.message_id:
        return []
    entries: dict[str, LogEntry] = {}
    for recipient in event.recipients:
        entry = _entry(event, recipient)
        entries.setdefault(entry.key, entry)
    return list(entries.values())


def _entry(event: "Event", recipient: "Recipient") -> LogEntry:
    mail = event.mail
    category, words = _said(event, recipient)
    return LogEntry(
        key=event_key(event, recipient),
        kind=event.kind,
        recipient=recipient.address,
        at=event.occurred_at,
        sent_at=_sent_at(mail, event.occurred_at),
        id=_tag(mail, ID_TAG),
        message_id=mail.message_id[:_MAX_TAG],
        configuration_set=mail.configuration_set[:_MAX_TAG],
        template=_tag(mail, TEMPLATE_TAG),
        tags=tuple(_own_tags(mail)),
        category=category[:_MAX_TAG],
        code=status_code(recipient),
        words=_short(words),
    )


def _said(event: "Event", recipient: "Recipient") -> tuple[str, str]:
    """SES's class of the event, and what it or the remote server said."""
    match event:
        case Bounce():
            said = f"{event.bounce_type} {event.sub_type}".strip(), recipient.diagnostic
        case Complaint():
            said = event.feedback_type or event.sub_type, ""
        case Delivery():
            said = event.remote_ip, event.smtp_response
        case DeliveryDelay():
            said = event.delay_type, recipient.diagnostic
        case Reject():
            said = "", event.reason
        case RenderingFailure():
            said = event.template, event.error
        case _:
            said = "", ""
    return said


def _sent_at(mail: "Mail", occurred_at: "datetime") -> "datetime":
    """When the message was handed over: the same in each of its events."""
    latest = occurred_at + _TOLERANCE
    for moment in (time_of(_tag(mail, ID_TAG)), mail.timestamp):
        if moment and moment <= latest:
            return moment
    return occurred_at


def _tag(mail: "Mail", name: str) -> str:
    value = next(iter(mail.tags.get(name, ())), "")
    return value if len(value) <= _MAX_TAG else ""


def _own_tags(mail: "Mail") -> "Iterator[tuple[str, str]]":
    """The application's tags. SES's own begin with `ses:`."""
    for name, values in list(mail.tags.items())[:_MAX_TAGS]:
        if not name.startswith("ses:") and name not in {ID_TAG, TEMPLATE_TAG} and 0 < len(name) <= _MAX_TAG:
            yield from ((name, value) for value in values[:1] if len(value) <= _MAX_TAG)


def _short(words: str) -> str:
    """Without addresses and line breaks. A half of an address at the cut is completed, so that it is redacted, too."""
    text = words if len(words) <= _MAX_READ else f"{words[:_MAX_READ]}@cut.invalid"
    return redact(" ".join(text.split()))[:_MAX_WORDS]
