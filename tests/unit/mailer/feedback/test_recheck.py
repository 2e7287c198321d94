"""When the guard's clock pauses a stream again: a table of what CloudWatch says, and of what a person accepted."""

from typing import Any

import pytest

from mailer.functions.recheck import accept, accepted, parts_of, pause_again

NAME = "mailstack-prod-bulk-bounce-rate-critical"
REACHED, ENOUGH = "mailstack-prod-bulk-bounce-rate-reached-critical", "mailstack-prod-bulk-sends-enough"
PAUSING = {NAME: "mailstack-prod-bulk"}


def composite(state: str, reason_data: str = "") -> Any:
    return {
        "AlarmName": NAME,
        "StateValue": state,
        "StateReason": "because",
        "StateReasonData": reason_data,
        "AlarmRule": f'ALARM("{REACHED}") AND ALARM("{ENOUGH}")',
    }


def parts(reached: str = "ALARM", enough: str = "ALARM") -> Any:
    return [
        {"AlarmName": REACHED, "StateValue": reached, "MetricName": "Reputation.BounceRate", "Threshold": 0.08},
        {"AlarmName": ENOUGH, "StateValue": enough, "Threshold": 99.0},
    ]


def described(children: Any) -> dict[str, Any]:
    """The alarms by name, among those of another stream."""
    other: Any = {"AlarmName": "mailstack-prod-other-sends-enough", "StateValue": "OK", "Threshold": 99.0}
    return {each["AlarmName"]: each for each in (*children, other)}


def rates(rate: float | None) -> dict[str, float]:
    return {} if rate is None else {REACHED: rate}


@pytest.mark.parametrize(
    ("state", "reason_data", "children", "rate", "pauses"),
    [
        ("ALARM", "", parts(), 0.09, True),
        ("ALARM", "", parts(), None, True),  # what CloudWatch says needs no rate
        ("OK", "", parts("OK"), 0.5, False),
        ("OK", "", parts(enough="OK"), 0.5, False),
        ("INSUFFICIENT_DATA", "", parts(), None, False),
        # Reset by `mailer resume` at 10 %: a tenth above that, it gets worse.
        ("OK", accept(0.10), parts(), 0.10, False),
        ("OK", accept(0.10), parts(), 0.1099, False),
        ("OK", accept(0.10), parts(), 0.1101, True),
        # Accepted below critical, or reset by another person: above critical by a tenth.
        ("OK", accept(0.02), parts(), 0.087, False),
        ("OK", accept(0.02), parts(), 0.089, True),
        ("OK", accept(None), parts(), 0.089, True),
        ("OK", "", parts(), 0.089, True),
        ("OK", "nonsense", parts(), 0.2, True),
        ("OK", accept(0.10), parts(), None, False),
        ("OK", accept(0.10), [], 0.5, False),
    ],
)
def test_a_stream_is_paused_again_when_it_must_be(
    state: str, reason_data: str, children: Any, rate: float | None, pauses: bool
):
    found = pause_again(composite(state, reason_data), PAUSING, described(children), rates(rate))
    assert (found is not None) is pauses
    if found:
        assert found.configuration_set == "mailstack-prod-bulk"
        assert found.alarm.reason


def test_the_page_says_how_the_rate_rose():
    found = pause_again(composite("OK", accept(0.1)), PAUSING, described(parts()), rates(0.2))
    assert found
    assert (
        found.alarm.reason == "The rate is 20.000%; it was 10.000% when the stream was resumed, and critical is 8.000%."
    )


@pytest.mark.parametrize("rate", [0.0, 0.0004, 0.1, 1.0])
def test_accepted_value_survives_a_round_trip(rate: float):
    assert accepted(accept(rate)) == rate


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"other": 1}', '{"mailstackAcceptedRate": "x"}', accept(None)]
)
def test_anything_else_is_no_acceptance(text: str):
    assert accepted(text) is None


def test_the_parts_of_an_alarm_are_read_from_its_rule():
    assert parts_of(composite("OK")) == [REACHED, ENOUGH]
