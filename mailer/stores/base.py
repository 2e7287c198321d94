"""What a store keeps and promises: suppressions and processed events.

Standard library only: the Lambdas import it. Not for any database's own words; those stand in a file each.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from mailer.address import address_key, mask
from mailer.errors import MailerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Reason = Literal["bounce", "unsubscribe", "complaint", "manual"]
# Weakest first: who said no, in whatever way, must not come back because a mailbox did, and a person's word stands.
REASONS: tuple[Reason, ...] = get_args(Reason)

# A message lives 14 days at most in a queue and, moved there, 14 more in its DLQ; a redrive after that starts afresh.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
REMEMBERED = timedelta(days=60)
# The moments that can be written.
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class StoreError(MailerError):
    """The store could not be read or written; what was asked is not known to have happened."""


def utcnow() -> datetime:
    """The time, with its zone; the stores' default clock."""
    return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; the first or last that can be written where it lies outside of years 1 to 9999.

    Raises:
        ValueError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("A suppression's times need a time zone; use datetime.now(UTC).")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == 1 else LAST


@dataclass(frozen=True, slots=True, repr=False)
class Suppression:
    """An address that no mail may be sent to, and why.

    Attributes:
        address: The bare address; kept in the form of `mailer.address.address_key`.
        reason: What put it here.
        detail: The evidence, in SES's words where there are any; no address in it.
        created_at: When it happened (the event's own time), with a time zone. Kept in UTC.
        message_id: SES's id of the message that it happened to.
        feedback_id: SES's id of the bounce or complaint.
        expires_at: When it ends, with a time zone; None for never. Kept in UTC, rounded up to a second.
    """

    address: str
    reason: Reason
    detail: str = ""
    created_at: datetime = field(default_factory=utcnow)
    message_id: str = ""
    feedback_id: str = ""
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"{self.reason!r} is not a reason for a suppression; one of {', '.join(REASONS)} is.")
        object.__setattr__(self, "created_at", in_utc(self.created_at))
        object.__setattr__(self, "expires_at", _whole_second(self.expires_at) if self.expires_at else None)
        object.__setattr__(self, "address", address_key(self.address))

    def __repr__(self) -> str:
        until = f" until {self.expires_at:%Y-%m-%d}" if self.expires_at else ""
        return f"<Suppression {mask(self.address)}: {self.reason} on {self.created_at:%Y-%m-%d}{until}>"

    def active(self, now: datetime) -> bool:
        """Whether it holds at that time."""
        return self.expires_at is None or self.expires_at > now

    def outranks(self, other: "Suppression") -> bool:
        """Whether it replaces the other.

        The one that ends later does, so that no suppression is lost when another ends; of those that end together, the
        stronger reason, then the later. The rule does not depend on which of the two arrives first, so neither does
        what ends up in the store.
        """
        return self.rank > other.rank

    @property
    def rank(self) -> tuple[object, ...]:
        """What `outranks` compares; the ids decide between events of the same moment."""
        end, strength = self.expires_at or LAST, REASONS.index(self.reason)
        return self.expires_at is None, end, strength, self.created_at, self.feedback_id, self.message_id

    def known_at(self, now: datetime) -> "Suppression":
        """The same; one that claims to have happened in the future happened now."""
        return replace(self, created_at=min(self.created_at, in_utc(now)))


def _whole_second(moment: datetime) -> datetime:
    """Rounded up: DynamoDB's time to live has no fractions, and a suppression does not end early."""
    whole = in_utc(moment).replace(microsecond=0)
    return whole if whole in (moment, LAST) else whole + timedelta(seconds=1)


class PutOutcome(Enum):
    """What became of a suppression that was put; true when it was written."""

    WRITTEN = "written"
    OUTRANKED = "outranked"
    """The address is suppressed already, by one that this does not outrank."""
    REMOVED_SINCE = "removed since"
    """Somebody put the address back after this happened, so it is not suppressed."""

    def __bool__(self) -> bool:
        return self is PutOutcome.WRITTEN


class SuppressionStore(Protocol):
    """The list of addresses that no mail may be sent to. Every method raises `StoreError`."""

    def get_many(self, keys: "Iterable[str]") -> dict[str, Suppression]:
        """The suppressions that hold now among these addresses, by `address_key`; the others are left out."""
        ...

    def put(self, suppression: Suppression) -> PutOutcome:
        """Write it unless one stands that it does not outrank, or the address was removed after it happened.

        One that claims to have happened in the future happened now.
        """
        ...

    def remove(self, address: str) -> bool:
        """Put an address back; say whether it was suppressed.

        The time of the removal is kept for `REMEMBERED`: what happened before cannot suppress the address again,
        however late it arrives.
        """
        ...

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """Those that hold now, in no order, `limit` at most. Reads the whole store: for people, not for sending."""
        ...


@dataclass(frozen=True, slots=True)
class ProcessedEvent:
    """One recipient's part of one event, as it was understood. Kept for a time, then forgotten.

    Attributes:
        key: The same for every delivery of the same event; see `mailer.feedback.events`.
        kind: SES's event type.
        outcome: What was done: see `mailer.feedback.processor.Outcome`.
        detail: The evidence.
        recipient: The address, masked.
        message_id: SES's id of the message.
        simulator: From the SES mailbox simulator, so not to be counted in any rate.
        occurred_at: The event's own time.
        expires_at: When it may be forgotten.
        counts_as: What it counts as; see `mailer.feedback.policy.Decision`. These rows are the exact count.
    """

    key: str
    kind: str
    outcome: str
    detail: str
    recipient: str
    message_id: str
    simulator: bool
    occurred_at: datetime
    expires_at: datetime
    counts_as: str = ""


class EventStore(Protocol):
    """Which events have been dealt with. Every method raises `StoreError`."""

    def get(self, key: str) -> ProcessedEvent | None:
        """What was recorded under the key; None when nothing was or its time is over."""
        ...

    def record(self, event: ProcessedEvent) -> bool:
        """Record it unless its key is there already; say whether it was new."""
        ...
