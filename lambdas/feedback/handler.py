"""The feedback Lambda's edge: SES events from the queue go to `mailer.feedback.processor`, outcomes to the log.

Environment: `MAILSTACK_TABLE`, the table's name; `MAILSTACK_MESSAGE_LOG_DAYS`, how long the message log is kept.
Nothing is decided here.
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
    """Lambda's entry: a batch of SQS messages, each an SES event, raw or wrapped by SNS or EventBridge."""
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
    """One for as long as the process lives: it keeps its connections."""
    table, api = os.environ[TABLE], dynamodb_api()
    days = int(os.environ[MESSAGE_LOG_DAYS])
    messages = DynamoDBMessageLog(table, api, days=days) if days else None
    # Each outcome is logged at once: what was decided of one recipient stands, whatever becomes of the next.
    return Processor(DynamoDBSuppressions(table, api), DynamoDBEvents(table, api), report=_log, messages=messages)


def _received(record: SqsRecord) -> datetime:
    """When the message entered the queue, which is the same each time that it is delivered."""
    return datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC)
