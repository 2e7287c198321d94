"""Unwraps an SQS message's body to the JSON that SES or CloudWatch published.

Standard library only. Not for checking signatures: a queue takes messages only from the topic that its policy names.
"""

import json
from typing import cast

from mailer.errors import MalformedEvent

JsonObject = dict[str, object]
# SNS → SQS, EventBridge → SQS, or EventBridge → SNS → SQS.
_MAX_WRAPPERS = 3
# What SES publishes, as plain text, when an event destination is created or changed.
_SETUP_NOTICE = "Successfully validated SNS topic for Amazon SES event publishing."
# What it publishes when a topic is set for an identity's notifications.
_SETUP_NOTIFICATION = "AmazonSnsSubscriptionSucceeded"


def unwrap(body: str) -> JsonObject | None:
    r"""The event inside a raw, SNS-wrapped or EventBridge-wrapped message.

    Shapes: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html and
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html.

    Returns:
        The event's JSON object; None for SES's own notice that a topic was set up, which is about no mail.

    Raises:
        MalformedEvent: It is none of these.

    Example:
        >>> unwrap('{"Type": "Notification", "Message": "{\\"eventType\\": \\"Send\\"}"}')
        {'eventType': 'Send'}
    """
    for _ in range(_MAX_WRAPPERS):
        if body.strip() == _SETUP_NOTICE:
            return None
        message = parse_object(body)
        if message.get("notificationType") == _SETUP_NOTIFICATION:
            return None
        match message:
            case {"Type": "Notification", "Message": str(inner)}:
                body = inner
            case {"Type": str(kind), "Message": _}:
                raise MalformedEvent(f"An SNS message of type {kind} is not a notification.", hint=_HINTS.get(kind, ""))
            case {"detail-type": str(), "detail": dict()}:
                return cast("JsonObject", message["detail"])
            case _:
                return message
    raise MalformedEvent(f"The event is wrapped more than {_MAX_WRAPPERS - 1} times.")


_HINTS = {
    "SubscriptionConfirmation": "Confirm the subscription. SNS confirms it by itself if the queue's owner creates it.",
    "UnsubscribeConfirmation": "The queue was unsubscribed from the topic: deploy the stack again.",
}


def parse_object(text: str) -> JsonObject:
    """A message's JSON object, with whatever is wrapped around the event.

    Raises:
        MalformedEvent: It is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        # Neither the text nor the error's own excerpt of it: both may hold addresses.
        raise MalformedEvent(f"The message is not JSON ({len(text)} characters).") from error
    if not isinstance(value, dict):
        raise MalformedEvent(f"The message is JSON but not an object: {type(value).__name__}.")
    return cast("JsonObject", value)
