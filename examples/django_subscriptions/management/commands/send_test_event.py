"""`manage.py send_test_event`: sends a test event of the payment provider to the webhook, signed as it signs."""

import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from examples.django_subscriptions.mails import page
from examples.django_subscriptions.payments.samples import NAMES, deliver, sample

if TYPE_CHECKING:
    from argparse import ArgumentParser

_OK = 200


class Command(BaseCommand):
    """Send it."""

    help = "Send a test event of the payment provider about a user. Example: send_test_event checkout ada"

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the arguments."""
        parser.add_argument("event", choices=NAMES)
        parser.add_argument("username", help="the user whom it is about")
        parser.add_argument("--id", default="", help="the event's id, to send the same again (default: a new one)")

    def handle(self, *_: Any, **given: Any) -> None:
        """Send it."""
        user = User.objects.filter(username=given["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {given['username']!r}.")
        now, url = int(time.time()), page("payment_webhook")
        event = sample(given["event"], user=user.pk, now=now, event_id=given["id"])
        status = deliver(event, url, settings.PAYMENT_WEBHOOK_SECRETS[0], now=now)
        if status != _OK:
            raise CommandError(f"{url} answered {status or 'nothing'}. Does the application run there?")
        self.stdout.write(f"{event['type']} {event['id']}: {status}")
