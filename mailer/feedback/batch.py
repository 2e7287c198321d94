"""An SQS batch through a function, one record at a time: what fails is reported alone, and so retried alone.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

import traceback
from typing import TYPE_CHECKING, TypedDict

from mailer.errors import MailerError
from mailer.feedback.log import log

if TYPE_CHECKING:
    from collections.abc import Callable


class SqsRecord(TypedDict):
    """What is used of one message as Lambda receives it."""

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
    """Work through a batch; every record that raises is logged and reported, the others are done."""
    failures: list[SqsFailure] = []
    for record in event["Records"]:
        try:
            work(record)
        except MailerError as error:
            log(
                "ERROR", "record failed", sqs_message_id=record["messageId"], error=type(error).__name__, why=str(error)
            )
            failures.append({"itemIdentifier": record["messageId"]})
        except Exception as error:  # noqa: BLE001 - one record that trips over a defect must not hold up the others
            # Where, but not the exception's own words: they may hold an address.
            where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            log("ERROR", "defect", sqs_message_id=record["messageId"], error=type(error).__name__, where=where)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
