"""What each event does: it changes the subscription, and the person gets a mail.

Stripe delivers at least once and in any order (https://docs.stripe.com/webhooks#event-ordering). An event is processed
once, and one that is older than what was applied changes no subscription.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from django.contrib.auth.models import User
from django.db import transaction

from examples.django_subscriptions import mails
from examples.django_subscriptions.models import PaymentEvent
from examples.django_subscriptions.models import Subscription as Row

from .events import Invoice, Schedule, Session, Subscription, moment, money, old_price, was_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .events import Event

log = logging.getLogger("security")
# As many as the mails of a series of failed payments.
_MAX_ATTEMPT = 3


@transaction.atomic
def process(event: "Event") -> bool:
    """Process an event, unless it was processed before. If it raises an error, nothing of it is kept.

    Returns:
        Whether it was new.

    Raises:
        ValidationError: Its object has not the form that Stripe documents.
    """
    _, is_new = PaymentEvent.objects.get_or_create(id=event.id, defaults={"kind": event.type})
    handle = HANDLERS.get(event.type)
    if is_new and handle is not None:
        handle(event)
    return is_new


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose event it is: what the application wrote into the objects when it created the checkout, or the customer."""

    event: "Event"

    def find(
        self, customer: str | None, metadata: "Mapping[str, str] | None", reference: str | None = None
    ) -> User | None:
        """The user; None if there is none any more."""
        number = reference or (metadata or {}).get("user", "")
        found = User.objects.filter(pk=int(number)).first() if number.isascii() and number.isdecimal() else None
        if found is None and customer:
            row = Row.objects.filter(customer=customer).select_related("user").first()
            found = row.user if row else None
        if found is None:
            log.warning("Payment event %s (%s) belongs to no user", self.event.id, self.event.type)
        return found


def checked_out(event: "Event") -> None:
    """A checkout was completed; with some ways to pay, the money comes later, with an event of its own."""
    session = Session.model_validate(event.data.about)
    user = Owner(event).find(session.customer, session.metadata, session.client_reference_id)
    if user is None or session.payment_status == "unpaid":
        return
    plan = session.metadata.get("plan", "Subscription")[:60]
    if session.customer and session.subscription:
        defaults = {
            "customer": session.customer,
            "reference": session.subscription,
            "plan": plan,
            "state": Row.State.ACTIVE,
            "renews": True,
            "changed_at": moment(event.created),
        }
        row, is_new = Row.objects.select_for_update().get_or_create(user=user, defaults=defaults)
        # The subscription's own events say more; without any since, this is a new one after an old one.
        if not is_new and row.reference != session.subscription and row.changed_at <= moment(event.created):
            Row.objects.filter(pk=row.pk).update(**defaults)
    if session.payment_status == "paid" and session.amount_total and session.currency:
        amount = money(session.amount_total, session.currency)
        mails.payment_confirmed(user, event.id, amount=amount, paid_at=moment(event.created), plan=plan)


def subscription_changed(event: "Event") -> None:
    """A subscription was created or updated: keep its state, and tell of a new plan or of a cancellation."""
    given = Subscription.model_validate(event.data.about)
    user = Owner(event).find(given.customer, given.metadata)
    if user is None or not _apply(event, given, user, _state(given)):
        return
    before = old_price(event)
    if before is not None and before.plan != given.price.plan:
        mails.subscription_updated(
            user,
            f"{event.id}-plan",
            old_plan=before.plan,
            new_plan=given.price.plan,
            price=given.price.money,
            period=given.price.period,
            effective_at=moment(event.created),
        )
    if was_cancelled(event, given):
        mails.subscription_cancelled(user, event.id, plan=given.price.plan, ends_at=given.period_ends_at)


def subscription_ended(event: "Event") -> None:
    """A subscription has ended."""
    given = Subscription.model_validate(event.data.about)
    user = Owner(event).find(given.customer, given.metadata)
    if user is None or not _apply(event, given, user, Row.State.ENDED):
        return
    ended_at = moment(given.ended_at or event.created)
    mails.subscription_ended(user, event.id, plan=given.price.plan, ended_at=ended_at)


def subscription_expiring(event: "Event") -> None:
    """A schedule ends in seven days, and the subscription with it, unless it is released from the schedule."""
    schedule = Schedule.model_validate(event.data.about)
    user = Owner(event).find(schedule.customer, schedule.metadata)
    if user is None or schedule.end_behavior != "cancel":
        return
    row = Row.objects.filter(user=user).first()
    ends_at = moment(schedule.phases[-1].end_date)
    mails.subscription_expiring(user, event.id, plan=row.plan if row else "Subscription", expires_at=ends_at)


def trial_ending(event: "Event") -> None:
    """A trial ends in three days."""
    given = Subscription.model_validate(event.data.about)
    user = Owner(event).find(given.customer, given.metadata)
    if user is None or given.trial_end is None:
        return
    price = given.price.money if given.renews else None
    mails.trial_ending(user, event.id, plan=given.price.plan, ends_at=moment(given.trial_end), price=price)


def payment_failed(event: "Event") -> None:
    """A payment did not go through; the provider may try again."""
    invoice = Invoice.model_validate(event.data.about)
    details = invoice.parent.subscription_details if invoice.parent else None
    user = Owner(event).find(invoice.customer, details.metadata if details else None)
    if user is None:
        return
    retry_at = moment(invoice.next_payment_attempt) if invoice.next_payment_attempt else None
    attempt = _MAX_ATTEMPT if retry_at is None else max(1, min(invoice.attempt_count, _MAX_ATTEMPT))
    mails.payment_failed(
        user,
        event.id,
        attempt=cast("Literal[1, 2, 3]", attempt),
        amount=money(invoice.amount_due, invoice.currency),
        retry_at=retry_at,
    )


def _state(given: Subscription) -> Row.State:
    if given.status in {"past_due", "unpaid", "incomplete"}:
        return Row.State.FAILING
    return Row.State.ENDED if given.status in {"canceled", "incomplete_expired"} else Row.State.ACTIVE


def _apply(event: "Event", given: Subscription, user: User, state: Row.State) -> bool:
    """Keep what an event says, unless a newer one was applied; whether it was kept."""
    values = {
        "customer": given.customer,
        "reference": given.id,
        "plan": given.price.plan,
        "state": state,
        "renews": given.renews and state != Row.State.ENDED,
        "period_ends_at": given.period_ends_at,
        "changed_at": moment(event.created),
    }
    row, is_new = Row.objects.select_for_update().get_or_create(user=user, defaults=values)
    if not is_new:
        # The end of an earlier subscription says nothing of the present one.
        is_other = state == Row.State.ENDED and row.reference != given.id
        if is_other or row.changed_at > moment(event.created):
            log.info("Payment event %s (%s) is about an earlier state", event.id, event.type)
            return False
        Row.objects.filter(pk=row.pk).update(**values)
    return True


HANDLERS: "dict[str, Callable[[Event], None]]" = {
    "checkout.session.completed": checked_out,
    "checkout.session.async_payment_succeeded": checked_out,
    "customer.subscription.created": subscription_changed,
    "customer.subscription.updated": subscription_changed,
    "customer.subscription.deleted": subscription_ended,
    "customer.subscription.trial_will_end": trial_ending,
    "subscription_schedule.expiring": subscription_expiring,
    "invoice.payment_failed": payment_failed,
}
