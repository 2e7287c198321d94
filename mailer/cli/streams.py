"""What `mailer pause` and `mailer resume` share: the stream, its alarms, and the record of who did it."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mailer.cli.output import line, table
from mailer.cli.stack import add_stack_option
from mailer.errors import CommandFailed, StoreError
from mailer.functions.rates import newest
from mailer.functions.recheck import parts_of, rate_part
from mailer.sending.parts import known_stream

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Generator, Iterator, Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient

    from mailer.stack import StackOutputs

KINDS = ("bounce", "complaint")


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


def configuration_set(outputs: "StackOutputs", stream: str) -> str:
    """The configuration set of a stream.

    Raises:
        UnknownStream: The stack has no such stream.
    """
    return outputs.streams[known_stream(outputs, stream)].configuration_set


def add_stream_options(command: "ArgumentParser", *, needs_reason: bool) -> None:
    """Give a command the stream, the reason, the actor and `--yes`."""
    command.add_argument("stream", metavar="STREAM", help="the stream's name, such as transactional")
    add_stack_option(command)
    help_of_why = "the reason; time and actor are recorded, too"
    command.add_argument("--why", required=needs_reason, default="", metavar="TEXT", help=help_of_why)
    command.add_argument("--actor", default="", metavar="NAME", help="who; default: the user and the machine")
    command.add_argument("--yes", action="store_true", help="do not ask")


def watched_of(cloudwatch: "CloudWatchClient", stack: str, stream: str) -> "Iterator[Watched]":
    """The pausing alarms of a stream."""
    from mailer.stack import critical_alarm

    names = {f"mailstack-{stack}-{critical_alarm(stream, kind)}": kind for kind in KINDS}
    found = cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    for composite in found:
        parts = cloudwatch.describe_alarms(AlarmNames=parts_of(composite), AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        part = rate_part(parts)
        if part is not None:
            kind, rate = names[composite["AlarmName"]], newest(cloudwatch, [part]).get(part["AlarmName"])
            yield Watched(kind, composite["AlarmName"], composite["StateValue"], rate, part["Threshold"])


def show(stream: str, name: str, watched: "Sequence[Watched]", *, sends: bool) -> None:
    """Print whether a stream sends, and its rates."""
    line(f"Stream {stream} (SES configuration set {name}) {'sends' if sends else 'is paused'}.\n")
    rates = ((each, "unknown" if each.rate is None else f"{each.rate:.3%}") for each in watched)
    table(
        (f"  {each.kind} rate", shown, f"critical at {each.critical:.3%}", f"alarm {each.state}")
        for each, shown in rates
    )


def record(
    outputs: "StackOutputs", stream: str, watched: "Sequence[Watched]", *, is_pause: bool, actor: str, why: str
) -> None:
    """Record an intervention in the stack's table. It has happened: a table that refuses is a warning."""
    from mailer.stores.base import utcnow
    from mailer.stores.dynamodb.pauses import DynamoDBPauses, Intervention
    from mailer.stores.dynamodb.table import dynamodb_api

    alarms = ", ".join(f"{each.alarm} {each.state}" for each in watched)
    api = dynamodb_api(outputs.region)
    try:
        log = DynamoDBPauses(outputs.table, api)
        log.add(Intervention(stream, utcnow(), is_pause, actor, why, alarms))
    except StoreError as error:
        sys.stderr.write(f"mailer: Not recorded, so `mailer status` cannot say who did it. {error.message}\n")
    finally:
        api.close()


@contextmanager
def translated(so_far: str, failure: type[CommandFailed], hint: str) -> "Generator[None]":
    """Translate an error of AWS, and say what was done before it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise failure(f"AWS refused: {error} {so_far}", hint=hint) from error
