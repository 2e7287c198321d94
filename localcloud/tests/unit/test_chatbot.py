"""AWS Chatbot's rendering of messages, and which it drops."""

import json
from collections import deque
from typing import Any

import pytest

from mailstack_localcloud.chatbot.notifications import shown
from mailstack_localcloud.chatbot.state import Message, SlackChannel

ALARM = {
    "AlarmName": "bounces",
    "AlarmDescription": "Too many bounces",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:bounces",
    "OldStateValue": "OK",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed",
}
EVENT = {
    "version": "0",
    "source": "aws.ses",
    "detail-type": "Sending Status Disabled",
    "account": "000000000000",
    "region": "eu-west-1",
    "detail": {"data": {"origin": "AWS_SES"}},
}
CUSTOM: dict[str, Any] = {
    "version": "1.0",
    "source": "custom",
    "content": {"title": "Paused", "description": "The stream rests", "nextSteps": ["Look at the bounces"]},
}


def test_an_alarm_is_shown_with_its_change_and_its_reason():
    seen = shown(json.dumps(ALARM))
    assert seen.kind == "alarm"
    assert seen.title == "CloudWatch Alarm | bounces | eu-west-1 | Account: 000000000000"
    assert seen.text == "OK → ALARM: Threshold Crossed\nToo many bounces"


def test_an_event_of_an_aws_service_is_shown():
    seen = shown(json.dumps(EVENT))
    assert (seen.kind, seen.title) == ("event", "Sending Status Disabled | eu-west-1 | Account: 000000000000")


def test_a_custom_notification_is_shown_with_its_next_steps():
    assert shown(json.dumps(CUSTOM)) == ("custom", "Paused", "The stream rests\n• Look at the bounces")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("The stream rests", "not a JSON object"),
        ('"The stream rests"', "not a JSON object"),
        (json.dumps({"text": "The stream rests"}), "neither an alarm"),
        (json.dumps({**EVENT, "source": "my.application"}), "neither an alarm"),
        (json.dumps({**CUSTOM, "version": "1"}), "has the version 1.0"),
        (json.dumps({**CUSTOM, "content": {"title": "Paused"}}), "has a description"),
        (json.dumps({**CUSTOM, "content": "Paused"}), "has a description"),
    ],
)
def test_unsupported_messages_are_dropped_with_a_reason(message: str, reason: str):
    seen = shown(message)
    assert seen.kind == ""
    assert reason in seen.text


def test_a_channel_comes_back_from_its_file_as_it_was():
    channel = SlackChannel("page", "arn", "T1", "C1", "C1", "role", topics=["topic"], tags={"a": "1"})
    channel.messages.append(Message("now", "topic", "", "text", shown=False, kind="", title="", text="why"))
    again = SlackChannel.from_json(json.loads(json.dumps(channel.as_json())))
    assert again == channel
    assert again.messages == deque(channel.messages)
    assert again.messages.maxlen == channel.messages.maxlen
