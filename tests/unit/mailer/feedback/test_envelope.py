import json
from collections.abc import Callable

import pytest

from mailer.errors import MalformedEvent
from mailer.functions.envelope import unwrap

from .payloads import WRAPPERS, Json, in_sns, load


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("name", ["bounce", "notification-complaint", "alarm"])
def test_the_same_event_comes_out_of_every_wrapper(wrap: Callable[[Json], str], name: str):
    assert unwrap(wrap(load(name))) == load(name)


@pytest.mark.parametrize(
    "body",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        json.dumps(
            {
                "Type": "Notification",
                "Message": "Successfully validated SNS topic for Amazon SES event publishing.\n",
            }
        ),
        in_sns({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed."}),
    ],
)
def test_topic_validation_notice_is_ignored(body: str):
    assert unwrap(body) is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["eventType"]', "not an object: list"),
        (json.dumps({"Type": "SubscriptionConfirmation", "Message": "You have chosen…"}), "SubscriptionConfirmation"),
        (in_sns({"Type": "Notification", "Message": in_sns({})}), "more than 2 times"),
    ],
)
def test_error_for_another_message_names_its_kind(body: str, says: str):
    with pytest.raises(MalformedEvent, match=says):
        unwrap(body)


def test_unreadable_message_is_not_quoted_in_the_error():
    with pytest.raises(MalformedEvent) as caught:
        unwrap("Dear ada@example.org")
    assert "ada" not in str(caught.value)
