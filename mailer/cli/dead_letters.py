"""The messages of a dead-letter queue and why they are there, masked. Not for moving them."""

import json
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from mailer.errors import MalformedEvent
from mailer.feedback.events import parse
from mailer.functions.envelope import parse_object, unwrap
from mailer.redaction import mask_all

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# Messages of one request, and seconds that a request waits for one, so that all servers of the queue are asked.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
BATCH, _WAIT = 10, 1
# The visibility time-out of messages that are being read, in seconds.
HIDDEN = 60
_MAX_LOG_PAGES = 5
_MAX_REASON = 300
# What SNS adds to a message that it could not deliver: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
_UNDELIVERED = ("ErrorCode", "ErrorMessage")


@dataclass(frozen=True)
class DeadLetter:
    """A message that was not processed.

    Attributes:
        id: SQS's id of the message.
        sent_at: When it entered its first queue.
        kind: The event's: `Bounce`, `Complaint`, …; empty where it cannot be read.
        message_id: SES's id of the mail; empty where it cannot be read.
        recipients: Masked.
        reason: Why it is here; addresses in it are masked.
    """

    id: str
    sent_at: datetime
    kind: str
    message_id: str
    recipients: tuple[str, ...]
    reason: str


@contextmanager
def received(sqs: "SQSClient", url: str, most: int) -> "Generator[list[MessageTypeDef]]":
    """Receive messages, each once, and make those visible again that are still there at the end."""
    found: dict[str, MessageTypeDef] = {}
    try:
        while len(found) < most:  # ends: each turn brings a new message
            new = [one for one in _batch(sqs, url, most - len(found)) if one.get("MessageId") not in found]
            found |= {one.get("MessageId", ""): one for one in new}
            if not new:
                break
        yield list(found.values())
    finally:
        _release(sqs, url, list(found.values()))


def _batch(sqs: "SQSClient", url: str, most: int) -> "Sequence[MessageTypeDef]":
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=min(most, BATCH),
        WaitTimeSeconds=_WAIT,
        VisibilityTimeout=HIDDEN,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return answer.get("Messages", [])


def _release(sqs: "SQSClient", url: str, messages: "Sequence[MessageTypeDef]") -> None:
    """SQS refuses it for a message that is deleted, which does no harm."""
    for start in range(0, len(messages), BATCH):
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": one.get("ReceiptHandle", ""), "VisibilityTimeout": 0}
            for number, one in enumerate(messages[start : start + BATCH])
        ]
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def read(
    messages: "Sequence[MessageTypeDef]", logged: Mapping[str, str], *, of_events: bool = True
) -> list[DeadLetter]:
    """What each message is, oldest first.

    Args:
        messages: As SQS gave them.
        logged: Reasons of the function's log, by SQS's id of the message.
        of_events: Whether they are events about mail; else notices of CloudWatch and EventBridge.
    """
    as_letter = _dead_letter if of_events else _notice
    return sorted((as_letter(one, logged) for one in messages), key=lambda letter: letter.sent_at)


def sent_at(message: "MessageTypeDef") -> datetime:
    """When a message entered its first queue."""
    attributes = cast("Mapping[str, str]", message.get("Attributes", {}))
    return datetime.fromtimestamp(int(attributes.get("SentTimestamp", 0)) / 1000, UTC)


def _dead_letter(message: "MessageTypeDef", logged: Mapping[str, str]) -> DeadLetter:
    name, sent = message.get("MessageId", ""), sent_at(message)
    undelivered = ": ".join(filter(None, (_attribute(message, key) for key in _UNDELIVERED)))
    said = f"SNS could not deliver it: {undelivered}" if undelivered else logged.get(name, "")
    try:
        data = unwrap(message.get("Body", ""))
        event = parse(data, sent) if data is not None else None
    except MalformedEvent as error:
        return DeadLetter(name, sent, "", "", (), _shown(said or str(error)))
    reason = _shown(said or "it can be read; the function's log says what failed")
    if event is None:
        return DeadLetter(name, sent, "SetupNotice", "", (), reason)
    recipients = tuple(mask_all(one.address) for one in event.recipients)
    return DeadLetter(name, sent, event.kind, event.mail.message_id, recipients, reason)


def _notice(message: "MessageTypeDef", logged: Mapping[str, str]) -> DeadLetter:
    """An alarm, or an event of EventBridge: its kind and what it is about."""
    name, sent = message.get("MessageId", ""), sent_at(message)
    undelivered = ": ".join(filter(None, (_attribute(message, key) for key in _UNDELIVERED)))
    said = f"SNS could not deliver it: {undelivered}" if undelivered else logged.get(name, "")
    reason = _shown(said or "the function's log says what failed")
    try:
        outer = parse_object(message.get("Body", ""))
        inner = outer.get("Message")
        found = parse_object(inner) if isinstance(inner, str) else outer
    except MalformedEvent as error:
        return DeadLetter(name, sent, "", "", (), _shown(said or str(error)))
    alarm, kind = found.get("AlarmName"), found.get("detail-type")
    if isinstance(alarm, str):
        return DeadLetter(name, sent, f"Alarm {found.get('NewStateValue', '')}".strip(), alarm, (), reason)
    return DeadLetter(name, sent, kind if isinstance(kind, str) else "", "", (), reason)


def _attribute(message: "MessageTypeDef", name: str) -> str:
    found = message.get("MessageAttributes", {})
    return found[name].get("StringValue", "") if name in found else ""


def _shown(reason: str) -> str:
    masked = mask_all(reason)
    return masked if len(masked) <= _MAX_REASON else f"{masked[:_MAX_REASON]}…"


def reasons(logs: "CloudWatchLogsClient", function: str, since: datetime) -> dict[str, str]:
    """Why the function failed, by SQS's id of the message; empty where the log cannot be read.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    from botocore.exceptions import BotoCoreError, ClientError

    found: dict[str, str] = {}
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{function}",
        filterPattern='{ $.level = "ERROR" }',
        startTime=int(since.timestamp() * 1000),
        PaginationConfig={"MaxItems": _MAX_LOG_PAGES * 10_000},
    )
    try:
        for _, page in zip(range(_MAX_LOG_PAGES), pages, strict=False):
            for event in page["events"]:
                found.update(_reason(event.get("message", "")))
    except (BotoCoreError, ClientError):
        return found
    return found


def _reason(text: str) -> dict[str, str]:
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(fields, dict) or "sqs_message_id" not in fields:
        return {}
    said = cast("Mapping[str, object]", fields)
    why = said.get("why") or said.get("where") or said.get("message", "")
    return {str(said["sqs_message_id"]): f"{said.get('error', '')}: {why}"}
