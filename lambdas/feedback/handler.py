"""Lambda handler of feedback: passes SES events from the queue to `mailer.feedback.processor`, and logs outcomes.

Environment: `MAILSTACK_TABLE`, the table's name; `MAILSTACK_MESSAGE_LOG_DAYS`, how long the message log is kept.
It decides nothing.
"""

import os
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache

from mailer.feedback.events import parse
from mailer.feedback.processor import Outcome, Processor
from mailer.functions.batch import SqsAnswer, SqsEvent, SqsRecord, each_record
from mailer.functions.envelope import unwrap
from mailer.functions.log import log
from mailer.functions.variables import MESSAGE_LOG_DAYS, TABLE
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api


def handle(event: SqsEvent, _context: object) -> SqsAnswer:
    """Entry point: a batch of SQS messages, each an SES event, raw or wrapped by SNS or EventBridge."""
    return each_record(event, _work)


def _work(record: SqsRecord) -> None:
    data = unwrap(record["body"])
    if data is None:
        log("INFO", "setup notice", sqs_message_id=record["messageId"])
        return
    _processor().process(parse(data, _received(record)))


def _log(outcome: Outcome) -> None:
    log("INFO", "event", **asdict(outcome))


@cache
def _processor() -> Processor:
    """Created once per process, to keep its connections."""
    table, api = os.environ[TABLE], dynamodb_api()
    days = int(os.environ[MESSAGE_LOG_DAYS])
    messages = DynamoDBMessageLog(table, api, days=days) if days else None
    # Log each outcome at once: it is final, even if the next recipient fails.
    return Processor(DynamoDBSuppressions(table, api), DynamoDBEvents(table, api), report=_log, messages=messages)


def _received(record: SqsRecord) -> datetime:
    """When the message entered the queue: the same for every delivery."""
    return datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC)
