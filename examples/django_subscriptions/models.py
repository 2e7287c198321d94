"""The application's tables. The library's own are in the same database."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Subscription(models.Model):
    """The subscription of a user, as the payment provider's events describe it."""

    class State(models.TextChoices):
        """Where it stands."""

        ACTIVE = "active", "Active"
        FAILING = "failing", "Payment failed"
        ENDED = "ended", "Ended"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="subscription")
    customer = models.CharField(max_length=255, db_index=True)
    reference = models.CharField(max_length=255)
    plan = models.CharField(max_length=60)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    renews = models.BooleanField(default=True, help_text="Whether the provider will ask for another payment.")
    period_ends_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(help_text="When the provider's newest event that was applied happened.")

    def __str__(self) -> str:
        return f"{self.plan} of {self.customer}"


class PaymentEvent(models.Model):
    """An event of the payment provider that was processed; the provider sends it again if it saw no answer."""

    id = models.CharField(max_length=255, primary_key=True)
    kind = models.CharField(max_length=100)
    received_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Item(models.Model):
    """Something that people watch. An administrator changes its status."""

    class Status(models.TextChoices):
        """What the status can be."""

        BUY = "BUY"
        HOLD = "HOLD"
        SELL = "SELL"

    symbol = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=60)
    status = models.CharField(max_length=4, choices=Status.choices, default=Status.HOLD)
    reason = models.CharField(max_length=200, blank=True, help_text="Why; it is in the mail to those who watch it.")
    watchers: "models.ManyToManyField[User, Any]" = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="watched", blank=True
    )

    class Meta:
        """The order of lists."""

        ordering: ClassVar = ["symbol"]

    def __str__(self) -> str:
        return f"{self.symbol} {self.name}"
