"""Django's admin: items, whose status a change there tells to those who watch them, and subscriptions to look at."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages

from . import items
from .models import Item, PaymentEvent, Subscription

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument] - not generic when Django runs
    """Items."""

    list_display = ("symbol", "name", "status")
    fields = ("symbol", "name", "status", "reason")

    def save_model(self, request: "HttpRequest", obj: Item, form: Any, change: bool) -> None:  # noqa: ARG002
        """Save it, and say how many people get mail about it."""
        written = items.save(obj)
        if written:
            messages.info(request, f"Mails about the new status: {written}.")


class _ReadOnly(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]
    """What the payment provider decides."""

    def has_add_permission(self, request: "HttpRequest") -> bool:  # noqa: ARG002 - the signature is Django's
        """Nobody."""
        return False

    def has_change_permission(self, request: "HttpRequest", obj: object = None) -> bool:  # noqa: ARG002
        """Nobody."""
        return False


@admin.register(Subscription)
class SubscriptionAdmin(_ReadOnly):
    """Subscriptions."""

    list_display = ("user", "plan", "state", "renews", "period_ends_at")


@admin.register(PaymentEvent)
class PaymentEventAdmin(_ReadOnly):
    """Events that were processed."""

    list_display = ("id", "kind", "received_at")
