"""Lambda handler of the sending guard: an alarm pauses its configuration set and pages; a tick checks again.

Environment: `MAILSTACK_STACK`; `MAILSTACK_GUARDED`, the streams that it may pause, as `pausing_alarms` takes them;
`MAILSTACK_PAGING_TOPIC_ARN`.
`mailer.functions.guard` and `mailer.functions.recheck` decide what to pause.
"""

import json
import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from mailer.errors import MailerError
from mailer.functions.batch import SqsAnswer, SqsEvent, SqsRecord, each_record
from mailer.functions.envelope import parse_object, unwrap
from mailer.functions.guard import Leave, Pause, chat_page, decide, page, pausing_alarms, read
from mailer.functions.log import log
from mailer.functions.rates import newest
from mailer.functions.recheck import parts_of, pause_again, reset_part
from mailer.functions.variables import GUARDED, PAGING_TOPIC_ARN, STACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import AlarmTypeType
    from mypy_boto3_cloudwatch.type_defs import DescribeAlarmsOutputTypeDef
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html: names in one request.
_MOST_NAMES = 100


class GuardError(MailerError):
    """An AWS service refused; the message goes back to the queue and is tried again."""


class _Clients(NamedTuple):
    ses: "SESV2Client"
    sns: "SNSClient"
    cloudwatch: "CloudWatchClient"


def handle(event: SqsEvent, _context: object) -> SqsAnswer:
    """Entry point: a batch of alarm notifications, raw or wrapped by SNS, and of ticks."""
    return each_record(event, _work)


def _work(record: SqsRecord) -> None:
    pausing = pausing_alarms(os.environ[STACK], os.environ[GUARDED])
    again = record["attributes"].get("ApproximateReceiveCount", "1") != "1"
    if parse_object(record["body"]).get("source") == "aws.events":
        _pause_each(_due(pausing), again=again)
        return
    match decide(read(unwrap(record["body"]) or {}), pausing):
        case Leave(why, alarm):
            log("INFO" if alarm.state != "ALARM" else "WARNING", "left alone", alarm=alarm.name, why=why)
        case pause:
            _pause(pause, again=again)


def _due(pausing: dict[str, str]) -> list[Pause]:
    """The pauses that the present states of alarms require.

    It takes a few requests however many streams there are: the composite alarms, their parts, and the rates of those
    alarms that a person has reset.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    cloudwatch = _clients().cloudwatch
    try:
        composites = [one for page in _pages(cloudwatch, pausing, "CompositeAlarm") for one in page["CompositeAlarms"]]
        names = {name for composite in composites if composite["StateValue"] != "ALARM" for name in parts_of(composite)}
        found = [part for page in _pages(cloudwatch, names, "MetricAlarm") for part in page["MetricAlarms"]]
        described = {part["AlarmName"]: part for part in found}
        reset = [part for composite in composites if (part := reset_part(composite, described))]
        rates = newest(cloudwatch, reset)
    except (BotoCoreError, ClientError) as error:
        raise GuardError(f"Could not read alarms and rates: {error}") from error
    pauses = (pause_again(composite, pausing, described, rates) for composite in composites)
    return [pause for pause in pauses if pause]


def _pages(
    cloudwatch: "CloudWatchClient", names: "Iterable[str]", kind: "AlarmTypeType"
) -> "Iterator[DescribeAlarmsOutputTypeDef]":
    """The alarms with these names, many in a request."""
    wanted = sorted(names)
    for start in range(0, len(wanted), _MOST_NAMES):
        some = wanted[start : start + _MOST_NAMES]
        yield cloudwatch.describe_alarms(AlarmNames=some, AlarmTypes=[kind], MaxRecords=_MOST_NAMES)


def _pause_each(pauses: list[Pause], *, again: bool) -> None:
    """Pause each stream, also if an earlier one fails: a deleted configuration set must not keep another sending."""
    failures: list[GuardError] = []
    for pause in pauses:
        try:
            _pause(pause, again=again)
        except GuardError as error:
            failures.append(error)
    if failures:
        raise GuardError("; ".join(map(str, failures))) from failures[0]


def _pause(pause: Pause, *, again: bool) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    clients, name = _clients(), pause.configuration_set
    try:
        options = clients.ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"]
        already = not options["SendingEnabled"]
        if not already:
            clients.ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=False)
        # Paused already: another alarm about the same problem did it and paged. An earlier delivery of this message may
        # have paused and then failed to page.
        if again or not already:
            subject, text = page(pause, clients.ses.meta.region_name, os.environ[STACK])
            # Chatbot subscribes by https; people read the rest.
            message = json.dumps({"default": text, "https": chat_page(subject, text)})
            topic = os.environ[PAGING_TOPIC_ARN]
            clients.sns.publish(TopicArn=topic, Subject=subject, Message=message, MessageStructure="json")
    except (BotoCoreError, ClientError) as error:
        raise GuardError(f"Could not pause {name} and page: {error}") from error
    log("WARNING", "already paused" if already else "paused", configuration_set=name, alarm=pause.alarm.name)


@cache
def _clients() -> _Clients:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    return _Clients(
        boto3.client("sesv2", config=config),
        boto3.client("sns", config=config),
        boto3.client("cloudwatch", config=config),
    )
