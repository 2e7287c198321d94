"""The mail of each event. Every one comes from the catalog, so it has HTML and text."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from mailer.catalog import (
    AccountDeleted,
    PasswordChanged,
    PasswordReset,
    PaymentConfirmed,
    PaymentFailed,
    StatusChanged,
    SubscriptionCancelled,
    SubscriptionEnded,
    SubscriptionExpiring,
    SubscriptionUpdated,
    TrialEnding,
    UsernameReminder,
    Welcome,
)

from .notifying import notify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Literal

    from django.contrib.auth.models import User

    from mailer import Money

    from .models import Item


def page(name: str, *arguments: object) -> str:
    """The address of a page, for a mail."""
    return f"{settings.SITE_URL}{reverse(name, args=arguments)}"


def local_day(moment: datetime) -> "date":
    """The day of a moment in the time zone that is active: the recipient's."""
    return timezone.localdate(moment)


def welcome(user: "User") -> bool:
    """Somebody has registered."""
    return notify(user, lambda: Welcome(name=user.first_name, dashboard_url=page("account")), key=f"welcome-{user.pk}")


def password_changed(user: "User") -> bool:
    """A password was changed, or replaced by a reset."""
    now = timezone.now()
    return notify(
        user, lambda: PasswordChanged(name=user.first_name, changed_at=now, security_url=page("password_reset"))
    )


def password_reset(user: "User", uid: str, token: str) -> bool:
    """Somebody asked for a link to a new password."""
    link = page("password_reset_confirm", uid, token)
    minutes = settings.PASSWORD_RESET_TIMEOUT // 60
    return notify(user, lambda: PasswordReset(name=user.first_name, reset_url=link, expires_in_minutes=minutes))


def username_reminder(users: "Sequence[User]") -> bool:
    """Somebody asked for the user names of an address; all users have it."""
    names = tuple(user.get_username() for user in users[:20])
    return notify(users[0], lambda: UsernameReminder(usernames=names, sign_in_url=page("login")))


def account_deleted(user: "User") -> bool:
    """An account is about to be deleted, in the same transaction."""
    now = timezone.now()
    return notify(user, lambda: AccountDeleted(name=user.first_name, deleted_at=now), key=f"deleted-{user.pk}")


def status_changed(user: "User", item: "Item", old_status: str) -> bool:
    """The status of a watched item changed."""
    now = timezone.now()
    return notify(
        user,
        lambda: StatusChanged(
            name=user.first_name,
            item=item.symbol,
            old_status=old_status,
            new_status=item.status,
            changed_at=now,
            reason=item.reason,
            item_url=page("items"),
            settings_url=page("items"),
        ),
    )


def payment_confirmed(user: "User", event: str, *, amount: "Money", paid_at: datetime, plan: str) -> bool:
    """A checkout was completed and paid."""
    return notify(
        user,
        lambda: PaymentConfirmed(
            name=user.first_name, amount=amount, paid_at=paid_at, description=plan, billing_url=page("account")
        ),
        key=event,
    )


def subscription_updated(
    user: "User",
    event: str,
    *,
    old_plan: str,
    new_plan: str,
    price: "Money",
    period: 'Literal["month", "year"]',
    effective_at: datetime,
) -> bool:
    """The plan of a subscription changed."""
    return notify(
        user,
        lambda: SubscriptionUpdated(
            name=user.first_name,
            old_plan=old_plan,
            new_plan=new_plan,
            price=price,
            period=period,
            effective_on=local_day(effective_at),
            manage_url=page("account"),
        ),
        key=event,
    )


def subscription_cancelled(user: "User", event: str, *, plan: str, ends_at: datetime) -> bool:
    """A subscription will not renew."""
    return notify(
        user,
        lambda: SubscriptionCancelled(
            name=user.first_name, plan=plan, ends_on=local_day(ends_at), resume_url=page("account")
        ),
        key=event,
    )


def subscription_ended(user: "User", event: str, *, plan: str, ended_at: datetime) -> bool:
    """A subscription has ended."""
    return notify(
        user,
        lambda: SubscriptionEnded(
            name=user.first_name, plan=plan, ended_on=local_day(ended_at), restart_url=page("account")
        ),
        key=event,
    )


def subscription_expiring(user: "User", event: str, *, plan: str, expires_at: datetime) -> bool:
    """A subscription that does not renew by itself ends soon."""
    return notify(
        user,
        lambda: SubscriptionExpiring(
            name=user.first_name, plan=plan, expires_on=local_day(expires_at), renew_url=page("account")
        ),
        key=event,
    )


def trial_ending(user: "User", event: str, *, plan: str, ends_at: datetime, price: "Money | None") -> bool:
    """A trial ends soon; with a price, it becomes a subscription that costs it."""
    return notify(
        user,
        lambda: TrialEnding(
            name=user.first_name, plan=plan, ends_on=local_day(ends_at), price=price, manage_url=page("account")
        ),
        key=event,
    )


def payment_failed(
    user: "User", event: str, *, attempt: "Literal[1, 2, 3]", amount: "Money", retry_at: datetime | None
) -> bool:
    """A payment did not go through."""
    return notify(
        user,
        lambda: PaymentFailed(
            name=user.first_name,
            attempt=attempt,
            amount=amount,
            retry_on=local_day(retry_at) if retry_at else None,
            update_url=page("account"),
        ),
        key=event,
    )
