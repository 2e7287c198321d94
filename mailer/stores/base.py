"""What a store keeps and promises: suppressions and processed events.

Standard library only, because the Lambda functions import it. Each database has a module of its own.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from mailer.address import address_key, mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Reason = Literal["bounce", "unsubscribe", "complaint", "manual"]
# Weakest first, among those that end together: a bounce never replaces a complaint, and nothing replaces `manual`.
REASONS: tuple[Reason, ...] = get_args(Reason)

# A message lives 14 days at most in a queue and, moved there, 14 more in its DLQ; a redrive after that starts afresh.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
REMEMBERED = timedelta(days=60)
# What a suppression holds for: all mail, that of a stream or that of a tenant.
ALL = ""
SCOPES = ("stream", "tenant")
# The moments that can be written.
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def utcnow() -> datetime:
    """The time, with its zone; the stores' default clock."""
    return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; the first or last that can be written where it lies outside of years 1 to 9999.

    Raises:
        ValueError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("The times of a suppression need a time zone: use datetime.now(UTC).")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == 1 else LAST


@dataclass(frozen=True, slots=True, repr=False)
class Suppression:
    """An address on the suppression list, and the reason.

    Attributes:
        address: The bare address, stored in lower case with an ASCII domain.
        reason: `bounce`, `complaint`, `unsubscribe` or `manual`.
        detail: The evidence, as SES reported it; contains no address.
        created_at: The time of the event, with a time zone. Stored in UTC.
        message_id: The SES id of the message.
        feedback_id: The SES id of the bounce or complaint.
        expires_at: When it expires, with a time zone; None for never. Stored in UTC, rounded up to a second.
        scope: The mail that it holds for: `stream:NAME`, `tenant:NAME`, or empty for all mail.
        actor: Who added it; empty for SES.
    """

    address: str
    reason: Reason
    detail: str = ""
    created_at: datetime = field(default_factory=utcnow)
    message_id: str = ""
    feedback_id: str = ""
    expires_at: datetime | None = None
    scope: str = ALL
    actor: str = ""

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"{self.reason!r} is not a suppression reason. Allowed: {', '.join(REASONS)}.")
        check_scope(self.scope)
        object.__setattr__(self, "created_at", in_utc(self.created_at))
        object.__setattr__(self, "expires_at", _whole_second(self.expires_at) if self.expires_at else None)
        object.__setattr__(self, "address", address_key(self.address))

    def __repr__(self) -> str:
        until = f" until {self.expires_at:%Y-%m-%d}" if self.expires_at else ""
        scope = f" for {self.scope}" if self.scope else ""
        return f"<Suppression {mask(self.address)}: {self.reason} on {self.created_at:%Y-%m-%d}{until}{scope}>"

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


def check_scope(scope: str) -> None:
    """Raise `ValueError` if it is not a scope."""
    kind, colon, name = scope.partition(":")
    if scope != ALL and not (colon and kind in SCOPES and name):
        raise ValueError(f"{scope!r} is not a scope. Write stream:NAME or tenant:NAME; empty for all mail.")


def scopes_of(stream: str, tenant: str = "") -> tuple[str, ...]:
    """The scopes of a message, besides that of all mail."""
    return tuple(f"{kind}:{name}" for kind, name in zip(SCOPES, (stream, tenant), strict=True) if name)


def strongest(found: "Iterable[Suppression]") -> dict[str, Suppression]:
    """Of the suppressions of each address, the one that outranks the others."""
    return {one.address: one for one in sorted(found, key=lambda one: one.rank)}


def _whole_second(moment: datetime) -> datetime:
    """Rounded up: DynamoDB's time to live has no fractions, and a suppression does not end early."""
    whole = in_utc(moment).replace(microsecond=0)
    return whole if whole in (moment, LAST) else whole + timedelta(seconds=1)


class PutOutcome(Enum):
    """The result of `SuppressionStore.put`; true if the suppression was written."""

    WRITTEN = "written"
    OUTRANKED = "outranked"
    """The address already has a suppression, which this one does not outrank."""
    REMOVED_SINCE = "removed since"
    """The address was removed from the list after this event, so it is not suppressed."""

    def __bool__(self) -> bool:
        return self is PutOutcome.WRITTEN


class SuppressionStore(Protocol):
    """The suppression list: addresses that no mail may be sent to. Every method raises `StoreError`."""

    def get_many(self, keys: "Iterable[str]", scopes: "Iterable[str]" = ()) -> dict[str, Suppression]:
        """The active suppressions among these addresses, by the lower-case address; other addresses are left out.

        Those for all mail always count; `scopes` names further ones. Of several, the strongest is returned.
        """
        ...

    def put(self, suppression: Suppression) -> PutOutcome:
        """Write it, unless the address has a suppression that it does not outrank or was removed after the event.

        A time in the future counts as now.
        """
        ...

    def remove(self, address: str, *, scope: str = ALL, actor: str = "", why: str = "") -> bool:
        """Remove an address from the list, for one scope; return whether it was suppressed. Who and why are recorded.

        The time of the removal is stored for `REMEMBERED`, so that an earlier event that arrives late does not suppress
        the address again.
        """
        ...

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """The active suppressions, in no order, at most `limit`. Reads the whole store, so do not call it to send."""
        ...


class RevisableSuppressions(SuppressionStore, Protocol):
    """A suppression list that also serves rules that change their minds. Every method raises `StoreError`."""

    def replace(self, suppression: Suppression) -> PutOutcome:
        """Write it where there is none, an ended one or one of the same actor; leave any other.

        Unlike `put`, it can shorten or end what the same actor added earlier.
        """
        ...

    def removed_at(self, address: str) -> datetime | None:
        """When the address was last removed from the list for all mail, within `REMEMBERED`; None if it was not."""
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
