"""Amazon EventBridge; Pulumi counts it to CloudWatch. After internal/service/events/rule.go and target.go."""

import json
import uuid
from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import ARN, Arg, Resource, Tagging, as_json, form, up_to
from mailstack_localcloud.pulumi.provider.resources._names import from_api, given, mapping, pairs, to_api
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown

_DEFAULT_BUS = "default"

# --- Rule ----------------------------------------------------------------------------------------------------------

_RULE_NAME = form(r"[.\w-]{1,64}", "has letters, digits and ._-, at most 64")
_STATES = ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
_LONGEST_PATTERN = 4096  # characters, without white space
_RULE = {
    "name": Arg("Name", replaces=True, allowed=_RULE_NAME),
    "description": Arg("Description", allowed=up_to(512)),
    "eventBusName": Arg("EventBusName", default=_DEFAULT_BUS, replaces=True),
    "eventPattern": Arg("EventPattern", same=as_json),
    "forceDestroy": Arg(default=False, write_only=True),
    "roleArn": Arg("RoleArn", allowed=ARN),
    "scheduleExpression": Arg("ScheduleExpression", allowed=up_to(256)),
    "state": Arg("State", keeps=True, allowed=_STATES),
}


def _put_rule(cloud: Cloud, wanted: Props, **more: Any) -> str:
    own = {arg.api: wanted.get(name) for name, arg in _RULE.items() if arg.api and name != "description"}
    # Said even when empty: what is left out goes back to its default in EventBridge, but stays in the local one.
    cloud.events.put_rule(**given({**own, **more}), Description=wanted.get("description") or "")
    bus = wanted["eventBusName"]
    return str(wanted["name"]) if bus == _DEFAULT_BUS else f"{bus}/{wanted['name']}"


def _bus_and_name(identifier: str) -> tuple[str, str]:
    bus, _, name = identifier.rpartition("/")
    return bus or _DEFAULT_BUS, name


def _read_rule(cloud: Cloud, identifier: str, _: Props) -> Props:
    bus, name = _bus_and_name(identifier)
    found = cast("Any", cloud.events.describe_rule(Name=name, EventBusName=bus))
    state = {key: found[arg.api] for key, arg in _RULE.items() if arg.api and found.get(arg.api) is not None}
    return {**state, "arn": found["Arn"]}


def _delete_rule(cloud: Cloud, identifier: str, _: Props) -> None:
    bus, name = _bus_and_name(identifier)
    cloud.events.delete_rule(Name=name, EventBusName=bus)


def _rule_rules(inputs: Props) -> list[Problem]:
    if not (inputs.get("eventPattern") or inputs.get("scheduleExpression")):
        return [Problem("eventPattern", "one of eventPattern and scheduleExpression must be given")]
    pattern = inputs.get("eventPattern")
    problems = _not_json("eventPattern", pattern)
    if pattern and not problems and not is_unknown(pattern):
        length = len(json.dumps(json.loads(pattern), separators=(",", ":")))
        if length > _LONGEST_PATTERN:
            problems = [Problem("eventPattern", f"has {length} characters; it may have {_LONGEST_PATTERN}")]
    return problems


def _not_json(name: str, text: Any) -> list[Problem]:
    try:
        json.loads("{}" if text is None or is_unknown(text) else text)
    except ValueError as error:
        return [Problem(name, f"it is not JSON: {error}")]
    return []


# --- Target --------------------------------------------------------------------------------------------------------

_TARGET = {
    "rule": Arg(replaces=True, allowed=_RULE_NAME),
    "targetId": Arg(replaces=True, keeps=True, allowed=_RULE_NAME),
    "eventBusName": Arg(default=_DEFAULT_BUS, replaces=True),
    "arn": Arg("Arn", allowed=ARN),
    "roleArn": Arg("RoleArn", allowed=ARN),
    "input": Arg("Input", same=as_json, allowed=up_to(8192)),
    "inputPath": Arg("InputPath", allowed=up_to(256)),
    "deadLetterConfig": Arg("DeadLetterConfig"),
    "retryPolicy": Arg("RetryPolicy"),
}


def _put_target(cloud: Cloud, wanted: Props) -> str:
    bus, rule = wanted["eventBusName"], wanted["rule"]
    target = wanted.get("targetId") or f"terraform-{uuid.uuid4().hex}"
    own = given({arg.api: wanted.get(name) for name, arg in _TARGET.items() if arg.api})
    cloud.events.put_targets(Rule=rule, EventBusName=bus, Targets=[cast("Any", {"Id": target, **to_api(own)})])
    return f"{bus}/{rule}/{target}"


def _read_target(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    bus, rule, name = identifier.split("/")
    targets = cast("Any", cloud.events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"])
    target = next((target for target in targets if target["Id"] == name), None)
    if target is None:
        return None
    own = from_api({key: value for key, value in target.items() if key != "Id"})
    return {**given(own), "rule": rule, "eventBusName": bus, "targetId": name}


def _delete_target(cloud: Cloud, identifier: str, _: Props) -> None:
    bus, rule, name = identifier.split("/")
    cloud.events.remove_targets(Rule=rule, EventBusName=bus, Ids=[name])


def _target_rules(inputs: Props) -> list[Problem]:
    if inputs.get("input") and inputs.get("inputPath"):
        return [Problem("inputPath", "not together with input")]
    return _not_json("input", inputs.get("input"))


RESOURCES = (
    Resource(
        kind="aws:cloudwatch/eventRule:EventRule",
        args=_RULE,
        create=lambda cloud, wanted: _put_rule(cloud, wanted, Tags=pairs(wanted["tags"])),
        read=_read_rule,
        update=lambda cloud, _, wanted, __: _put_rule(cloud, wanted),
        delete=_delete_rule,
        computed=("arn",),
        auto_name="name",
        tags=Tagging(
            read=lambda cloud, state: mapping(cloud.events.list_tags_for_resource(ResourceARN=state["arn"])["Tags"]),
            add=lambda cloud, state, tags: cloud.events.tag_resource(ResourceARN=state["arn"], Tags=pairs(tags)),
            remove=lambda cloud, state, keys: cloud.events.untag_resource(ResourceARN=state["arn"], TagKeys=keys),
        ),
        rules=_rule_rules,
    ),
    Resource(
        kind="aws:cloudwatch/eventTarget:EventTarget",
        args=_TARGET,
        create=_put_target,
        read=_read_target,
        update=lambda cloud, _, wanted, __: _put_target(cloud, wanted),
        delete=_delete_target,
        identity=("rule", "targetId", "eventBusName"),
        rules=_target_rules,
    ),
)
