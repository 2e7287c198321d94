"""The provider plugin as a whole: names and tags, functions, refusals, start and exit. Over gRPC."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi import schema, wire
from mailstack_localcloud.pulumi.plugin import Plugin, PluginError
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
DEFAULT = "urn:pulumi:t::t::pulumi:providers:aws::default"
ARN = "arn:aws:sns:us-east-1:000000000000:events"
TOPIC = "urn:pulumi:t::t::aws:sns/topic:Topic::events"


def urn(kind: str, name: str = "subject") -> str:
    return f"urn:pulumi:t::t::{kind}::{name}"


@pytest.fixture(scope="module")
def plugin(shared_cloud: LocalCloud) -> Iterator[Plugin]:
    shared_cloud.reset()
    with Plugin(environment={**os.environ, **shared_cloud.environment()}) as started:
        tags = json.dumps({"tags": {"stack": "local", "team": "none"}})
        assert started.configure(DEFAULT, {"region": "eu-west-1", "defaultTags": tags}) == []
        yield started


@pytest.fixture
def make(plugin: Plugin) -> Iterator[Callable[[str, dict[str, Any]], tuple[str, dict[str, Any], dict[str, Any]]]]:
    """Make a resource: its id, inputs and outputs; deleted afterwards."""
    made: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = []

    def created(of: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
        checked, problems = plugin.check(of, inputs, None, b"seed")
        assert problems == []
        identifier, state = plugin.create(of, checked)
        made.append((of, identifier, checked, state))
        return identifier, checked, state

    yield created
    for of, identifier, inputs, state in reversed(made):
        plugin.delete(of, identifier, inputs, state)


def problems(plugin: Plugin, kind: str, inputs: dict[str, Any]) -> list[str]:
    found = plugin.check(urn(kind), inputs, None, b"seed")[1]
    return [f"{problem.path}: {problem.reason}" for problem in found]


def test_plugin_reports_the_version_of_the_installed_sdk(plugin: Plugin):
    assert plugin.version == schema.version()


def test_auto_name_is_kept_and_replacement_gets_another(plugin: Plugin):
    first, _ = plugin.check(TOPIC, {}, None, b"one")
    assert first["name"].startswith("events-")
    again, _ = plugin.check(TOPIC, {"displayName": "x"}, first, b"two")
    assert again["name"] == first["name"]
    other, _ = plugin.check(TOPIC, {}, None, b"two")
    assert other["name"] != first["name"]
    fifo, _ = plugin.check(TOPIC, {"fifoTopic": True}, None, b"one")
    assert fifo["name"].endswith(".fifo")


def test_a_given_name_is_not_kept_when_it_is_taken_away(plugin: Plugin):
    given, _ = plugin.check(TOPIC, {"name": "mine"}, None, b"one")
    assert plugin.check(TOPIC, {}, given, b"two")[0]["name"].startswith("events-")


def test_tags_of_a_resource_override_default_tags(plugin: Plugin, make: Any):
    _, inputs, state = make(TOPIC, {"name": "tagged", "tags": {"team": "mail"}})
    assert inputs["tags"] == state["tagsAll"] == {"stack": "local", "team": "mail"}
    assert state["region"] == "eu-west-1"


def test_a_resource_may_live_in_another_region(plugin: Plugin, make: Any):
    identifier, inputs, state = make(TOPIC, {"name": "far", "region": "us-east-2"})
    assert identifier.startswith("arn:aws:sns:us-east-2:")
    news, _ = plugin.check(TOPIC, {"name": "far"}, inputs, b"")
    assert plugin.diff(TOPIC, identifier, inputs, state, news).replaces == ()


@pytest.mark.parametrize(
    ("named", "delete_first"), [({"name": "fixed"}, True), ({}, False)], ids=["named", "auto-named"]
)
def test_fixed_name_is_deleted_before_its_replacement(
    plugin: Plugin, make: Any, named: dict[str, str], delete_first: bool
):
    group = urn("aws:cloudwatch/logGroup:LogGroup")
    identifier, inputs, state = make(group, named)
    news, _ = plugin.check(group, {**named, "logGroupClass": "INFREQUENT_ACCESS"}, inputs, b"")
    found = plugin.diff(group, identifier, inputs, state, news)
    assert found.replaces == ("logGroupClass",)
    assert found.delete_first is delete_first


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        ("aws:sns/topic:Topic", {"nme": "x"}, "nme: no such input; did you mean 'name'?"),
        ("aws:sns/topic:Topic", {"archivePolicy": "{}"}, "archivePolicy: the local cloud's provider does not serve"),
        ("aws:sns/topic:Topic", {"policy": "not json"}, "policy: is not JSON"),
        ("aws:sns/topicPolicy:TopicPolicy", {"arn": "a", "policy": {"Version": "x"}}, "policy"),
        ("aws:sqs/queue:Queue", {"visibilityTimeoutSeconds": 43_201}, "visibilityTimeoutSeconds: 43201 is not allowed"),
        ("aws:sqs/queue:Queue", {"name": "with space"}, "name: up to 80 letters"),
        (
            "aws:sns/topicSubscription:TopicSubscription",
            {"topic": ARN, "protocol": "sqs", "endpoint": "e", "filterPolicyScope": "MessageBody"},
            "filterPolicyScope: only together with filterPolicy",
        ),
        (
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {"metricName": "m", "namespace": "n", "statistic": "Sum", "threshold": 1},
            "comparisonOperator: required",
        ),
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 2}, "retentionInDays: 2 is none of"),
        (
            "aws:dynamodb/table:Table",
            {
                "hashKey": "pk",
                "billingMode": "PAY_PER_REQUEST",
                "attributes": [{"name": "pk", "type": "S"}, {"name": "expires_at", "type": "N"}],
            },
            "attributes: must define exactly the keys: pk",
        ),
        (
            "aws:dynamodb/table:Table",
            {"hashKey": "pk", "attributes": [{"name": "pk", "type": "S"}]},
            "readCapacity: required with billingMode PROVISIONED",
        ),
        (
            "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
            {
                "configurationSetName": "x",
                "eventDestinationName": "y",
                "eventDestination": {"matchingEventTypes": ["SEND"]},
            },
            "eventDestination: needs exactly one of",
        ),
        ("aws:ssm/parameter:Parameter", {"type": "String"}, "value: exactly one of value and insecureValue"),
    ],
)
def test_invalid_inputs_are_reported_before_creation(plugin: Plugin, kind: str, inputs: dict[str, Any], expected: str):
    assert problems(plugin, kind, inputs)[0].startswith(expected)


def test_unsupported_resource_type_is_an_error(plugin: Plugin):
    with pytest.raises(PluginError, match=r"does not serve aws:s3/bucket:Bucket; it serves .*aws:cloudwatch/logGroup"):
        plugin.check(urn("aws:s3/bucket:Bucket"), {}, None, b"")


def test_service_error_has_code_and_advice(plugin: Plugin):
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    of = urn("aws:iam/rolePolicy:RolePolicy", "orphan")
    with pytest.raises(PluginError) as raised:
        plugin.create(of, {"name": "n", "role": "nobody", "policy": policy})
    said = str(raised.value)
    assert said.startswith(
        "creating aws:iam/rolePolicy:RolePolicy 'orphan' failed: PutRolePolicy answered NoSuchEntity"
    )
    assert said.endswith("Something that it refers to is not there: check the names, or say depends_on.")
    assert "Traceback" not in said


def test_existing_record_needs_allow_overwrite(plugin: Plugin, make: Any, shared_cloud: LocalCloud):
    name = f"z{uuid.uuid4().hex[:8]}.test"
    zone = shared_cloud.client("route53").create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    record = {"zoneId": zone.rsplit("/", 1)[-1], "name": name, "type": "TXT", "ttl": 60, "records": ["one"]}
    identifier, _, state = make(urn("aws:route53/record:Record"), record)
    assert identifier == f"{record['zoneId']}_{name}_TXT"
    assert (state["fqdn"], state["records"]) == (name, ["one"])
    second = urn("aws:route53/record:Record", "second")
    with pytest.raises(PluginError, match=r"'second' failed: .* answered InvalidChangeBatch.*Another record holds"):
        plugin.create(second, {**record, "records": ["two"]})
    assert make(second, {**record, "records": ["two"], "allowOverwrite": True})[2]["records"] == ["two"]


def test_a_protected_table_is_not_deleted(plugin: Plugin, make: Any):
    of = urn("aws:dynamodb/table:Table")
    keys = {"hashKey": "pk", "attributes": [{"name": "pk", "type": "S"}], "billingMode": "PAY_PER_REQUEST"}
    identifier, inputs, state = make(of, {"name": "kept", **keys})
    guarded = {**inputs, "deletionProtectionEnabled": True}
    after = plugin.update(of, identifier, inputs, state, guarded)
    assert after["deletionProtectionEnabled"] is True
    with pytest.raises(PluginError, match=r"deleting aws:dynamodb/table:Table"):
        plugin.delete(of, identifier, guarded, after)
    plugin.update(of, identifier, guarded, after, inputs)


def test_an_ignored_change_is_neither_a_difference_nor_made(plugin: Plugin, make: Any, shared_cloud: LocalCloud):
    of = urn("aws:sesv2/configurationSet:ConfigurationSet")
    sending = {"region": "us-east-1", "configurationSetName": "paused", "sendingOptions": {"sendingEnabled": True}}
    identifier, inputs, state = make(of, sending)
    ses = shared_cloud.client("sesv2")
    ses.put_configuration_set_sending_options(ConfigurationSetName="paused", SendingEnabled=False)
    found = plugin.read(of, identifier, inputs, state)
    assert found is not None
    assert found.inputs["sendingOptions"] == {"sendingEnabled": False}
    assert plugin.diff(of, identifier, found.inputs, found.state, inputs).names == ("sendingOptions",)
    assert not plugin.diff(of, identifier, found.inputs, found.state, inputs, ["sendingOptions"]).changed
    news = {**inputs, "deliveryOptions": {"tlsPolicy": "REQUIRE"}}
    after = plugin.update(of, identifier, found.inputs, found.state, news, ["sendingOptions"])
    assert after["deliveryOptions"] == {"tlsPolicy": "REQUIRE"}
    assert ses.get_configuration_set(ConfigurationSetName="paused")["SendingOptions"]["SendingEnabled"] is False


def test_tokens_are_unknown_in_a_preview_beside_what_was_given(plugin: Plugin):
    of = urn("aws:sesv2/emailIdentity:EmailIdentity")
    inputs = {"emailIdentity": "x.test", "dkimSigningAttributes": {"nextSigningKeyLength": "RSA_2048_BIT"}}
    _, state = plugin.create(of, inputs, preview=True)
    dkim = state["dkimSigningAttributes"]
    assert (dkim["nextSigningKeyLength"], dkim["tokens"]) == ("RSA_2048_BIT", wire.UNKNOWN)


def test_partial_creation_is_rolled_back(plugin: Plugin, shared_cloud: LocalCloud):
    of = urn("aws:cloudwatch/logGroup:LogGroup")
    with pytest.raises(PluginError, match="PutRetentionPolicy"):
        plugin.create(of, {"name": "/half/made", "retentionInDays": 2})
    groups = shared_cloud.client("logs", region="eu-west-1").describe_log_groups(logGroupNamePrefix="/half/made")
    assert groups["logGroups"] == []


def test_failed_rollback_names_the_leftover(plugin: Plugin, shared_cloud: LocalCloud):
    of = urn("aws:sesv2/configurationSet:ConfigurationSet")
    left = pytest.raises(
        PluginError, match=r"GetConfigurationSet answered.* half is left half-made.*Delete or import it\.$"
    )
    with (
        shared_cloud.fault("error", operation="GetConfigurationSet", code="InternalFailure", status=400),
        shared_cloud.fault("error", operation="DeleteConfigurationSet", code="InternalFailure", status=400),
        left,
    ):
        plugin.create(of, {"configurationSetName": "half", "region": "us-east-1"})
    found = plugin.read(of, "half", {}, {"region": "us-east-1"})
    assert found is not None
    plugin.delete(of, "half", found.inputs, found.state)


def test_functions(plugin: Plugin, shared_cloud: LocalCloud):
    identity, _ = plugin.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert identity["accountId"] == "000000000000"
    region, _ = plugin.invoke("aws:index/getRegion:getRegion", {})
    assert (region["region"], region["description"]) == ("eu-west-1", "Europe (Ireland)")
    partition, _ = plugin.invoke("aws:index/getPartition:getPartition", {})
    assert (partition["partition"], partition["dnsSuffix"]) == ("aws", "amazonaws.com")
    name = f"z{uuid.uuid4().hex[:8]}.test"
    with pytest.raises(PluginError, match=f"no hosted zone named {name}"):
        plugin.invoke("aws:route53/getZone:getZone", {"name": name})
    made = shared_cloud.client("route53").create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    zone, _ = plugin.invoke("aws:route53/getZone:getZone", {"name": f"{name}."})
    assert (zone["zoneId"], zone["name"]) == (made.rsplit("/", 1)[-1], name)
    with pytest.raises(PluginError, match="does not serve aws:s3/getBucket:getBucket"):
        plugin.invoke("aws:s3/getBucket:getBucket", {})


def test_plugin_exits_on_cancel(shared_cloud: LocalCloud):
    started = Plugin(environment={**os.environ, **shared_cloud.environment()})
    assert started.version
    process = started._process
    assert process is not None
    started.close()
    assert process.returncode == 0


def test_plugin_exits_with_its_parent(tmp_path: Path):
    # A shell that starts the plugin, waits for its port, says its process id, and is gone.
    port = tmp_path / "port"
    start = f"{sys.executable} -m mailstack_localcloud.pulumi.provider 127.0.0.1:1 >{port} 2>/dev/null & process=$!"
    script = f"{start}; until [ -s {port} ]; do sleep 0.1; done; echo $process"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE)
    process = int(done.stdout)
    eventually(lambda: not _runs(process), "the plugin outlives its parent")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return (
        "Z" not in Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[-1][:3] if Path("/proc").exists() else True
    )
