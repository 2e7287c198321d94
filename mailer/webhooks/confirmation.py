"""Confirms subscriptions with `sns:ConfirmSubscription`. SubscribeURL is never visited."""

from typing import TYPE_CHECKING

from mailer.errors import SnsMessageRefused
from mailer.redaction import raise_masked
from mailer.wire.boto import boto_api
from mailer.wire.deadline import Limits
from mailer.wire.errors import CannotAsk, ServiceError, WireError

if TYPE_CHECKING:
    from mailer.webhooks.sns import SnsMessage
    from mailer.wire.access import Access

# Seconds: SNS waits 15 for an answer.
_LIMITS = Limits(connect=3.0, attempt=5.0)
_SERVER_ERROR, _UNAVAILABLE, _FORBIDDEN = 500, 503, 403


def confirm(message: "SnsMessage", access: "Access") -> None:
    """Confirm a subscription, so that only its owner can end it (`AuthenticateOnUnsubscribe`).

    https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html

    Raises:
        SnsMessageRefused: AWS refuses (status 403), or cannot be reached (503; SNS asks again).
    """
    request = {"TopicArn": message.topic, "Token": message.token, "AuthenticateOnUnsubscribe": "true"}
    try:
        boto_api("sns", message.region, _LIMITS, access).call("ConfirmSubscription", request)
    except WireError as error:
        status = _FORBIDDEN if _is_final(error) else _UNAVAILABLE
        words = f"The subscription to {message.topic} could not be confirmed: {_why(error)}."
        hint = "Give the role sns:ConfirmSubscription on the topic, and create the subscription again."
        raise_masked(SnsMessageRefused(words, hint=hint, status=status), error)


def _is_final(error: WireError) -> bool:
    if isinstance(error, ServiceError):
        return error.status < _SERVER_ERROR and "Throttl" not in error.code
    return isinstance(error, CannotAsk)


def _why(error: WireError) -> str:
    """Without the request, whose token confirms the subscription."""
    return error.code if isinstance(error, ServiceError | CannotAsk) and error.code else type(error).__name__
