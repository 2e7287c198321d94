"""`mailer resume`: resume a stream that the sending guard paused, and reset its alarms."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mailer.cli.output import line, table
from mailer.cli.stack import add_stack_option, client, outputs_of
from mailer.errors import ConfigurationError, ResumeFailed, UnknownStream
from mailer.functions.rates import newest
from mailer.functions.recheck import MAX_RISE, accept, parts_of, rate_part

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Generator, Iterator

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sesv2 import SESV2Client

    from mailer.stack import StackOutputs

HELP = "resume a paused stream, and reset its alarms"
EXAMPLES = """\
examples:
  mailer resume transactional --stack prod
  mailer resume transactional --stack prod --yes
"""
KINDS = ("bounce", "complaint")
NOT_RESUMED = 1
REASON = "Reset by a person, who resumed the stream with `mailer resume`."


class Watched(NamedTuple):
    """A pausing alarm of the stream.

    Attributes:
        rate: SES's present rate; None if SES publishes none.
    """

    kind: str
    alarm: str
    state: str
    rate: float | None
    critical: float


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("stream", metavar="STREAM", help="the stream's name, such as transactional")
    add_stack_option(command)
    command.add_argument("--yes", action="store_true", help="do not ask")


def run(given: "Namespace") -> int:
    """Explain, ask, reset the alarms, resume."""
    outputs = outputs_of(given)
    name = _configuration_set(outputs, given.stream)
    ses, cloudwatch = client("sesv2", outputs.region), client("cloudwatch", outputs.region)
    with _translate_errors("Nothing was changed."):
        sends = ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"]["SendingEnabled"]
        watched = list(_watched(cloudwatch, outputs.stack, given.stream))
    alarmed = [each for each in watched if each.state == "ALARM"]
    _explain(given.stream, name, watched, sends=sends)
    if sends and not alarmed:
        line("\nNothing to do.")
        return 0
    if not (given.yes or _agreed()):
        line("Nothing was changed.")
        return NOT_RESUMED
    _resume(ses, cloudwatch, name, watched)
    line(f"\nStream {given.stream} sends again.")
    return 0


def _configuration_set(outputs: "StackOutputs", stream: str) -> str:
    if stream not in outputs.streams:
        known = ", ".join(sorted(outputs.streams))
        raise UnknownStream(f"The stack {outputs.stack!r} has no stream {stream!r}.", hint=f"It has: {known}.")
    return outputs.streams[stream].configuration_set


def _watched(cloudwatch: "CloudWatchClient", stack: str, stream: str) -> "Iterator[Watched]":
    from mailer.stack import critical_alarm

    names = {f"mailstack-{stack}-{critical_alarm(stream, kind)}": kind for kind in KINDS}
    found = cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    for composite in found:
        parts = cloudwatch.describe_alarms(AlarmNames=parts_of(composite), AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        part = rate_part(parts)
        if part is not None:
            kind, rate = names[composite["AlarmName"]], newest(cloudwatch, part)
            yield Watched(kind, composite["AlarmName"], composite["StateValue"], rate, part["Threshold"])


def _explain(stream: str, name: str, watched: list[Watched], *, sends: bool) -> None:
    line(f"Stream {stream} (SES configuration set {name}) {'sends' if sends else 'is paused'}.\n")
    rates = ((each, "unknown" if each.rate is None else f"{each.rate:.3%}") for each in watched)
    table(
        (f"  {each.kind} rate", shown, f"critical at {each.critical:.3%}", f"alarm {each.state}")
        for each, shown in rates
    )
    line(f"""
Resume it only when the cause is removed: AWS may pause the whole account at a bounce rate of 10 % or a complaint rate
of 0.5 %, and rates fall only as good mail is sent. Its alarms are reset. The guard pauses the stream again when a rate
rises above {MAX_RISE:g} times what it is now (and above critical), or falls below critical and reaches it again.""")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError("Confirmation needs a terminal.", hint="Add --yes to resume without confirmation.")
    sys.stdout.write("\nResume? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _resume(ses: "SESV2Client", cloudwatch: "CloudWatchClient", name: str, watched: list[Watched]) -> None:
    # Reset the alarms first: the guard pauses a stream that sends while its alarm is in ALARM.
    with _translate_errors("Some alarms may have been reset; the stream is unchanged."):
        for each in watched:
            cloudwatch.set_alarm_state(
                AlarmName=each.alarm, StateValue="OK", StateReason=REASON, StateReasonData=accept(each.rate)
            )
    with _translate_errors("The alarms are reset; the stream is still paused."):
        ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=True)


@contextmanager
def _translate_errors(so_far: str) -> "Generator[None]":
    """Translate an error of AWS, and say what was done before it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        hint = "docs/guides/monitoring.md, 'Sending paused by the guard', lists what the caller's role needs."
        raise ResumeFailed(f"AWS refused: {error} {so_far}", hint=hint) from error
