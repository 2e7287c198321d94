"""The account monitor's edge: on each tick of the clock, asks SES how the account stands and publishes it.

Environment: `MAILSTACK_STACK`. What is published is decided in `mailer.account`.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

from mailer.account import NAMESPACE, measure
from mailer.errors import MailerError
from mailer.feedback.batch import SqsAnswer, SqsEvent, SqsRecord, each_record
from mailer.feedback.log import log

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sesv2 import SESV2Client


class MonitorError(MailerError):
    """SES or CloudWatch refused; the tick goes back to the queue, and the heartbeat alarm misses it."""


def handle(event: SqsEvent, _context: object) -> SqsAnswer:
    """Lambda's entry: a batch of ticks. What they say does not matter; what is measured is always now."""
    return each_record(event, _work)


def _work(_: SqsRecord) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    ses, cloudwatch = _clients()
    try:
        data = measure(ses.get_account(), os.environ["MAILSTACK_STACK"])
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
    except (BotoCoreError, ClientError) as error:
        raise MonitorError(f"Could not measure the account: {error}") from error
    log("INFO", "measured", **{datum["MetricName"]: datum.get("Value") for datum in data})


@cache
def _clients() -> "tuple[SESV2Client, CloudWatchClient]":
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client("sesv2", config=config), boto3.client("cloudwatch", config=config)
