"""Processes an SQS batch one record at a time: only failed records are reported, so only those are retried.

Lambda's metric `Errors` does not count records that are reported, so each one counts in a metric of its own.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

import traceback
from typing import TYPE_CHECKING, TypedDict

from mailer.errors import BatchFailed, MailerError
from mailer.functions.log import log
from mailer.functions.metrics import FAILED_RECORDS, embedded

if TYPE_CHECKING:
    from collections.abc import Callable


class SqsRecord(TypedDict):
    """The fields used of a message that Lambda receives."""

    messageId: str
    body: str
    attributes: dict[str, str]


class SqsEvent(TypedDict):
    """What Lambda receives of a queue."""

    Records: list[SqsRecord]


class SqsFailure(TypedDict):
    """One message that goes back to the queue and, after a few times, to its DLQ."""

    itemIdentifier: str


class SqsAnswer(TypedDict):
    """What the function answers when `ReportBatchItemFailures` is on."""

    batchItemFailures: list[SqsFailure]


def each_record(event: SqsEvent, work: "Callable[[SqsRecord], None]") -> SqsAnswer:
    """Work through a batch; every record that raises is logged, counted and reported, the others are done.

    Raises:
        BatchFailed: There were records, and none was done.
    """
    failures: list[SqsFailure] = []
    for record in event["Records"]:
        try:
            work(record)
        except MailerError as error:
            _log_failure("record failed", record, error, why=str(error))
            failures.append({"itemIdentifier": record["messageId"]})
        except Exception as error:  # noqa: BLE001 - one record that trips over a defect must not hold up the others
            # Where, but not the exception's own words: they may hold an address.
            where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            _log_failure("defect", record, error, where=where)
            failures.append({"itemIdentifier": record["messageId"]})
    if failures and len(failures) == len(event["Records"]):
        raise BatchFailed(
            f"All {len(failures)} records of the batch failed.", hint="The log has the reason for each record."
        )
    return {"batchItemFailures": failures}


def _log_failure(message: str, record: SqsRecord, error: Exception, **fields: object) -> None:
    """Write the line that CloudWatch also reads as one failed record of this function."""
    sqs_message_id = record["messageId"]
    log(
        "ERROR",
        message,
        sqs_message_id=sqs_message_id,
        error=type(error).__name__,
        **fields,
        **embedded(FAILED_RECORDS),
    )
