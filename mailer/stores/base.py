"""What a store keeps and promises: suppressions and processed events.

Standard library only: the Lambdas import it. Not for any database's own words; those stand in a file each.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from mailer.address import address_key, mask
from mailer.errors import MailerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Reason = Literal["bounce", "unsubscribe", "complaint", "manual"]
# Weakest first: who said no, in whatever way, must not come back because a mailbox did, and a person's word stands.
REASONS: tuple[Reason, ...] = get_args(Reason)


class StoreError(MailerError):
    """The store could not be read or written; what was asked is not known to have happened."""


def utcnow() -> datetime:
    """The time, with its zone; the stores' default clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, repr=False)
class Suppression:
    """An address that no mail may be sent to, and why.

    Attributes:
        address: The bare address; kept in the form of `mailer.address.address_key`.
        reason: What put it here.
        detail: The evidence, in SES's words where there are any; no address in it.
        created_at: When it happened (the event's own time), with a time zone.
        message_id: SES's id of the message that it happened to.
        feedback_id: SES's id of the bounce or complaint.
        expires_at: When it ends, with a time zone; None for never.
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
        if self.created_at.tzinfo is None or (self.expires_at and self.expires_at.tzinfo is None):
            raise ValueError("A suppression's times need a time zone; use datetime.now(UTC).")
        object.__setattr__(self, "address", address_key(self.address))

    def __repr__(self) -> str:
        until = f" until {self.expires_at:%Y-%m-%d}" if self.expires_at else ""
        return f"<Suppression {mask(self.address)}: {self.reason} on {self.created_at:%Y-%m-%d}{until}>"

    def active(self, now: datetime) -> bool:
        """Whether it holds at that time."""
        return self.expires_at is None or self.expires_at > now

    def outranks(self, other: "Suppression") -> bool:
        """Whether it replaces the other: the stronger reason does, and of one reason the later.

        The rule does not depend on which of the two arrives first, so neither does what ends up in the store.
        """
        mine, theirs = REASONS.index(self.reason), REASONS.index(other.reason)
        return (mine, self.created_at) > (theirs, other.created_at)


class SuppressionStore(Protocol):
    """The list of addresses that no mail may be sent to. Every method raises `StoreError`."""

    def get_many(self, keys: "Iterable[str]") -> dict[str, Suppression]:
        """The suppressions that hold now among these addresses, by `address_key`; the others are left out."""
        ...

    def put(self, suppression: Suppression) -> bool:
        """Write it unless one that it does not outrank holds; say whether it was written."""
        ...

    def remove(self, address: str) -> bool:
        """Put an address back; say whether it was suppressed."""
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
        outcome: What was done: `suppressed` or `recorded`.
        detail: The evidence.
        recipient: The address, masked.
        message_id: SES's id of the message.
        simulator: From the SES mailbox simulator, so not to be counted in any rate.
        occurred_at: The event's own time.
        expires_at: When it may be forgotten.
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


class EventStore(Protocol):
    """Which events have been dealt with. Every method raises `StoreError`."""

    def get(self, key: str) -> ProcessedEvent | None:
        """What was recorded under the key; None when nothing was or its time is over."""
        ...

    def record(self, event: ProcessedEvent) -> bool:
        """Record it unless its key is there already; say whether it was new."""
        ...
