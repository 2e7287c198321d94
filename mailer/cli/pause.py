"""`mailer pause`: pause a stream, and record who did it and why."""

from typing import TYPE_CHECKING

from mailer.cli.output import is_confirmed, line
from mailer.cli.places import actor_of
from mailer.cli.stack import client, outputs_of
from mailer.cli.streams import add_stream_options, configuration_set, record, show, translated, watched_of
from mailer.errors import CommandFailed

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = "pause a stream: SES refuses its mail until it is resumed"
EXAMPLES = """\
examples:
  mailer pause news --stack prod --why "Wrong price in the offer"
  mailer pause news --stack prod --why "Wrong price in the offer" --yes

Other streams go on. Mail that SES has accepted leaves. A deployment does not resume the stream; `mailer resume` does.
Time, actor and reason are recorded in the stack's table, and `mailer status` shows them.

exit status: 0 the stream is paused, 1 it was not confirmed, 2 wrong usage or configuration, or AWS refused
"""
NOT_PAUSED = 1
_HINT = "docs/guides/operations.md, 'Pause and resume', lists what the caller's role needs."


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stream_options(command, needs_reason=True)


def run(given: "Namespace") -> int:
    """Explain, ask, pause, record."""
    outputs = outputs_of(given)
    name = configuration_set(outputs, given.stream)
    ses, cloudwatch = client("sesv2", outputs.region), client("cloudwatch", outputs.region)
    with translated("Nothing was changed.", CommandFailed, _HINT):
        sends = ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"]["SendingEnabled"]
        watched = list(watched_of(cloudwatch, outputs.stack, given.stream))
    show(given.stream, name, watched, sends=sends)
    if not sends:
        line("\nNothing to do.")
        return 0
    if not (given.yes or is_confirmed("\nSES will refuse all mail of this stream. Pause?", "pause")):
        line("Nothing was changed.")
        return NOT_PAUSED
    with translated("The stream still sends.", CommandFailed, _HINT):
        ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=False)
    record(outputs, given.stream, watched, is_pause=True, actor=actor_of(given), why=given.why)
    line(f"\nStream {given.stream} is paused. To resume: mailer resume {given.stream} --stack {outputs.stack}")
    return 0
