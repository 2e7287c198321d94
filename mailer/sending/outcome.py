"""What became of a message, by the entries of the message log. Pure: `Mailer.outcome` reads them.

A message that SES accepted has a Send event with our id. The absence of one decides only after a time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from mailer.address import mask
from mailer.errors import InvalidMessageId, OutcomeExpired
from mailer.message_id import time_of, was_logged
from mailer.results import Status
from mailer.stores.messages import ATTEMPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailer.stores.messages import LogEntry

# How long the absence of an event decides nothing. The longest ways of a Send event that ends in the log by itself:
# - The last attempt to hand the message over begins 20 s after the id was made and takes 400 s at most: 40 MB at
#   100 kB/s (`mailer.sending.retry`, `mailer.wire`).
# - SNS tries SQS at once, then for 2 s and for about 4 minutes with backoff. What it then still tries every 20 s, for
#   23 days, is an outage of SQS: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
# - SQS hands the event to the function five times, each 180 s apart, before it goes to the dead-letter queue, which
#   pages: `functions/worker.py`.
# That is 26 minutes. SES says nothing about its own part, so the time is doubled and rounded up.
DECIDED_AFTER = timedelta(hours=1)


class MailState(StrEnum):
    """What is known of a message for one recipient. The set is closed."""

    UNKNOWN = "unknown"
    """No event has come yet, and it may still come."""
    NOT_ACCEPTED = "not_accepted"
    """SES did not accept the message, so it may be sent again."""
    SUPPRESSED = "suppressed"
    """On the suppression list, so it was not sent."""
    SENT = "sent"
    """SES accepted the message."""
    DELAYED = "delayed"
    """The remote server could not take it yet; SES keeps trying."""
    DELIVERED = "delivered"
    """The remote server took it."""
    BOUNCED = "bounced"
    """The remote server refused it, or SES gave up."""
    COMPLAINED = "complained"
    """The recipient marked it as spam."""
    REJECTED = "rejected"
    """SES accepted the message and then did not send it: a virus, or a stored template that cannot be rendered."""

    @property
    def was_accepted(self) -> bool:
        """Whether SES accepted the message."""
        return self not in {MailState.UNKNOWN, MailState.NOT_ACCEPTED, MailState.SUPPRESSED}


# Of several states, the last of this order holds. A temporary bounce after a delivery is an automatic answer, and a
# permanent one comes from a server behind the first: so events may arrive in any order.
# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
_ORDER: "tuple[tuple[str, MailState], ...]" = (
    ("Unknown", MailState.UNKNOWN),
    ("NotAccepted", MailState.NOT_ACCEPTED),
    ("Suppressed", MailState.SUPPRESSED),
    ("Send", MailState.SENT),
    ("DeliveryDelay", MailState.DELAYED),
    ("SoftBounce", MailState.BOUNCED),
    ("Delivery", MailState.DELIVERED),
    ("Bounce", MailState.BOUNCED),
    ("Complaint", MailState.COMPLAINED),
    ("Rendering Failure", MailState.REJECTED),
    ("Reject", MailState.REJECTED),
)
# Reports in which no recipient objects; sources in `mailer.feedback.policy`.
_NO_OBJECTION = frozenset({"not-spam", "auth-failure", "virus"})
_RANK = {name: rank for rank, (name, _) in enumerate(_ORDER)}
_STATE: "Mapping[str, MailState]" = dict(_ORDER)
_OF_ATTEMPT: "Mapping[str, str]" = {
    Status.SENT: "Send",
    Status.SUPPRESSED: "Suppressed",
    Status.UNKNOWN: "Unknown",
    Status.REFUSED: "NotAccepted",
    Status.THROTTLED: "NotAccepted",
    Status.FAILED: "NotAccepted",
}


@dataclass(frozen=True, slots=True, repr=False)
class RecipientOutcome:
    """What became of a message for one recipient.

    Attributes:
        address: The bare address.
        state: What is known.
        at: When that happened, in UTC; None if no entry says so.
        words: What the remote server or SES said; contains no address.
    """

    address: str
    state: MailState
    at: datetime | None = None
    words: str = ""

    def __repr__(self) -> str:
        return f"<{mask(self.address)}: {self.state}>"


@dataclass(frozen=True, slots=True, repr=False)
class MessageOutcome:
    """What became of a message, as far as it is known now.

    Attributes:
        id: `SendResult.id`.
        state: The state of the message; of several recipients, the most serious one.
        message_id: SES's id; empty if SES did not accept the message, as far as is known.
        until: With the state `unknown`, when it will be decided at the latest. None for other states, and for a message
            that was sent while the stack kept no message log: nothing decides about that one.
        recipients: The recipients that entries name. None are known of a message without any entry.
    """

    id: str
    state: MailState
    message_id: str = ""
    until: datetime | None = None
    recipients: tuple[RecipientOutcome, ...] = ()

    def __repr__(self) -> str:
        until = f" until {self.until:%H:%M:%S} UTC" if self.until else ""
        return f"<MessageOutcome {self.state}{until}>"


def checked_time(id_: str, *, now: datetime, days: int) -> datetime:
    """When a message with this id was handed over.

    Raises:
        InvalidMessageId: It is not an id of this library.
        OutcomeExpired: The message log does not keep entries of that time any more.
    """
    handed_over = time_of(id_)
    if handed_over is None:
        raise InvalidMessageId(
            "The id is not one that this library gave a message: 32 hexadecimal digits of a UUIDv7.",
            hint="Pass `SendResult.id`. For an id of SES, use `mailer trace`.",
        )
    if handed_over + timedelta(days=days) <= now:
        raise OutcomeExpired(
            f"The message was handed over on {handed_over:%Y-%m-%d}, and the message log keeps {days} days.",
            hint="Ask earlier, or raise the setting mailstack:messageLog.days.",
        )
    return handed_over


def outcome_of(
    id_: str,
    entries: "Iterable[LogEntry]",
    *,
    handed_over: datetime,
    now: datetime,
    decided_after: timedelta = DECIDED_AFTER,
) -> MessageOutcome:
    """The outcome that entries of the log tell, which may be given in any order."""
    by_recipient: dict[str, list[LogEntry]] = {}
    entries = list(entries)
    for entry in entries:
        if _name(entry) in _RANK:
            by_recipient.setdefault(entry.recipient, []).append(entry)
    # Without a message log at that time, no Send event was published, and the absence of one says nothing.
    until = handed_over + decided_after if was_logged(id_) else None
    is_open = until is None or now < until
    recipients = [_recipient(address, rows, is_open=is_open) for address, rows in sorted(by_recipient.items())]
    nothing = MailState.UNKNOWN if is_open else MailState.NOT_ACCEPTED
    state = max((one.state for one in recipients), key=_severity, default=nothing)
    return MessageOutcome(
        id=id_,
        state=state,
        message_id=next((entry.message_id for entry in entries if entry.message_id), ""),
        until=until if state is MailState.UNKNOWN else None,
        recipients=tuple(recipients),
    )


def _recipient(address: str, rows: "Sequence[LogEntry]", *, is_open: bool) -> RecipientOutcome:
    last = max(rows, key=lambda row: (_RANK[_name(row)], row.at, row.key))
    state = _STATE[_name(last)]
    if state is MailState.UNKNOWN and not is_open:
        state = MailState.NOT_ACCEPTED
    return RecipientOutcome(address, state, last.at, last.words)


def _name(entry: "LogEntry") -> str:
    if entry.kind == ATTEMPT:
        return _OF_ATTEMPT.get(entry.category, "")
    if entry.kind == "Bounce" and not entry.category.startswith("Permanent"):
        return "SoftBounce"
    return "" if entry.kind == "Complaint" and entry.category in _NO_OBJECTION else entry.kind


_SEVERITY = (
    MailState.SUPPRESSED,
    MailState.DELIVERED,
    MailState.SENT,
    MailState.DELAYED,
    MailState.NOT_ACCEPTED,
    MailState.UNKNOWN,
    MailState.REJECTED,
    MailState.BOUNCED,
    MailState.COMPLAINED,
)


def _severity(state: MailState) -> int:
    return _SEVERITY.index(state)
