"""`manage.py sample_data`: items to watch, and an administrator, for a try on one machine."""

import os
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from examples.django_subscriptions.models import Item

_ITEMS = (("ALPHA", "First example", "BUY"), ("BETA", "Second example", "HOLD"), ("GAMMA", "Third example", "SELL"))


class Command(BaseCommand):
    """Create what a try needs. What is there already stays."""

    help = "Create items to watch and the user admin, whose password is in DJANGO_SUPERUSER_PASSWORD."

    def handle(self, *_: Any, **__: Any) -> None:
        """Create it."""
        for symbol, name, status in _ITEMS:
            Item.objects.get_or_create(symbol=symbol, defaults={"name": name, "status": status})
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        if password and not User.objects.filter(username="admin").exists():
            User.objects.create_superuser("admin", "admin@example.com", password)
