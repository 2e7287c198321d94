"""The message log of a stack: which events reach the function, what it may write, and what applications may read."""

from typing import Any

from mailer.reports.counters import LATENESS
from tests.unit.infra.program import Deployment, run

ON: dict[str, Any] = {"messageLog": {"days": 30}}


def heard(deployment: Deployment) -> set[str]:
    destination = deployment.one("ConfigurationSetEventDestination", "transactional").inputs["eventDestination"]
    return set(destination["matchingEventTypes"])


def variables(deployment: Deployment) -> dict[str, str]:
    return deployment.one("Function", "feedback").inputs["environment"]["variables"]


def test_log_is_off_by_default():
    deployment = run("prod")
    assert not {"SEND", "DELIVERY"} & heard(deployment)
    assert variables(deployment)["MAILSTACK_MESSAGE_LOG_DAYS"] == "0"
    assert deployment.values.message_log_days == 0
    for kind, name in (("Policy", "sender"), ("RolePolicy", "feedback")):
        assert not {"WriteMessageLog", "ReadMessageLog"} & set(deployment.policy(kind, name))


def test_log_makes_sends_and_deliveries_reach_the_function():
    deployment = run("prod", **ON)
    assert heard(deployment) - heard(run("prod")) == {"SEND", "DELIVERY"}
    assert variables(deployment)["MAILSTACK_MESSAGE_LOG_DAYS"] == "30"
    assert deployment.values.message_log_days == 30


def test_function_writes_the_log_and_does_not_read_it():
    granted = run("prod", **ON).policy("RolePolicy", "feedback")
    assert granted["WriteMessageLog"]["Action"] == "dynamodb:PutItem"
    assert "ReadMessageLog" not in granted


def test_application_may_read_messages_but_not_search():
    granted = run("prod", **ON).policy("Policy", "sender")
    read = granted["ReadMessageLog"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert read == ["MESSAGE#*"]
    assert granted["WriteMessageLog"]["Action"] == "dynamodb:PutItem"


def test_log_creates_no_further_resource():
    on, off = run("prod", **ON), run("prod")
    created = [{(resource.token, resource.name) for resource in each.aws} for each in (on, off)]
    assert created[0] == created[1]


def test_reports_close_a_day_when_the_queue_has_no_event_of_it():
    queue = run("prod", **ON).one("Queue", "feedback").inputs
    assert queue["messageRetentionSeconds"] == LATENESS.total_seconds()
