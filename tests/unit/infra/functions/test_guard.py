"""The sending guard: the alarms and streams that it acts on."""

from typing import Any

from tests.unit.infra.options import UNGUARDED, all_alarms, everywhere, guards_alarms
from tests.unit.infra.program import run


def test_a_stack_without_a_guard_only_pages():
    deployment = run("prod", streams=UNGUARDED)
    assert not [resource for resource in deployment.resources if "guard" in resource.name]
    assert deployment.values.guard_function == ""
    topics = {topic.arn: topic.name for topic in deployment.of("Topic")}
    assert {topics[arn] for alarm in all_alarms(deployment) for arn in alarm.inputs.get("alarmActions", [])} == {
        "paging",
        "pagers",
    }


def test_the_guard_pauses_only_streams_that_want_it():
    deployment = run("prod", streams={"transactional": {}, "bulk": {"guard": False}})
    pause = deployment.policy("RolePolicy", "sending-guard")["PauseSending"]
    assert pause["Resource"] == deployment.one("ConfigurationSet", "transactional").arn
    critical = deployment.one("CompositeAlarm", "bulk-bounce-rate-critical").inputs
    assert critical["alarmActions"] == [deployment.one("Topic", "paging").arn]


@everywhere
def test_the_guard_knows_every_alarm_that_notifies_it(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    topics = {topic.arn for topic in deployment.of("Topic") if topic.name == "guard"}
    heard = {
        a.inputs.get("alarmName") for a in all_alarms(deployment) if topics & set(a.inputs.get("alarmActions", []))
    }
    known = guards_alarms(deployment)
    assert heard == set(known)
    sets = {each.inputs["configurationSetName"] for each in deployment.of("ConfigurationSet")}
    assert set(known.values()) <= sets
