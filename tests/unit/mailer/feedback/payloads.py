"""The events of tests/events, raw and as SNS and EventBridge wrap them."""

import copy
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailer.feedback.events import Event, parse
from mailer.functions.envelope import unwrap

Json = dict[str, Any]
FOLDER = Path(__file__).resolve().parents[3] / "events"
RECEIVED = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def load(name: str) -> Json:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def raw(event: Json) -> str:
    return json.dumps(event)


def in_sns(event: Json) -> str:
    return json.dumps({
        "Type": "Notification",
        "MessageId": "5f1c9a0e-6a5e-5d0c-8f3b-c3a7f1a0b2d4",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:mailstack-prod-events",
        "Subject": "Amazon SES Email Event Notification",
        "Message": json.dumps(event) + "\n",  # SES ends it with a line feed
        "Timestamp": "2026-03-02T09:15:06.500Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-00.pem",
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    })  # fmt: skip


def in_eventbridge(event: Json) -> str:
    return json.dumps({
        "version": "0",
        "id": "2c9b1d1e-7a3f-4b0e-9d6c-5e8f7a6b5c4d",
        "detail-type": "Email Bounced",
        "source": "aws.ses",
        "account": "123456789012",
        "time": "2026-03-02T09:15:06Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:ses:eu-west-1:123456789012:configuration-set/mailstack-prod-transactional"],
        "detail": event,
    })  # fmt: skip


def in_eventbridge_in_sns(event: Json) -> str:
    return in_sns(json.loads(in_eventbridge(event)))


WRAPPERS: tuple[Callable[[Json], str], ...] = (raw, in_sns, in_eventbridge, in_eventbridge_in_sns)


def changed(name: str, section: str = "", **fields: object) -> Json:
    """A fixture with fields of one section replaced; a value of None takes the field out."""
    event = copy.deepcopy(load(name))
    target = event[section] if section else event
    for field, value in fields.items():
        if value is None:
            target.pop(field, None)
        else:
            target[field] = value
    return event


def parsed(event: Json) -> Event:
    data = unwrap(raw(event))
    assert data is not None
    return parse(data, RECEIVED)


def bounce(*, destination: Sequence[str] | None = None, **fields: object) -> Event:
    event = changed("bounce", "bounce", **fields)
    return parsed(event if destination is None else event | {"mail": mail_to(*destination)})


def mail_to(*destination: str) -> Json:
    return {**load("bounce")["mail"], "destination": list(destination)}


def bounced(address: str = "ada@example.org", *, status: str = "", diagnostic: str = "") -> list[Json]:
    return [{"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": diagnostic}]
