"""`manage.py mailer_outbox`: a relay, which sends what the project has written into the outbox."""

import signal
from typing import TYPE_CHECKING, Any

from mailer.cli.output import line
from mailer.django.config import SETTING, config
from mailer.django.management.base import MailerCommand
from mailer.django.process import get_mailer
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(MailerCommand):
    """Run a relay."""

    help = (
        "Send the mail in the outbox of MAILSTACK, until SIGTERM or SIGINT; what has begun is completed. Any number of "
        "relays may run at once. Examples: manage.py mailer_outbox; manage.py mailer_outbox --threads 4; "
        "manage.py mailer_outbox --drain"
    )

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the options."""
        parser.add_argument("--drain", action="store_true", help="send what is due, once, and end; for cron")
        words = "how many mails are sent at the same time, 64 at most (default: %(default)s)"
        parser.add_argument("--threads", type=int, default=16, metavar="N", help=words)

    def run(self, given: dict[str, Any]) -> int:
        """Run it."""
        from mailer.outbox.relay import OutboxRelay

        if not config().outbox:
            raise ConfigurationError(f"{SETTING} has no OUTBOX.", hint=f"Write {SETTING}['OUTBOX'] = True.")
        relay = OutboxRelay(get_mailer(), threads=given["threads"])
        if given["drain"]:
            line(f"{relay.drain()} mails were tried.")
            return 0

        def stop(*_: object) -> None:
            relay.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        line("Sending the mail in the outbox.")
        relay.run()
        return 0
