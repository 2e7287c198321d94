"""`manage.py set_up`: the tables, and administrators with the password of `DJANGO_SUPERUSER_PASSWORD`."""

import os
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from examples.django_moderation.models import User

if TYPE_CHECKING:
    from argparse import ArgumentParser

_VARIABLE = "DJANGO_SUPERUSER_PASSWORD"


class Command(BaseCommand):
    """Prepare a database. What is there stays."""

    help = f"Create the tables and administrators, whose password is that of {_VARIABLE}."

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the administrators."""
        parser.add_argument("address", nargs="*", metavar="ADDRESS", help="the addresses of administrators")

    def handle(self, *_: Any, **options: Any) -> None:
        """Create them."""
        password = os.environ.get(_VARIABLE, "")
        if options["address"] and not password:
            raise CommandError(f"{_VARIABLE} is not set: it is the password of the administrators.")
        call_command("migrate", verbosity=0)
        for email in options["address"]:
            if not User.objects.filter(email=email.lower()).exists():
                User.objects.create_superuser(email, password)
