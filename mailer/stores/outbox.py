"""What a store of the outbox keeps and promises: mails that are to be sent, and what became of them.

Standard library only. Not for what is inside a mail, which is one opaque text here: see `mailer.outbox.payload`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta
    from threading import Event


class OutboxStatus(StrEnum):
    """The status of a mail in the outbox. The set is closed."""

    PENDING = "pending"
    """To be sent, at once or at its time."""
    SENDING = "sending"
    """A relay has claimed it, and the service may have been asked."""
    UNKNOWN = "unknown"
    """The relay died or got no answer: the service may have accepted the mail."""
    SENT = "sent"
    """The service accepted the mail."""
    SUPPRESSED = "suppressed"
    """Every recipient is on the suppression list."""
    EXPIRED = "expired"
    """It was not sent by its `expires_at`."""
    CANCELLED = "cancelled"
    """It was cancelled before it was sent."""
    DEAD = "dead"
    """It cannot be sent, or nobody knows whether it was: a person must decide. `reason` says why."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the mail by itself."""
        return self not in {OutboxStatus.PENDING, OutboxStatus.SENDING, OutboxStatus.UNKNOWN}


# What is wiped of its content: nobody will send it again. A mail that is sent may be kept for its redelivery.
WIPED = frozenset({OutboxStatus.SENT, OutboxStatus.SUPPRESSED, OutboxStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewMail:
    """A mail to write into the outbox.

    Attributes:
        id: Its id, a UUIDv7 as `mailer.message_id` makes them.
        payload: The mail itself; encrypted at rest where the store has a key.
        recipients: Its addresses, as `Address.key`, for erasure.
        stream: The name of its stream.
        created_at: Now.
        send_at: When it is to be sent, at the earliest.
        expires_at: When it must not be sent any more; None for never.
        priority: Larger ones are sent first.
        key: What is stored of its idempotency key; empty for none.
        fingerprint: What tells it from another mail with the same key.
        redeliver_until: Until when it is sent again to who lost it to a soft bounce; None for never. See
            `mailer.outbox.redelivery`.
    """

    id: str
    payload: str
    recipients: tuple[str, ...]
    stream: str
    created_at: "datetime"
    send_at: "datetime"
    expires_at: "datetime | None" = None
    priority: int = 0
    key: str = ""
    fingerprint: str = ""
    redeliver_until: "datetime | None" = None

    def __repr__(self) -> str:
        return f"<NewMail {self.id}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OutboxMail:
    """A mail in the outbox, without its content.

    Attributes:
        id: The id that `enqueue` returned.
        status: Its status.
        stream: The name of its stream.
        priority: Larger ones are sent first.
        created_at: When it was written.
        send_at: When it was to be sent, at the earliest.
        due_at: When it is tried next; for `unknown`, when the evidence is read next.
        changed_at: When its status changed last.
        expires_at: When it must not be sent any more; None for never.
        attempts: How often a relay has claimed it.
        attempt_id: The id of its last attempt: the tag `mailstack-id` in SES's events. Empty before the first.
        message_id: The id of the service, if it accepted the mail.
        reason: Why it has this status, in a few words; contains no address.
    """

    id: str
    status: OutboxStatus
    stream: str
    priority: int
    created_at: "datetime"
    send_at: "datetime"
    due_at: "datetime"
    changed_at: "datetime"
    expires_at: "datetime | None"
    attempts: int
    attempt_id: str
    message_id: str
    reason: str

    def __repr__(self) -> str:
        return f"<OutboxMail {self.id}: {self.status}{f', {self.reason}' if self.reason else ''}>"


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """A mail that a relay has claimed, and nobody else sends.

    Attributes:
        mail: The mail, with the id of this attempt.
        payload: Its content.
    """

    mail: OutboxMail
    payload: str

    def __repr__(self) -> str:
        return f"<Claim of {self.mail.id}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Change:
    """What becomes of a mail after an attempt, or when evidence decides about one.

    Attributes:
        status: The new status.
        reason: Why, in a few words; contains no address.
        message_id: The id of the service, if it accepted the mail.
        due_at: When to try again or look again; None to leave it.
        payload: The mail without those recipients who are served; empty to leave it.
        recipients: The addresses of `payload`, as `Address.key`.
    """

    status: OutboxStatus
    reason: str = ""
    message_id: str = ""
    due_at: "datetime | None" = None
    payload: str = ""
    recipients: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Change to {self.status}{f': {self.reason}' if self.reason else ''}>"


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many mails have a status.

    Attributes:
        count: How many.
        due: How many of them have reached `due_at`; none of those that ended.
        oldest: The `send_at` of the oldest that has reached it; None if none has.
    """

    count: int = 0
    due: int = 0
    oldest: "datetime | None" = None


class OutboxStore(Protocol):
    """All that a relay needs of an outbox. Every method that reads or writes is atomic and raises `StoreError`."""

    @property
    def notifies(self) -> bool:
        """Whether `listen` does something."""
        ...

    def listen(self, wake: "Event") -> "AbstractContextManager[None]":
        """Set the event whenever a mail is committed that is to be sent at once, while the context is open."""
        ...

    def now(self) -> "datetime":
        """The time of the outbox, in UTC."""
        ...

    def claim(self, relay: str, ids: "Sequence[str]", lease: "timedelta") -> "list[Claim]":
        """Claim the due mails of the highest priority, oldest first, one for each id of an attempt.

        They are `sending` from here on, under these ids, and no other relay claims them. Expired ones are marked.
        """
        ...

    def extend(self, attempts: "Iterable[str]", lease: "timedelta") -> set[str]:
        """Extend the claims of these attempts, and return those that are still the relay's."""
        ...

    def finish(self, mail: OutboxMail, change: Change) -> bool:
        """Record what became of an attempt; False if the mail has another attempt or an end by now."""
        ...

    def lapse(self, grace: "timedelta") -> int:
        """Mark mails as `unknown` whose relay has not extended its claim; return how many."""
        ...

    def undecided(self, limit: int, again: "timedelta") -> list[OutboxMail]:
        """The `unknown` mails whose evidence is to be read now. Other relays get them only after this time."""
        ...

    def sent_after(self, attempt: str, limit: int) -> list[str]:
        """The ids of attempts by which mails were sent that were claimed after this one, the earliest first."""
        ...

    def purge(self, keep: "timedelta", keep_dead: "timedelta") -> int:
        """Delete mails that ended; return how many."""
        ...

    def counts(self, *, final: bool = True) -> "Mapping[OutboxStatus, OutboxCount]":
        """How many mails have each status; without those that ended well where `final` is False."""
        ...
