"""What the commands share: output where Django wants it, errors with a hint, exit statuses of the command `mailer`."""

import sys
from abc import abstractmethod
from contextlib import redirect_stdout
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError

from mailer.errors import MailerError

USAGE_ERROR = 2


class MailerCommand(BaseCommand):
    """A command. Exit status: 0 success, 1 something is left to do or was not sent, 2 wrong usage or configuration."""

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the command."""
        try:
            with redirect_stdout(cast("Any", self.stdout)):
                status = self.run(options)
        except MailerError as error:
            raise CommandError(str(error), returncode=USAGE_ERROR) from error
        if status:
            sys.exit(status)

    @abstractmethod
    def run(self, given: dict[str, Any]) -> int:
        """Run it with these options, and return the exit status. What is printed goes to the command's output."""
