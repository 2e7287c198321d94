import json

import pytest

from mailer.errors import MalformedEvent
from mailer.functions.guard import Leave, Pause, chat_page, decide, page, read

from .payloads import changed, load

OURS = "mailstack-prod-transactional"
NAME = f"{OURS}-bounce-rate-critical"
PAUSING = {NAME: OURS, "mailstack-prod-bulk-bounce-rate-critical": "mailstack-prod-bulk"}


def test_alarm_pauses_exactly_its_configuration_set():
    found = decide(read(load("alarm-composite")), PAUSING)
    assert isinstance(found, Pause)
    assert found.configuration_set == OURS


def test_an_alarm_on_a_single_metric_can_pause_too():
    found = decide(read(changed("alarm", AlarmName=NAME)), PAUSING)
    assert isinstance(found, Pause)
    assert found.configuration_set == OURS


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_only_the_state_alarm_pauses_and_nothing_un_pauses(state: str):
    found = decide(read(changed("alarm-composite", NewStateValue=state)), PAUSING)
    assert isinstance(found, Leave)
    assert "the guard never resumes" in found.why


@pytest.mark.parametrize("name", [NAME.removesuffix("-critical"), f"{NAME}-2", OURS, "", NAME.upper()])
def test_an_alarm_of_almost_the_name_pauses_nothing_and_says_why(name: str):
    found = decide(read(changed("alarm-composite", AlarmName=name)), PAUSING)
    assert isinstance(found, Leave)
    assert "no alarm that pauses a configuration set of this stack" in found.why


@pytest.mark.parametrize(("event", "gone"), [
    ("alarm-composite", "AlarmName"), ("alarm-composite", "NewStateValue"),
    ("alarm-composite", "AlarmRule"), ("alarm", "Trigger"),
])  # fmt: skip
def test_message_that_is_no_alarm_is_refused(event: str, gone: str):
    with pytest.raises(MalformedEvent, match="no CloudWatch alarm"):
        read({key: value for key, value in load(event).items() if key != gone})


def test_the_page_says_what_was_paused_why_and_how_to_go_on():
    found = decide(read(load("alarm-composite")), PAUSING)
    assert isinstance(found, Pause)
    subject, text = page(found, "eu-west-1", "prod")
    assert subject == f"Sending paused: {OURS}"
    for part in (
        NAME,
        "Reputation.BounceRate of stream transactional is critical",
        "bounce-rate-reached-critical transitioned to ALARM",
        "2026-03-02T09:15:41.640+0000",
        "mailer resume transactional --stack prod\n",
    ):
        assert part in text


def test_a_subject_is_what_sns_takes():
    found = decide(read(load("alarm-composite")), {NAME: "ü" * 200})
    assert isinstance(found, Pause)
    subject, _ = page(found, "eu-west-1", "prod")
    assert len(subject) < 100
    assert subject.isascii()


def test_chat_shows_the_page_unchanged():
    shown = json.loads(chat_page("Sending paused: ours", "Why\n  Alarm: *all* of it"))
    assert (shown["version"], shown["source"]) == ("1.0", "custom")
    assert shown["content"] == {"title": "Sending paused: ours", "description": "```Why\n  Alarm: *all* of it```"}
