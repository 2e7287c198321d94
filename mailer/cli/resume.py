"""`mailer resume`: resume a stream that the sending guard paused, and reset its alarms."""

from typing import TYPE_CHECKING

from mailer.cli.output import is_confirmed, line
from mailer.cli.places import actor_of
from mailer.cli.stack import client, outputs_of
from mailer.cli.streams import Watched, add_stream_options, configuration_set, record, show, translated, watched_of
from mailer.errors import ResumeFailed
from mailer.functions.recheck import MAX_RISE, accept

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sesv2 import SESV2Client

HELP = "resume a paused stream, and reset its alarms"
EXAMPLES = """\
examples:
  mailer resume transactional --stack prod
  mailer resume transactional --stack prod --why "The old list is deleted" --yes
"""
NOT_RESUMED = 1
REASON = "Reset by a person, who resumed the stream with `mailer resume`."
_HINT = "docs/guides/monitoring.md, 'Sending paused by the guard', lists what the caller's role needs."


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stream_options(command, needs_reason=False)


def run(given: "Namespace") -> int:
    """Explain, ask, reset the alarms, resume."""
    outputs = outputs_of(given)
    name = configuration_set(outputs, given.stream)
    ses, cloudwatch = client("sesv2", outputs.region), client("cloudwatch", outputs.region)
    with translated("Nothing was changed.", ResumeFailed, _HINT):
        sends = ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"]["SendingEnabled"]
        watched = list(watched_of(cloudwatch, outputs.stack, given.stream))
    alarmed = [each for each in watched if each.state == "ALARM"]
    _explain(given.stream, name, watched, sends=sends)
    if sends and not alarmed:
        line("\nNothing to do.")
        return 0
    if not (given.yes or is_confirmed("\nResume?", "resume")):
        line("Nothing was changed.")
        return NOT_RESUMED
    _resume(ses, cloudwatch, name, watched)
    record(outputs, given.stream, watched, is_pause=False, actor=actor_of(given), why=given.why)
    line(f"\nStream {given.stream} sends again.")
    return 0


def _explain(stream: str, name: str, watched: list[Watched], *, sends: bool) -> None:
    show(stream, name, watched, sends=sends)
    line(f"""
Resume it only when the cause is removed: AWS may pause the whole account at a bounce rate of 10 % or a complaint rate
of 0.5 %, and rates fall only as good mail is sent. Its alarms are reset. The guard pauses the stream again when a rate
rises above {MAX_RISE:g} times what it is now (and above critical), or falls below critical and reaches it again.""")


def _resume(ses: "SESV2Client", cloudwatch: "CloudWatchClient", name: str, watched: list[Watched]) -> None:
    # Reset the alarms first: the guard pauses a stream that sends while its alarm is in ALARM.
    with translated("Some alarms may have been reset; the stream is unchanged.", ResumeFailed, _HINT):
        for each in watched:
            cloudwatch.set_alarm_state(
                AlarmName=each.alarm, StateValue="OK", StateReason=REASON, StateReasonData=accept(each.rate)
            )
    with translated("The alarms are reset; the stream is still paused.", ResumeFailed, _HINT):
        ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=True)
