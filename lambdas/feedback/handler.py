"""Lambda handler of feedback: passes SES events from the queue to `mailer.feedback.processor`, and logs outcomes.

Environment: `MAILSTACK_TABLE`, the table's name; `MAILSTACK_MESSAGE_LOG_DAYS`, how long the message log is kept.
It decides nothing.
"""

import os
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache

from mailer.feedback.events import parse
from mailer.feedback.processor import Outcome, Processor
from mailer.feedback.soft_bounces import SoftBounces
from mailer.functions.batch import SqsAnswer, SqsEvent, SqsRecord, each_record
from mailer.functions.envelope import unwrap
from mailer.functions.log import log
from mailer.functions.metrics import SENDER_BOUNCES, embedded
from mailer.functions.variables import MESSAGE_LOG_DAYS, TABLE
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.soft_bounces import DynamoDBSoftBounces
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.wire.function_access import FunctionAccess

_FIELDS = tuple(field.name for field in fields(Outcome))


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
    if outcome.counts and outcome.counts_as == "sender":  # yours to fix: an alarm watches the metric
        log("WARNING", "event", **_line(outcome), **embedded(SENDER_BOUNCES))
    else:
        log("INFO", "event", **_line(outcome))


def _line(outcome: Outcome) -> dict[str, object]:
    """The fields of an outcome. Not by `asdict`, whose deep copies take longer than the decision."""
    return {name: getattr(outcome, name) for name in _FIELDS}


@cache
def _processor() -> Processor:
    """Created once per process, to keep its connections."""
    table, api = os.environ[TABLE], dynamodb_api(access=FunctionAccess())
    days = int(os.environ[MESSAGE_LOG_DAYS])
    messages = DynamoDBMessageLog(table, api, days=days) if days else None
    suppressions = DynamoDBSuppressions(table, api)
    return Processor(
        suppressions,
        DynamoDBEvents(table, api),
        report=_log,  # each outcome at once: it is final, even if the next recipient fails
        messages=messages,
        soft_bounces=SoftBounces(DynamoDBSoftBounces(table, api), suppressions),
    )


def _received(record: SqsRecord) -> datetime:
    """When the message entered the queue: the same for every delivery."""
    return datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC)
