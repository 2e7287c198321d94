"""The commands of Django: `python -m examples.django_moderation.manage COMMAND`."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run a command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_moderation.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
