import pytest

from mailer.feedback.envelope import MalformedEvent
from mailer.feedback.guard import Leave, Pause, decide, page, read

from .payloads import Json, changed, load

OURS = "mailstack-prod-transactional"
ALLOWED = {OURS, "mailstack-prod-bulk"}


def watching(*configuration_sets: str) -> Json:
    trigger = load("alarm")["Trigger"]
    dimensions = [{"name": "ses:configuration-set", "value": name} for name in configuration_sets]
    return changed("alarm", Trigger={**trigger, "Dimensions": dimensions})


@pytest.mark.parametrize("name", ["alarm", "alarm-metric-math"])
def test_an_alarm_pauses_exactly_the_set_that_it_watches(name: str):
    found = decide(read(load(name)), ALLOWED)
    assert isinstance(found, Pause)
    assert found.configuration_set == OURS


def test_dimensions_may_be_spelt_as_the_api_spells_them():
    trigger = {**load("alarm")["Trigger"], "Dimensions": [{"Name": "ses:configuration-set", "Value": OURS}]}
    assert isinstance(decide(read(changed("alarm", Trigger=trigger)), ALLOWED), Pause)


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_only_the_state_alarm_pauses_and_nothing_un_pauses(state: str):
    found = decide(read(changed("alarm", NewStateValue=state)), ALLOWED)
    assert isinstance(found, Leave)
    assert "nothing here un-pauses" in found.why


@pytest.mark.parametrize(
    ("alarm", "why"),
    [
        (watching(), "none of its metrics has the dimension ses:configuration-set"),
        (watching("another-stack"), "another-stack is no configuration set of this stack"),
        (watching(OURS, "mailstack-prod-bulk"), "give each configuration set an alarm of its own"),
    ],
)
def test_an_alarm_that_names_no_single_set_of_this_stack_pauses_none_and_says_why(alarm: Json, why: str):
    found = decide(read(alarm), ALLOWED)
    assert isinstance(found, Leave)
    assert why in found.why


def test_an_alarm_on_another_service_is_left_alone():
    queue = {"MetricName": "ApproximateNumberOfMessagesVisible", "Dimensions": [{"name": "QueueName", "value": OURS}]}
    assert isinstance(decide(read(changed("alarm", Trigger=queue)), ALLOWED), Leave)


@pytest.mark.parametrize("gone", ["AlarmName", "NewStateValue", "Trigger"])
def test_what_is_no_alarm_is_refused(gone: str):
    with pytest.raises(MalformedEvent, match="no CloudWatch alarm"):
        read({key: value for key, value in load("alarm").items() if key != gone})


def test_the_page_says_what_was_paused_why_and_how_to_go_on():
    found = decide(read(load("alarm")), ALLOWED)
    assert isinstance(found, Pause)
    subject, text = page(found, "eu-west-1")
    assert subject == f"Sending paused: {OURS}"
    command = "aws sesv2 put-configuration-set-sending-options --region eu-west-1"
    for part in (
        "mailstack-prod-transactional-bounce-rate",
        "Reputation.BounceRate",
        "GreaterThanOrEqualToThreshold 0.05",
        "Threshold Crossed: 1 out of the last 1 datapoints",
        "2026-03-02T09:15:41.218+0000",
        f"{command} --configuration-set-name {OURS} --sending-enabled",
    ):
        assert part in text


def test_a_subject_is_what_sns_takes():
    found = decide(read(watching("ü" * 200)), {"ü" * 200})
    assert isinstance(found, Pause)
    subject, _ = page(found, "eu-west-1")
    assert len(subject) < 100
    assert subject.isascii()
