"""Configuration sets and their event destinations."""

import json
from typing import Any

import pytest

from tests.unit.infra.options import FULL, KEPT_BY, TRACKS, everywhere, listed
from tests.unit.infra.program import ACCOUNT, Sent, run


def test_a_stream_requires_tls_keeps_reputation_and_suppresses():
    inputs = run("prod").one("ConfigurationSet", "transactional").inputs
    assert inputs["deliveryOptions"] == {"tlsPolicy": "REQUIRE"}
    assert inputs["reputationOptions"] == {"reputationMetricsEnabled": True}
    assert inputs["suppressionOptions"] == {"suppressedReasons": ["BOUNCE", "COMPLAINT"]}


def test_a_stream_with_every_option_on_says_each():
    inputs = run("prod", streams=FULL).one("ConfigurationSet", "transactional").inputs
    assert inputs["deliveryOptions"] == {
        "tlsPolicy": "REQUIRE",
        "maxDeliverySeconds": 3600,
        "sendingPoolName": "receipts",
    }
    assert inputs["vdmOptions"] == {
        "dashboardOptions": {"engagementMetrics": "DISABLED"},
        "guardianOptions": {"optimizedSharedDelivery": "ENABLED"},
    }
    assert inputs["trackingOptions"] == {"customRedirectDomain": "links.example.com", "httpsPolicy": "REQUIRE"}


def test_stream_omits_options_that_are_not_set():
    inputs = run("prod").one("ConfigurationSet", "transactional").inputs
    assert not {"vdmOptions", "trackingOptions"} & set(inputs)
    partly = run("prod", streams=FULL).one("ConfigurationSet", "bulk").inputs
    assert partly["vdmOptions"] == {"guardianOptions": {"optimizedSharedDelivery": "DISABLED"}}


def test_events_go_to_event_bridge_and_firehose_if_enabled():
    deployment = run("prod", streams=FULL)
    bus = deployment.one("ConfigurationSetEventDestination", "transactional-bus").inputs["eventDestination"]
    assert bus["eventBridgeDestination"] == {"eventBusArn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"}
    assert {"SEND", "DELIVERY", "BOUNCE", "OPEN", "CLICK"} <= set(bus["matchingEventTypes"])
    kept = deployment.one("ConfigurationSetEventDestination", "transactional-firehose")
    role = deployment.one("Role", "transactional-firehose")
    assert kept.inputs["eventDestination"]["kinesisFirehoseDestination"] == {
        "deliveryStreamArn": KEPT_BY,
        "iamRoleArn": role.arn,
    }
    assert deployment.one("RolePolicy", "transactional-firehose").urn in kept.depends_on
    (put,) = deployment.policy("RolePolicy", "transactional-firehose").values()
    assert (put["Action"], put["Resource"]) == ("firehose:PutRecordBatch", KEPT_BY)
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Condition"]["StringEquals"] == {
        "AWS:SourceAccount": ACCOUNT,
        "AWS:SourceArn": deployment.one("ConfigurationSet", "transactional").arn,
    }


@pytest.mark.parametrize("status", ["", "PENDING", "NOT_STARTED", "FAILED"])
def test_a_tracking_domain_waits_for_a_verified_identity(status: str):
    deployment = run("prod", streams=TRACKS, identity=Sent(status))
    assert "trackingOptions" not in deployment.one("ConfigurationSet", "transactional").inputs
    (warning,) = (said for said in deployment.warnings if "Tracked links" in said)
    assert "SES accepts links.example.com only after" in warning
    assert "mailer dns --stack prod --check --wait 600" in warning


def test_a_tracking_domain_stays_while_ses_looks_again():
    deployment = run("prod", streams=TRACKS, identity=Sent("TEMPORARY_FAILURE"))
    assert "trackingOptions" in deployment.one("ConfigurationSet", "transactional").inputs


@pytest.mark.parametrize(
    ("tracking", "target"),
    [({}, "r.eu-west-1.awstrack.me"), ({"https": "REQUIRE", "target": "cdn.example.org"}, "cdn.example.org")],
)
def test_a_tracking_domain_points_to_ses_or_the_given_target(tracking: dict[str, str], target: str):
    wanted = {"events": "CLICK", "domain": "links.example.com", **tracking}
    streams = {"transactional": {"eventBridge": True, "tracking": wanted}}
    record = run("prod", region="eu-west-1", streams=streams).one("Record", "tracking-transactional").inputs
    assert (record["name"], record["type"], record["records"]) == ("links.example.com", "CNAME", [target])


def test_the_account_is_set_by_the_stack_that_owns_it_alone():
    assert not [r for r in run("prod").aws if ":account" in r.token]
    owner = run("prod", ownsAccount=True, account={"vdm": True})
    (suppression,) = owner.of("AccountSuppressionAttributes")
    assert suppression.inputs["suppressedReasons"] == ["BOUNCE", "COMPLAINT"]
    assert owner.one("AccountVdmAttributes", "vdm").inputs["dashboardAttributes"] == {"engagementMetrics": "DISABLED"}
    assert run("prod", ownsAccount=True).of("AccountVdmAttributes") == []


def test_a_deployment_does_not_start_a_paused_stream():
    stream = run("prod").one("ConfigurationSet", "transactional")
    assert stream.ignores == ("sendingOptions",)
    assert stream.inputs["sendingOptions"] == {"sendingEnabled": True}


@everywhere
def test_every_stream_publishes_what_must_be_acted_upon(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    topic, policy = deployment.one("Topic", "events"), deployment.one("TopicPolicy", "events")
    destinations = deployment.of("ConfigurationSetEventDestination")
    told = [each for each in destinations if each.inputs["eventDestinationName"] == "feedback"]
    assert len(told) == len(deployment.of("ConfigurationSet"))
    for destination in told:
        event = destination.inputs["eventDestination"]
        assert event["enabled"] is True
        assert event["snsDestination"] == {"topicArn": topic.arn}
        assert {"BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "REJECT"} <= set(event["matchingEventTypes"])
        assert policy.urn in destination.depends_on


@everywhere
def test_ses_may_publish_for_the_stacks_own_sets_alone(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    condition = deployment.policy("TopicPolicy", "events")["SesPublishesEvents"]["Condition"]["StringEquals"]
    assert set(listed(condition["AWS:SourceArn"])) == {r.arn for r in deployment.of("ConfigurationSet")}
    assert condition["AWS:SourceAccount"] == ACCOUNT
