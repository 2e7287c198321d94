"""The provider's events as values: the parts of Stripe's objects that the application reads.

The objects: https://docs.stripe.com/api/events/object, of API version 2025-03-31 or later, in which the period belongs
to the items of a subscription, and an invoice names the subscription as its parent.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mailer import Money

# Stripe writes amounts in the smallest unit: https://docs.stripe.com/currencies#zero-decimal
_NO_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE_DECIMALS = frozenset("BHD JOD KWD OMR TND".split())  # noqa: SIM905
Id = Annotated[str, Field(min_length=1, max_length=255)]
# Seconds since the epoch, up to the year 9999.
Seconds = Annotated[int, Field(ge=0, le=253_402_300_799)]
Amount = Annotated[int, Field(ge=0, le=99_999_999_999)]
Metadata = dict[str, str]


def money(amount: int, currency: str) -> Money:
    """An amount in the smallest unit as money.

    Example:
        >>> str(money(1250, "eur").amount), str(money(1250, "jpy").amount)
        ('12.50', '1250')
    """
    code = currency.upper()
    decimals = 0 if code in _NO_DECIMALS else 3 if code in _THREE_DECIMALS else 2
    return Money(amount=Decimal(amount).scaleb(-decimals), currency=code)


def moment(seconds: int) -> datetime:
    """A time of the provider."""
    return datetime.fromtimestamp(seconds, UTC)


class _Part(BaseModel):
    """A part of an object; what it has besides is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Recurring(_Part):
    """How often a price is due."""

    interval: Literal["day", "week", "month", "year"] = "month"


class Price(_Part):
    """What a plan costs."""

    id: Id
    nickname: str | None = None
    unit_amount: Amount | None = None
    currency: Annotated[str, Field(pattern="^[a-zA-Z]{3}$")]
    recurring: Recurring | None = None

    @property
    def plan(self) -> str:
        """The plan's name."""
        return (self.nickname or self.id)[:60]

    @property
    def money(self) -> Money:
        """What it costs."""
        return money(self.unit_amount or 0, self.currency)

    @property
    def period(self) -> Literal["month", "year"]:
        """The period, as mails name it."""
        return "year" if self.recurring and self.recurring.interval == "year" else "month"


class SubscriptionItem(_Part):
    """A price of a subscription, and the end of the period that is paid."""

    price: Price
    current_period_end: Seconds


class SubscriptionItems(_Part):
    """The prices of a subscription; this application sells one at a time."""

    data: Annotated[tuple[SubscriptionItem, ...], Field(min_length=1, max_length=20)]


class Subscription(_Part):
    """A subscription: https://docs.stripe.com/api/subscriptions/object."""

    id: Id
    customer: Id
    status: str
    cancel_at_period_end: bool = False
    cancel_at: Seconds | None = None
    ended_at: Seconds | None = None
    trial_end: Seconds | None = None
    items: SubscriptionItems
    metadata: Metadata = Field(default_factory=dict)

    @property
    def price(self) -> Price:
        """Its price."""
        return self.items.data[0].price

    @property
    def renews(self) -> bool:
        """Whether it goes on after the period."""
        return not self.cancel_at_period_end and self.cancel_at is None

    @property
    def period_ends_at(self) -> datetime:
        """When the period ends that is paid, or the subscription before it."""
        return moment(self.cancel_at or self.items.data[0].current_period_end)


class Session(_Part):
    """A checkout: https://docs.stripe.com/api/checkout/sessions/object."""

    id: Id
    client_reference_id: str | None = None
    customer: Id | None = None
    subscription: Id | None = None
    payment_status: str
    amount_total: Amount | None = None
    currency: str | None = None
    metadata: Metadata = Field(default_factory=dict)


class SubscriptionDetails(_Part):
    """What an invoice knows of its subscription."""

    subscription: Id
    metadata: Metadata | None = None


class Parent(_Part):
    """What an invoice is for."""

    subscription_details: SubscriptionDetails | None = None


class Invoice(_Part):
    """An invoice: https://docs.stripe.com/api/invoices/object."""

    id: Id
    customer: Id
    amount_due: Amount
    currency: Annotated[str, Field(pattern="^[a-zA-Z]{3}$")]
    attempt_count: Annotated[int, Field(ge=0)] = 1
    next_payment_attempt: Seconds | None = None
    parent: Parent | None = None


class Phase(_Part):
    """A phase of a schedule."""

    end_date: Seconds


class Schedule(_Part):
    """A subscription schedule: https://docs.stripe.com/api/subscription_schedules/object."""

    id: Id
    customer: Id
    end_behavior: str
    current_phase: Phase | None = None
    phases: Annotated[tuple[Phase, ...], Field(min_length=1, max_length=50)]
    metadata: Metadata | None = None


class Data(_Part):
    """What an event is about."""

    about: dict[str, object] = Field(alias="object")
    previous_attributes: dict[str, object] = Field(default_factory=dict[str, object])


class Event(_Part):
    """An event: https://docs.stripe.com/api/events/object."""

    id: Id
    type: Annotated[str, Field(min_length=1, max_length=100)]
    created: Seconds
    data: Data


class PreviousItems(_Part):
    """The prices before a change of plan."""

    items: SubscriptionItems


def old_price(event: Event) -> Price | None:
    """The price before an update; None if the update changed none."""
    if "items" not in event.data.previous_attributes:
        return None
    return PreviousItems.model_validate(event.data.previous_attributes).items.data[0].price


def was_cancelled(event: Event, subscription: Subscription) -> bool:
    """Whether an update is the one that stopped a subscription from renewing."""
    before = event.data.previous_attributes
    flag = before.get("cancel_at_period_end") is False and subscription.cancel_at_period_end
    date = "cancel_at" in before and before["cancel_at"] is None and subscription.cancel_at is not None
    return flag or date
