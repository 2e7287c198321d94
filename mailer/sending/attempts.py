"""What the sender itself records in the message log: the messages that not every recipient was sent.

Messages that SES accepted are recorded by SES's events alone, so most sends write nothing. Other transports publish no
events, so each of their messages is recorded.
"""

import hashlib
from typing import TYPE_CHECKING

from mailer.message_id import ID_TAG, TEMPLATE_TAG, time_of
from mailer.redaction import redact
from mailer.results import Status
from mailer.stores.messages import ATTEMPT, LogEntry

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.message import Message
    from mailer.results import RecipientResult, SendResult

_MAX_WORDS = 400


def attempts_of(message: "Message", result: "SendResult", *, configuration_set: str, now: "datetime") -> list[LogEntry]:
    """The entries of a message, one for each recipient."""
    return [_attempt(message, one, configuration_set, now) for one in result if one.status is not Status.QUEUED]


def _attempt(message: "Message", one: "RecipientResult", configuration_set: str, now: "datetime") -> LogEntry:
    from mailer.transports.ses import sent_tags

    tags = {name: value for name, value in sent_tags(message) if not name.startswith("ses:") and name != ID_TAG}
    return LogEntry(
        key=f"attempt-{hashlib.sha256(one.address.key.encode()).hexdigest()}",
        kind=ATTEMPT,
        recipient=one.address.key,
        at=now,
        sent_at=time_of(message.id) or now,
        id=message.id,
        message_id=one.message_id,
        configuration_set=configuration_set,
        template=tags.pop(TEMPLATE_TAG, ""),
        tags=tuple(tags.items()),
        category=str(one.status),
        words=redact(one.reason)[:_MAX_WORDS],
    )
