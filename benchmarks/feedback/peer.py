"""A feedback function as many teams write it: powertools for the batch and the log, pydantic for the event, boto3.

It does less than `lambdas/feedback`: no soft bounces, no removals, no order. It is measured, not used.
"""

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import batch
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import BaseModel, Field

logger = Logger(service="feedback")
processor = BatchProcessor(event_type=EventType.SQS)
table = boto3.client("dynamodb")


class Notification(BaseModel):
    """What SNS puts around an event."""

    message: str = Field(alias="Message")


class Recipient(BaseModel):
    """Who bounced or complained."""

    address: str = Field(alias="emailAddress")
    status: str = ""
    diagnostic: str = Field("", alias="diagnosticCode")


class Bounce(BaseModel):
    """A bounce."""

    kind: str = Field(alias="bounceType")
    sub_kind: str = Field(alias="bounceSubType")
    recipients: list[Recipient] = Field(alias="bouncedRecipients")
    feedback_id: str = Field(alias="feedbackId")
    timestamp: datetime


class Complaint(BaseModel):
    """A complaint."""

    recipients: list[Recipient] = Field(alias="complainedRecipients")
    feedback_id: str = Field(alias="feedbackId")
    timestamp: datetime


class Mail(BaseModel):
    """The mail."""

    message_id: str = Field(alias="messageId")
    timestamp: datetime
    destination: list[str] = []
    tags: dict[str, list[str]] = {}


class SesEvent(BaseModel):
    """An event of a configuration set."""

    kind: str = Field(alias="eventType")
    mail: Mail
    bounce: Bounce | None = None
    complaint: Complaint | None = None


def record_handler(record: SQSRecord) -> None:
    """Store the suppressions of one event."""
    event = SesEvent.model_validate_json(Notification.model_validate_json(record.body).message)
    report = event.bounce if event.bounce and event.bounce.kind == "Permanent" else event.complaint
    for recipient in report.recipients if report else ():
        _put({
            "pk": {"S": f"SUPPRESSION#{recipient.address.lower()}"},
            "sk": {"S": "SUPPRESSION"},
            "reason": {"S": event.kind.lower()},
            "detail": {"S": f"{recipient.status} {recipient.diagnostic}"},
            "created_at": {"S": report.timestamp.astimezone(UTC).isoformat() if report else ""},
        })  # fmt: skip
        _put({"pk": {"S": f"EVENT#{report.feedback_id if report else ''}"}, "sk": {"S": recipient.address.lower()}})
    logger.info("event", extra={"kind": event.kind, "ses_message_id": event.mail.message_id})


def _put(item: Any) -> None:
    table.put_item(TableName=os.environ["MAILSTACK_TABLE"], Item=item)


def handle(event: dict[str, Any], context: Any) -> Any:
    """Entry point."""
    untyped: Any = batch
    return untyped.process_partial_response(event, record_handler, processor, context)
