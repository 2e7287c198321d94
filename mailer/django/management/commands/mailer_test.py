"""`manage.py mailer_test`: sends one mail the way Django sends, and shows what became of it."""

from typing import TYPE_CHECKING, Any

from django.core.mail import EmailMultiAlternatives

from mailer.cli.output import as_json, line, table
from mailer.django.backend import EmailBackend
from mailer.django.delivery import RESULT
from mailer.django.management.base import MailerCommand
from mailer.results import SendResult

if TYPE_CHECKING:
    from argparse import ArgumentParser

# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
_SIMULATOR = "success@simulator.amazonses.com"
_TEXT = "This mail was sent by manage.py mailer_test. The application can send mail.\n"


class Command(MailerCommand):
    """Send one mail."""

    help = (
        "Send a test mail through the stack of MAILSTACK, and show the result for each recipient. Exit status 1 if it "
        "was not sent to one of them. Examples: manage.py mailer_test; manage.py mailer_test ada@example.com --stream "
        "marketing; manage.py mailer_test bounce@simulator.amazonses.com"
    )

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the recipients and the options."""
        words = "addresses (default: %(default)s, which SES accepts in the sandbox, too)"
        parser.add_argument("to", nargs="*", default=[_SIMULATOR], metavar="ADDRESS", help=words)
        parser.add_argument("--stream", default="", metavar="NAME", help="the stream (default: as MAILSTACK says)")
        parser.add_argument("--from", dest="sender", default=None, metavar="ADDRESS", help="the From address")
        parser.add_argument("--json", action="store_true", help="as JSON, with masked addresses")

    def run(self, given: dict[str, Any]) -> int:
        """Send it."""
        email = EmailMultiAlternatives("Test mail", _TEXT, given["sender"], given["to"])
        email.attach_alternative(f"<p>{_TEXT.strip()}</p>", "text/html")
        EmailBackend(fail_silently=True, stream=given["stream"], on_commit=False).send_messages([email])
        result = vars(email)[RESULT]
        assert isinstance(result, SendResult)  # noqa: S101 - what the backend sets
        if given["json"]:
            as_json(result.to_dict())
        else:
            table((one.address.email, str(one.status), one.message_id or one.reason) for one in result)
            for hint in dict.fromkeys(one.error.hint for one in result if one.error and one.error.hint):
                line(f"\n{hint}")
        return int(not result.ok)
