"""The sending guard's edge: an alarm from the queue pauses its configuration set and tells the paging topic.

Environment: `MAILSTACK_PAUSING_ALARMS`, a JSON object of alarm names and the configuration set that each pauses;
`MAILSTACK_PAGING_TOPIC_ARN`.
What to pause is decided in `mailer.feedback.guard`.
"""

import json
import os
from functools import cache
from typing import TYPE_CHECKING

from mailer.errors import MailerError
from mailer.feedback.batch import SqsAnswer, SqsEvent, SqsRecord, each_record
from mailer.feedback.envelope import unwrap
from mailer.feedback.guard import Leave, Pause, chat_page, decide, page, read
from mailer.feedback.log import log

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient


class GuardError(MailerError):
    """SES or SNS refused; the message goes back to the queue and is tried again."""


def handle(event: SqsEvent, _context: object) -> SqsAnswer:
    """Lambda's entry: a batch of SQS messages, each an alarm's notification, raw or wrapped by SNS."""
    return each_record(event, _work)


def _work(record: SqsRecord) -> None:
    pausing = json.loads(os.environ["MAILSTACK_PAUSING_ALARMS"])
    match decide(read(unwrap(record["body"]) or {}), pausing):
        case Leave(why, alarm):
            log("INFO" if alarm.state != "ALARM" else "WARNING", "left alone", alarm=alarm.name, why=why)
        case pause:
            _pause(pause, again=record["attributes"].get("ApproximateReceiveCount", "1") != "1")


def _pause(pause: Pause, *, again: bool) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    ses, sns = _clients()
    name = pause.configuration_set
    try:
        already = not ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"]["SendingEnabled"]
        if not already:
            ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=False)
        # Paused already: another alarm of the same trouble did it and paged. But a message that comes again may be one
        # that paused and then failed to page.
        if again or not already:
            subject, text = page(pause, ses.meta.region_name)
            # Chatbot subscribes by https; people read the rest.
            message = json.dumps({"default": text, "https": chat_page(subject, text)})
            topic = os.environ["MAILSTACK_PAGING_TOPIC_ARN"]
            sns.publish(TopicArn=topic, Subject=subject, Message=message, MessageStructure="json")
    except (BotoCoreError, ClientError) as error:
        raise GuardError(f"Could not pause {name} and page: {error}") from error
    log("WARNING", "already paused" if already else "paused", configuration_set=name, alarm=pause.alarm.name)


@cache
def _clients() -> "tuple[SESV2Client, SNSClient]":
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client("sesv2", config=config), boto3.client("sns", config=config)
