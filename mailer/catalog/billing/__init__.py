"""Internal: templates for payments and subscriptions."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from mailer.catalog.base import PersonTemplate, Title
from mailer.templates.fields import Fields
from mailer.templates.money import Money
from mailer.templates.url import Url

_BILLING = "https://app.example.com/billing"
_PRICE = {"amount": "12.50", "currency": "EUR"}
_DAY, _WHEN = "2026-04-09", "2026-03-09T14:05:00Z"


class LineItem(Fields):
    """A line of a receipt."""

    description: Title
    quantity: Annotated[int, Field(ge=1)] = 1
    amount: Money = Field(description="Of the whole line.")


class PaymentConfirmed(PersonTemplate):
    """Confirms a payment."""

    subject: ClassVar[str] = "{% trans amount=amount|money %}Your payment of {{ amount }} to {{ brand }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}We have received it. Thank you.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "amount": _PRICE,
        "paid_at": _WHEN,
        "description": "Team plan, April",
        "payment_method": "Card •••• 4242",
        "billing_url": _BILLING,
    }

    amount: Money
    paid_at: AwareDatetime
    description: Title = ""
    payment_method: Title = ""
    billing_url: Url


class Receipt(PersonTemplate):
    """A receipt with its lines."""

    subject: ClassVar[str] = "{% trans %}Receipt {{ number }} from {{ brand }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans total=total|money %}{{ total }} paid. Thank you.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "number": "2026-0042",
        "paid_at": _WHEN,
        "items": [
            {"description": "A kettle", "amount": {"amount": "39.00", "currency": "EUR"}},
            {"description": "Cups", "quantity": 2, "amount": {"amount": "15.80", "currency": "EUR"}},
        ],
        "subtotal": {"amount": "54.80", "currency": "EUR"},
        "tax": {"amount": "10.41", "currency": "EUR"},
        "total": {"amount": "65.21", "currency": "EUR"},
        "payment_method": "Card •••• 4242",
        "billing_url": _BILLING,
    }

    number: Title
    paid_at: AwareDatetime
    items: tuple[LineItem, ...] = Field(min_length=1, max_length=100)
    subtotal: Money | None = None
    tax: Money | None = None
    total: Money
    payment_method: Title = ""
    billing_url: Url


class PaymentFailed(PersonTemplate):
    """A payment did not go through: a series of three. The last one says when access ends."""

    subject: ClassVar[str] = (
        "{% if attempt == 1 %}{% trans %}Your payment to {{ brand }} did not go through{% endtrans %}"
        "{% elif attempt == 2 %}{% trans %}Second attempt: your payment to {{ brand }} failed{% endtrans %}"
        "{% else %}{% trans %}Last attempt: your payment to {{ brand }} failed{% endtrans %}{% endif %}"
    )
    preheader: ClassVar[str] = "{% trans %}Please check your payment method.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "attempt": 1,
        "amount": _PRICE,
        "payment_method": "Card •••• 4242",
        "retry_on": _DAY,
        "ends_on": "2026-04-23",
        "update_url": _BILLING,
    }

    attempt: Literal[1, 2, 3]
    amount: Money
    payment_method: Title = ""
    retry_on: date | None = None
    ends_on: date | None = None
    update_url: Url


class SubscriptionStarted(PersonTemplate):
    """Confirms a new subscription."""

    subject: ClassVar[str] = (
        "{% trans plan=plan|truncate(30, true) %}Your {{ plan }} subscription has started{% endtrans %}"
    )
    preheader: ClassVar[str] = "{% trans %}Your plan, its price, and when it renews.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "plan": "Team",
        "price": _PRICE,
        "period": "month",
        "renews_on": _DAY,
        "manage_url": _BILLING,
    }

    plan: Title
    price: Money
    period: Literal["month", "year"] = "month"
    renews_on: date
    manage_url: Url


class SubscriptionUpdated(PersonTemplate):
    """Confirms a change of plan: the old one, the new one, and from when."""

    subject: ClassVar[str] = "{% trans plan=new_plan|truncate(30, true) %}Your plan changes to {{ plan }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans day=effective_on|date %}From {{ day }}.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "old_plan": "Solo",
        "new_plan": "Team",
        "price": _PRICE,
        "period": "month",
        "effective_on": _DAY,
        "manage_url": _BILLING,
    }

    old_plan: Title
    new_plan: Title
    price: Money
    period: Literal["month", "year"] = "month"
    effective_on: date
    manage_url: Url


class SubscriptionCancelled(PersonTemplate):
    """Confirms that a subscription will not renew, and until when it can be used."""

    subject: ClassVar[str] = (
        "{% trans plan=plan|truncate(30, true) %}Your {{ plan }} subscription was cancelled{% endtrans %}"
    )
    preheader: ClassVar[str] = "{% trans day=ends_on|date %}You can use it until {{ day }}.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "plan": "Team", "ends_on": _DAY, "resume_url": _BILLING}

    plan: Title
    ends_on: date
    resume_url: Url


class SubscriptionEnded(PersonTemplate):
    """Tells that a subscription has ended."""

    subject: ClassVar[str] = (
        "{% trans plan=plan|truncate(30, true) %}Your {{ plan }} subscription has ended{% endtrans %}"
    )
    preheader: ClassVar[str] = "{% trans %}You can start it again whenever you like.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "plan": "Team", "ended_on": _DAY, "restart_url": _BILLING}

    plan: Title
    ended_on: date
    restart_url: Url


class SubscriptionExpiring(PersonTemplate):
    """Tells that a subscription which does not renew by itself ends soon."""

    subject: ClassVar[str] = (
        "{% trans plan=plan|truncate(20, true), day=expires_on|date %}"
        "Your {{ plan }} subscription ends on {{ day }}{% endtrans %}"
    )
    preheader: ClassVar[str] = "{% trans %}Renew it to keep your access.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "plan": "Team", "expires_on": _DAY, "renew_url": _BILLING}

    plan: Title
    expires_on: date
    renew_url: Url


class TrialEnding(PersonTemplate):
    """Tells that a trial ends soon, and what happens then."""

    subject: ClassVar[str] = "{% trans day=ends_on|date %}Your {{ brand }} trial ends on {{ day }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}What happens then, and how to change it.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "plan": "Team",
        "ends_on": _DAY,
        "price": _PRICE,
        "period": "month",
        "manage_url": _BILLING,
    }

    plan: Title
    ends_on: date
    price: Money | None = Field(default=None, description="None: the trial ends without a charge.")
    period: Literal["month", "year"] = "month"
    manage_url: Url


class InvoiceDue(PersonTemplate):
    """An invoice that must be paid."""

    subject: ClassVar[str] = (
        "{% trans number=number|truncate(20, true), day=due_on|date %}"
        "Invoice {{ number }} is due on {{ day }}{% endtrans %}"
    )
    preheader: ClassVar[str] = "{% trans amount=amount|money %}{{ amount }} to pay.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "number": "2026-0042",
        "amount": _PRICE,
        "due_on": _DAY,
        "pay_url": _BILLING,
    }

    number: Title
    amount: Money
    due_on: date
    pay_url: Url
