"""AWS Chatbot's rendering of a topic's messages: alarms, events, custom notifications. Pure.

It drops everything else, plain text included. The wording of an alarm is close to AWS's, but not the same.
https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

_CUSTOM_VERSION = "1.0"
_EVENT = ("detail-type", "source", "detail", "account", "region")
_UNKNOWN = "neither an alarm of CloudWatch, nor an event of an AWS service, nor a custom notification"


class Shown(NamedTuple):
    """A message as a channel shows it; with an empty `kind` it is not shown, and `text` says why."""

    kind: str
    title: str
    text: str


def shown(message: str) -> Shown:
    """A message as a channel shows it.

    Example:
        >>> shown("The queue is full")
        Shown(kind='', title='', text='Not shown: it is not a JSON object')
    """
    try:
        parsed: object = json.loads(message)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        return _dropped("it is not a JSON object")
    known = cast("dict[str, Any]", parsed)
    for is_one, show in _KINDS:
        if is_one(known):
            return show(known)
    return _dropped(f"it is {_UNKNOWN}")


def _dropped(reason: str) -> Shown:
    return Shown("", "", f"Not shown: {reason}")


def _is_alarm(message: Mapping[str, Any]) -> bool:
    return {"AlarmName", "AlarmArn", "NewStateValue", "NewStateReason"} <= message.keys()


def _alarm(message: Mapping[str, Any]) -> Shown:
    region, account = str(message["AlarmArn"]).split(":")[3:5]
    title = f"CloudWatch Alarm | {message['AlarmName']} | {region} | Account: {account}"
    change = f"{message.get('OldStateValue', '')} → {message['NewStateValue']}: {message['NewStateReason']}"
    return Shown("alarm", title, "\n".join(filter(None, (change, message.get("AlarmDescription")))))


def _is_event(message: Mapping[str, Any]) -> bool:
    return message.keys() >= set(_EVENT) and str(message["source"]).startswith("aws.")


def _event(message: Mapping[str, Any]) -> Shown:
    title = f"{message['detail-type']} | {message['region']} | Account: {message['account']}"
    return Shown("event", title, json.dumps(message["detail"], sort_keys=True))


def _custom(message: Mapping[str, Any]) -> Shown:
    content = message.get("content")
    if message.get("version") != _CUSTOM_VERSION:
        return _dropped(f"a custom notification has the version {_CUSTOM_VERSION}")
    if not isinstance(content, dict) or not cast("dict[str, Any]", content).get("description"):
        return _dropped("a custom notification has a description in its content")
    said = cast("dict[str, Any]", content)
    steps = [f"• {step}" for step in cast("list[str]", said.get("nextSteps") or [])]
    return Shown("custom", str(said.get("title") or ""), "\n".join([str(said["description"]), *steps]))


_KINDS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any]], Shown]], ...] = (
    (lambda message: message.get("source") == "custom", _custom),
    (_is_alarm, _alarm),
    (_is_event, _event),
)
