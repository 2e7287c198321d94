"""`manage.py mailer_doctor`: the checks of `mailer doctor`, for the stack of MAILSTACK."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from mailer.cli import doctor
from mailer.django.management.base import MailerCommand
from mailer.django.process import get_mailer
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from mailer.stack import StackOutputs


class Command(MailerCommand):
    """Run the checks of `mailer doctor`."""

    help = (
        "Check everything that the mail of this project depends on in AWS and the DNS, and say how to fix what is "
        "wrong. Exit status 1 if a check failed. Examples: manage.py mailer_doctor; manage.py mailer_doctor --only "
        "dkim --only dmarc-record; manage.py mailer_doctor --list; manage.py mailer_doctor --json"
    )

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the options of `mailer doctor`."""
        doctor.add_check_options(parser)

    def run(self, given: dict[str, Any]) -> int:
        """Run them."""
        return doctor.look(Namespace(**given), _outputs)


def _outputs() -> "StackOutputs":
    outputs = get_mailer().outputs
    if not outputs.feedback_function:
        words = "This mailer has no stack in AWS: its mail stays on this machine, or leaves through a transport."
        raise ConfigurationError(words, hint="Set MAILSTACK['STACK'], and remove MAILSTACK_OUTPUTS=local:….")
    return outputs
