"""When alarms go off and let go, by CloudWatch's rule about missing data, and what they say to whom they wake."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import botocore.session
import pytest
from botocore import xform_name

from mailer.functions.metrics import SENDER_BOUNCES
from mailstack_infra.environment import Environment
from mailstack_infra.inventory import Inventory
from mailstack_infra.monitoring.definitions import Alarm, Both, alarms, composites
from mailstack_infra.monitoring.definitions.texts import percent
from mailstack_infra.settings.loading import read
from tests.unit.infra.program import ACCOUNT, ROOT, config_of

EVERYTHING: dict[str, str] = {
    "mailstack:streams": '{"transactional": {"bounceRate": {"warning": 0.00001, "critical": 0.0123}}, "bulk": {}}',
    "mailstack:warn": "team@example.com",
}
SETTINGS = read("prod", {**config_of("prod"), **EVERYTHING})
MONITORING = SETTINGS.monitoring
ENV = Environment("prod", ACCOUNT, "us-east-1", "aws", {})
SINGLE: dict[str, Alarm] = {alarm.key: alarm for alarm in alarms(ENV, MONITORING, Inventory.of(MONITORING))}
DEFINED: dict[str, Alarm | Both] = {**SINGLE, **{alarm.key: alarm for alarm in composites(ENV, MONITORING)}}
PAGING = {key: alarm for key, alarm in DEFINED.items() if alarm.level}
each = pytest.mark.parametrize("key", SINGLE)
told = pytest.mark.parametrize("key", PAGING)

# --- Missing data --------------------------------------------------------------------------------------------------

# How many periods CloudWatch looks back beyond those that it evaluates. AWS documents that there are some, and not how
# many; its example has 2, and people have measured 2 and 3.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
BEYOND = (2, 3)
OK, ALARM = "OK", "ALARM"


def judge(alarm: Alarm, values: dict[int, float], now: int, state: str, *, beyond: int) -> str:
    """An alarm's state after the period `now`, by the page above.

    Args:
        alarm: The alarm; all of its periods must breach.
        values: The metric, by the number of the period.
        now: The newest whole period.
        state: What it was.
        beyond: How many periods are looked at beyond those that are evaluated.
    """
    looked_at = range(now, now - alarm.periods - beyond, -1)
    known = {period: values[period] for period in looked_at if period in values}
    if alarm.fill is not None and known:  # FILL fills a series; of nothing it makes nothing
        known = {period: known.get(period, alarm.fill) for period in looked_at}
    newest = [known[period] for period in looked_at if period in known][: alarm.periods]
    breaching = [breaches(alarm, value) for value in newest]
    missing = alarm.periods - len(newest)
    if missing and alarm.missing == "ignore":
        # Kept, unless what is known settles it.
        return OK if False in breaching else state
    breaching += [alarm.missing == "breaching"] * missing
    return ALARM if all(breaching) else OK


def breaches(alarm: Alarm, value: float) -> bool:
    return {
        "GreaterThanThreshold": value > alarm.threshold,
        "GreaterThanOrEqualToThreshold": value >= alarm.threshold,
        "LessThanThreshold": value < alarm.threshold,
    }[alarm.comparison]


def bad(alarm: Alarm) -> float:
    return alarm.threshold + (-1 if alarm.comparison == "LessThanThreshold" else 1)


def good(alarm: Alarm) -> float:
    return alarm.threshold + (1 if alarm.comparison == "LessThanThreshold" else -1)


def seconds_until(alarm: Alarm, wanted: str, value: float, *, beyond: int) -> float | None:
    """How long after a metric stops, which had one value until then, an alarm changes to a state; None for never."""
    period = alarm.period or SETTINGS.alarm_period_seconds
    values = dict.fromkeys(range(-9, 1), value)
    state = ALARM if breaches(alarm, value) else OK
    assert state != wanted
    for now in range(1, 30):
        state = judge(alarm, values, now, state, beyond=beyond)
        if state == wanted:
            return now * period
    return None


# The page's table, for 3 of 3 periods and 5 that are looked at, the newest last: `-` is missing, `x` breaches.
KEPT = "as it was"
EXAMPLES = [
    ("0-x-x", {"ignore": OK, "breaching": OK, "notBreaching": OK}),
    ("----0", {"ignore": OK, "breaching": OK, "notBreaching": OK}),
    ("-----", {"ignore": KEPT, "breaching": ALARM, "notBreaching": OK}),
    ("0xx-x", {"ignore": ALARM, "breaching": ALARM, "notBreaching": ALARM}),
    ("--x--", {"ignore": KEPT, "breaching": ALARM, "notBreaching": OK}),
]


@pytest.mark.parametrize(("drawn", "expected"), EXAMPLES)
def test_the_judge_knows_the_examples_of_aws(drawn: str, expected: dict[str, str]):
    values = {now: {"x": 0.0, "0": 1.0}[mark] for now, mark in enumerate(drawn) if mark != "-"}
    for missing, state in expected.items():
        alarm = replace(SINGLE["account-monitor-silent"], fill=None, missing=cast("Any", missing))
        assert judge(alarm, values, 4, KEPT, beyond=2) == state, missing


@each
@pytest.mark.parametrize("beyond", BEYOND)
def test_an_alarm_whose_metric_stops_does_what_it_says(key: str, beyond: int):
    alarm = SINGLE[key]
    period = alarm.period or SETTINGS.alarm_period_seconds
    if alarm.missing == "breaching":
        assert alarm.fill is not None
        assert seconds_until(alarm, ALARM, good(alarm), beyond=beyond) == alarm.periods * period
        return
    lets_go = seconds_until(alarm, OK, bad(alarm), beyond=beyond)
    if alarm.missing == "ignore":
        assert lets_go is None
    elif key.endswith("-sends-enough"):
        assert "within four days" in alarm.does
        assert lets_go is not None
        assert lets_go <= 4 * period
    else:
        assert lets_go is not None
        assert lets_go <= COUNTS_LET_GO, "docs/guides/monitoring.md says so"


# As docs/guides/monitoring.md says: "at the latest".
COUNTS_LET_GO = 20 * 60


def test_the_guide_says_how_long_alarms_stay():
    guide = (ROOT / "docs" / "guides" / "monitoring.md").read_text()
    assert f"lets go {COUNTS_LET_GO // 60} minutes after the last one at the latest" in " ".join(guide.split())


def test_the_heartbeat_says_when_it_goes_off():
    alarm = SINGLE["account-monitor-silent"]
    (minutes,) = re.findall(r"nothing for (\d+) minutes", alarm.does)
    assert {seconds_until(alarm, ALARM, good(alarm), beyond=beyond) for beyond in BEYOND} == {int(minutes) * 60}


def test_a_record_that_failed_pages_within_five_minutes():
    for worker in ("feedback", "sending-guard", "account-monitor"):
        alarm = SINGLE[f"{worker}-failed-records"]
        assert (alarm.period, alarm.periods, alarm.level) == (60, 1, "warning")


def test_bounces_about_the_sender_warn():
    alarm = SINGLE["feedback-sender-bounces"]
    assert (alarm.level, alarm.threshold, alarm.period, alarm.missing) == ("warning", 5, 300, "notBreaching")
    assert (alarm.metric, alarm.statistic) == (SENDER_BOUNCES, "Sum")


# --- Texts ---------------------------------------------------------------------------------------------------------


def sections() -> set[str]:
    """The anchors of the runbook, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "guides" / "monitoring.md").read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@told
def test_a_text_links_to_a_section_of_the_runbook_that_exists(key: str):
    (link,) = re.findall(r"^Runbook: docs/guides/monitoring\.md#(\S+)$", PAGING[key].does, re.MULTILINE)
    assert link in sections()


@told
def test_a_text_fits_and_repeats_no_word(key: str):
    text = PAGING[key].does
    assert len(text) <= 1024
    assert re.findall(r"(?<![-\w])(\w+)[\s,]+\1(?![-\w])", text, re.IGNORECASE) == []
    assert "  " not in text
    assert "{" not in text.replace("{ $.", "")


def commands(text: str) -> Iterator[str]:
    yield from re.findall(r"\baws [a-z].*$", text, re.MULTILINE)


@told
def test_a_text_names_a_next_command_that_aws_has(key: str):
    (then,) = re.findall(r"^Next: (.+)$", PAGING[key].does, re.MULTILINE)
    assert re.search(r"\b(aws|mailer) [a-z]", then)
    session = botocore.session.get_session()
    for command in commands(then):
        _, service, operation, *_ = command.split()
        assert "--region us-east-1" in command
        if (service, operation) != ("logs", "tail"):  # the CLI's own
            model = session.get_service_model(service)
            names = {xform_name(name, "-"): name for name in model.operation_names}
            members: dict[str, Any] = dict(cast("Any", model.operation_model(names[operation]).input_shape).members)
            options = {xform_name(name, "-") for name in members} | {"region", "query"}
            assert set(re.findall(r" --([a-z-]+)", command)) <= options, command


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("transactional-bounce-rate-warning", "0.001 %"),
        ("transactional-bounce-rate-critical", "1.23 %"),
        ("bulk-complaint-rate-warning", "0.08 %"),
        ("bulk-complaint-rate-critical", "at least 100 mails in 24 hours"),
        ("account-quota-warning", "80 %"),
        ("bulk-bounce-rate-critical", "mailer resume bulk --stack prod"),
        ("feedback-dlq-depth", "Remove the cause, then move them back: aws sqs start-message-move-task --source-arn"),
    ],
)
def test_a_text_says_numbers_as_the_settings_have_them(key: str, words: str):
    assert words in PAGING[key].does


@pytest.mark.parametrize("fraction", [0.000005, 0.0008, 0.004, 0.0123, 0.04, 0.05, 0.07, 0.1, 0.29])
def test_a_percentage_has_exactly_the_digits_of_its_fraction(fraction: float):
    number, unit = percent(fraction).split()
    assert unit == "%"
    assert float(number) == pytest.approx(fraction * 100, rel=1e-12)
    assert len(number) <= 8


def test_the_runbook_may_be_somewhere_else():
    config = {**config_of("prod"), "mailstack:runbook": "https://wiki.example.com/mail"}
    settings = read("prod", config)
    alarm = next(alarms(ENV, settings.monitoring, Inventory.of(settings.monitoring)))
    assert alarm.does.endswith("\nRunbook: https://wiki.example.com/mail#bounce-or-complaint-rate")
