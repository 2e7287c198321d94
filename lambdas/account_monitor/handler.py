"""Lambda handler of the account monitor: measures on each tick, and reports SES's own events and missing pagers.

Environment: `MAILSTACK_STACK`, `MAILSTACK_PAGING_TOPIC_ARN`; `MAILSTACK_SENDER`, `MAILSTACK_CONFIGURATION_SET` and
`MAILSTACK_PEOPLE` (a JSON list of addresses) for the mail to people whom no page reaches.
`mailer.functions.account` decides what to publish, `mailer.functions.notices` what to report.
"""

import json
import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from mailer.errors import MailerError
from mailer.functions.account import measure, pagers
from mailer.functions.batch import SqsAnswer, SqsEvent, SqsRecord, each_record
from mailer.functions.guard import chat_page
from mailer.functions.log import log
from mailer.functions.metrics import ACCOUNT_NAMESPACE
from mailer.functions.notices import Mail, Page, Tick, read
from mailer.functions.variables import CONFIGURATION_SET, PAGING_TOPIC_ARN, PEOPLE, SENDER, STACK

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient


class MonitorError(MailerError):
    """An AWS service refused; the message goes back to the queue. The heartbeat alarm misses a tick that failed."""


class _Clients(NamedTuple):
    ses: "SESV2Client"
    cloudwatch: "CloudWatchClient"
    sns: "SNSClient"


def handle(event: SqsEvent, _context: object) -> SqsAnswer:
    """Entry point: a batch of ticks, SES's own events, and the alarm about missing pagers."""
    return each_record(event, _work)


def _work(record: SqsRecord) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        match read(record["body"], stack=os.environ[STACK]):
            case Tick():
                _measure(_clients())
            case Page() as page:
                _page(_clients(), page)
            case Mail() as mail:
                _mail(_clients(), mail)
            case why:
                log("INFO", "left alone", why=why)
    except (BotoCoreError, ClientError) as error:
        raise MonitorError(f"AWS refused a call of the account monitor: {error}") from error


def _measure(clients: _Clients) -> None:
    """Measure now; the content of a tick does not matter."""
    stack = os.environ[STACK]
    data = measure(clients.ses.get_account(), stack)
    # First: a deleted paging topic must not hide the account's state.
    clients.cloudwatch.put_metric_data(Namespace=ACCOUNT_NAMESPACE, MetricData=data)
    topic = clients.sns.get_topic_attributes(TopicArn=os.environ[PAGING_TOPIC_ARN])
    subscribed = pagers(topic["Attributes"], stack)
    clients.cloudwatch.put_metric_data(Namespace=ACCOUNT_NAMESPACE, MetricData=subscribed)
    log("INFO", "measured", **{datum["MetricName"]: datum.get("Value") for datum in [*data, *subscribed]})


def _page(clients: _Clients, page: Page) -> None:
    # Chatbot subscribes by https; people read the rest.
    message = json.dumps({"default": page.text, "https": chat_page(page.subject, page.text)})
    topic = os.environ[PAGING_TOPIC_ARN]
    clients.sns.publish(TopicArn=topic, Subject=page.subject, Message=message, MessageStructure="json")
    log("WARNING", "paged", subject=page.subject)


def _mail(clients: _Clients, mail: Mail) -> None:
    """Send one mail to each person, so that an address that SES refuses (sandbox) does not stop the others."""
    from botocore.exceptions import ClientError

    reached = 0
    for number, address in enumerate(json.loads(os.environ[PEOPLE]), 1):
        try:
            clients.ses.send_email(
                FromEmailAddress=os.environ[SENDER],
                Destination={"ToAddresses": [address]},
                Content={"Simple": {"Subject": {"Data": mail.subject}, "Body": {"Text": {"Data": mail.text}}}},
                ConfigurationSetName=os.environ[CONFIGURATION_SET],
            )
            reached += 1
        except ClientError as error:
            # Not SES's own words: they may hold the address.
            log("WARNING", "mail refused", number=number, code=error.response["Error"]["Code"])
    if not reached:
        raise MonitorError("The paging topic has no subscriber, and the mail about it reached no recipient.")
    log("WARNING", "mailed", subject=mail.subject, people=reached)


@cache
def _clients() -> _Clients:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    return _Clients(
        boto3.client("sesv2", config=config),
        boto3.client("cloudwatch", config=config),
        boto3.client("sns", config=config),
    )
