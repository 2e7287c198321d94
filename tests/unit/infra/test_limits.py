"""AWS's length limits are checked before anything is registered."""

import itertools
import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from mailer.stack import MAX_ADVANCED_CHARACTERS, MAX_PARAMETER_CHARACTERS
from mailstack_infra.limits import LONGEST_ENVIRONMENT, LONGEST_POLICY, MOST_WIDGETS
from mailstack_infra.settings.loading import SettingsInvalid
from tests.unit.infra.options import all_alarms, guards_alarms, listed, named
from tests.unit.infra.program import Deployment, Registered, run


def test_outputs_of_three_long_streams_fit_into_one_parameter():
    changed: dict[str, Any] = {
        "domain": f"{'a' * 40}.example.com",
        "streams": {"transactional": {}, "newsletter-campaign": {}, "announcements": {}},
    }
    deployment = run("prod", region="ap-southeast-3", zone="example.com", sender="", **changed)
    assert len(deployment.one("Parameter", "outputs").inputs["insecureValue"]) <= MAX_PARAMETER_CHARACTERS


@pytest.mark.parametrize(("count", "secondary"), [(13, ""), (50, "eu-west-1")])
def test_fifty_guarded_streams_fit_into_what_aws_bounds(count: int, secondary: str):
    deployment = run("prod", secondaryRegion=secondary, streams=named(count))
    parameter = deployment.one("Parameter", "outputs").inputs
    size = len(parameter["insecureValue"])
    assert size <= MAX_ADVANCED_CHARACTERS
    assert (parameter.get("tier") == "Advanced") == (size > MAX_PARAMETER_CHARACTERS)
    assert len(deployment.values.streams) == count
    policy = deployment.one("Policy", "sender").inputs["policy"]
    assert len("".join(policy.split())) <= LONGEST_POLICY
    widgets = json.loads(deployment.one("Dashboard", "dashboard").inputs["dashboardBody"])["widgets"]
    shown = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert all(len(alarms) <= 100 for alarms in shown)
    assert len(set(itertools.chain(*shown))) == sum(map(len, shown))
    assert len(widgets) <= MOST_WIDGETS
    guard = deployment.one("Function", "sending-guard").inputs["environment"]["variables"]
    assert sum(len(f"{name}{value}") for name, value in guard.items()) <= LONGEST_ENVIRONMENT
    assert set(guards_alarms(deployment)) == {a.inputs["alarmName"] for a in pausing_alarms_of(deployment)}
    for topic, allowed in publishers_of(deployment).items():
        telling = {a.arn for a in all_alarms(deployment) if topic in a.inputs.get("alarmActions", [])}
        assert {arn for arn in telling if not any(fnmatchcase(arn, pattern) for pattern in allowed)} == set()
    for kind, most in {"RolePolicy": 10_240, "TopicPolicy": 30_720, "QueuePolicy": 8_192, "Key": 32_768}.items():
        assert all(len("".join(each.inputs["policy"].split())) <= most for each in deployment.of(kind)), kind


@pytest.mark.parametrize("count", [20, 22])
def test_sender_policy_with_a_message_log_is_short_enough(count: int):
    access = {"raw": True, "bulk": True, "smtp": {"keys": [1], "readBySender": True}}
    policies = {
        days: run(
            "prod",
            region="ap-southeast-3",
            encryption="customer",
            access=access,
            messageLog={"days": days},
            streams=named(count, guard=False),
        )
        .one("Policy", "sender")
        .inputs["policy"]
        for days in (0, 30)
    }
    assert all(len("".join(policy.split())) <= LONGEST_POLICY for policy in policies.values())


def publishers_of(deployment: Deployment) -> dict[str, list[str]]:
    """The alarms that each topic's policy lets publish, or patterns of their ARNs."""
    statements = [deployment.policy("TopicPolicy", each.name) for each in deployment.of("TopicPolicy")]
    found = [each["CloudWatchPublishesAlarms"] for each in statements if "CloudWatchPublishesAlarms" in each]
    return {each["Resource"]: listed(each["Condition"]["ArnEquals"]["aws:SourceArn"]) for each in found}


def pausing_alarms_of(deployment: Deployment) -> list[Registered]:
    """The composite alarms that tell the guard."""
    topic = deployment.one("Topic", "guard").arn
    return [alarm for alarm in deployment.of("CompositeAlarm") if topic in alarm.inputs["alarmActions"]]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"streams": {n: {"configurationSet": f"{n}-{'y' * 40}"} for n in named(50)}},
            "guard's environment would have",
        ),
        ({"streams": named(100)}, "The guard's policy would have about .* 100 streams, 100 of them with a guard"),
        ({"streams": named(180, guard=False)}, "The dashboard would have about .* widgets; CloudWatch allows 500"),
        (
            {"streams": {n: {"configurationSet": f"{n}-{'y' * 40}", "guard": False} for n in named(50)}},
            "The sender policy would be longer than the 6144 characters",
        ),
        ({"streams": named(300, guard=False)}, "The outputs would be about"),
        ({"allowedRecipients": [f"*@{n:03}.example.com" for n in range(300)]}, "The sender policy would be longer"),
    ],
)
def test_names_beyond_the_limits_of_aws_are_refused(changed: dict[str, Any], words: str):
    with pytest.raises(SettingsInvalid, match=words):
        run("prod", **changed)
