"""Creates the tables and what a try needs: `python -m examples.django_subscriptions.preparing`, or command by command.

Not for production, which runs `migrate` when it deploys.
"""

import django
from django.core.management import call_command

COMMANDS = (("migrate", "--verbosity", "0"), ("sample_data",))


def prepare() -> None:
    """Set Django up, and run the commands."""
    django.setup()
    for command in COMMANDS:
        call_command(*command)


if __name__ == "__main__":
    prepare()
