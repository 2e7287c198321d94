"""What a stream may be told beyond its defaults, as the program registers it."""

import json
from typing import Any

import pulumi
import pytest

from tests.unit.infra.options import guards_alarms
from tests.unit.infra.program import Deployment, run

KEPT_BY = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/mail-events"


def destination(name: str, **options: Any) -> dict[str, Any]:
    deployment = run("prod", streams={"transactional": options})
    return deployment.one("ConfigurationSetEventDestination", name).inputs["eventDestination"]


def widgets_of(deployment: Deployment) -> list[dict[str, Any]]:
    return json.loads(deployment.one("Dashboard", "dashboard").inputs["dashboardBody"])["widgets"]


def test_custom_dimensions_add_to_the_stacks_own_counts():
    by = {"template": {}, "X-Campaign": {"source": "EMAIL_HEADER", "default": "other"}}
    options = {"metrics": {"dimensions": by, "events": ["BOUNCE", "SEND", "BOUNCE"]}}
    made = destination("transactional-metrics", **options)
    assert (made["enabled"], made["matchingEventTypes"]) == (True, ["SEND", "BOUNCE"])
    assert made["cloudWatchDestination"]["dimensionConfigurations"] == [
        {"dimensionName": "template", "dimensionValueSource": "MESSAGE_TAG", "defaultDimensionValue": "none"},
        {"dimensionName": "X-Campaign", "dimensionValueSource": "EMAIL_HEADER", "defaultDimensionValue": "other"},
    ]
    assert destination("transactional-counts", **options) == destination("transactional-counts")


def test_metrics_beside_the_defaults_need_a_setting():
    names = {r.name for r in run("prod").of("ConfigurationSetEventDestination")}
    assert names == {"transactional", "transactional-counts"}


def test_clicks_may_be_counted_by_the_link_that_was_clicked():
    metrics = {"dimensions": {"button": {"source": "LINK_TAG"}}, "events": "CLICK"}
    made = destination("transactional-metrics", metrics=metrics, tracking={"events": "CLICK"})
    assert made["matchingEventTypes"] == ["CLICK"]


def test_a_stream_sends_from_its_own_or_an_existing_pool():
    pools = {"receipts": {}, "campaigns": {"scaling": "STANDARD"}}
    streams = {
        "transactional": {"dedicatedPool": "receipts"},
        "bulk": {"dedicatedPool": "campaigns"},
        "else": {"dedicatedPool": "theirs"},
    }
    deployment = run("prod", pools=pools, streams=streams)
    made = {r.inputs["poolName"]: (r.inputs["scalingMode"], r.protect) for r in deployment.of("DedicatedIpPool")}
    assert made == {"mailstack-prod-receipts": ("MANAGED", True), "mailstack-prod-campaigns": ("STANDARD", True)}
    sends = {r.name: r.inputs["deliveryOptions"]["sendingPoolName"] for r in deployment.of("ConfigurationSet")}
    assert sends == {
        "transactional": "mailstack-prod-receipts",
        "bulk": "mailstack-prod-campaigns",
        "else": "theirs",
    }


def test_a_tenant_may_use_the_identity_and_its_streams_alone():
    deployment = run(
        "prod", streams={"transactional": {}, "bulk": {}}, tenants={"acme": {}, "initech": {"streams": "bulk"}}
    )
    tenants = {r.name: r.inputs["tenantName"] for r in deployment.of("Tenant")}
    assert tenants == {"acme": "mailstack-prod-acme", "initech": "mailstack-prod-initech"}
    assert all(r.protect for r in deployment.of("Tenant"))
    identity = deployment.one("EmailIdentity", "domain").arn
    transactional, bulk = (deployment.one("ConfigurationSet", name).arn for name in ("transactional", "bulk"))
    used = {(r.inputs["tenantName"], r.inputs["resourceArn"]) for r in deployment.of("TenantResourceAssociation")}
    assert used == {
        *(("mailstack-prod-acme", arn) for arn in (identity, transactional, bulk)),
        *(("mailstack-prod-initech", arn) for arn in (identity, bulk)),
    }


def test_a_multi_region_endpoint_is_allowed_in_both_regions():
    deployment = run("prod", secondaryRegion="eu-west-1")
    (endpoint,) = deployment.of("MultiRegionEndpoint")
    assert endpoint.inputs["details"] == {"routesDetails": {"region": "eu-west-1"}}
    assert deployment.values.endpoint_id == endpoint.outputs["endpointId"]
    any_identity = f"{deployment.one('EmailIdentity', 'domain').arn.rpartition('/')[0]}/*"
    here = {any_identity, deployment.one("ConfigurationSet", "transactional").arn}
    there = {arn.replace("us-east-1", "eu-west-1") for arn in here}
    allowed = deployment.policy("Policy", "sender")["Send"]["Resource"]
    assert {arn for arn in allowed if ":template/" not in arn} == here | there
    assert {arn.split(":")[3] for arn in allowed if ":template/" in arn} == {"us-east-1", "eu-west-1"}


def test_multi_region_endpoint_is_off_by_default():
    assert run("prod").of("MultiRegionEndpoint") == []
    assert run("prod").values.endpoint_id == ""


def test_the_second_region_is_another_one():
    with pytest.raises(pulumi.RunError, match="secondaryRegion is us-east-1, and must be another region"):
        run("prod", secondaryRegion="us-east-1")


def test_a_configuration_set_may_be_called_as_in_another_region():
    name, ours = "mailstack-prod-transactional", "mailstack-dev-transactional"
    options = {"configurationSet": name, "firehose": KEPT_BY}
    deployment = run("dev", region="eu-west-1", streams={"transactional": options, "bulk": {}})
    arn = deployment.one("ConfigurationSet", "transactional").arn
    assert arn.endswith(f":configuration-set/{name}")
    assert deployment.one("ConfigurationSet", "bulk").inputs["configurationSetName"] == "mailstack-dev-bulk"
    set_names = {r.inputs.get("configurationSetName") for r in deployment.of("ConfigurationSetEventDestination")}
    assert set_names == {name, "mailstack-dev-bulk"}
    watched = {r.inputs.get("dimensions", {}).get("ses:configuration-set") for r in deployment.of("MetricAlarm")}
    assert watched - {None} == {name, "mailstack-dev-bulk"}
    assert arn in deployment.policy("RolePolicy", "sending-guard")["PauseSending"]["Resource"]
    statement = deployment.policy("TopicPolicy", "events")["SesPublishesEvents"]
    assert arn in statement["Condition"]["StringEquals"]["AWS:SourceArn"]
    # Alarms are called after the stream, whatever SES calls the set.
    texts = [
        deployment.one("Role", "transactional-firehose").inputs["assumeRolePolicy"],
        *widgets_of(deployment)[1:2],
        *guards_alarms(deployment).values(),
    ]
    assert [text for text in map(json.dumps, texts) if ours in text or (name not in text and "bulk" not in text)] == []


def test_a_stream_without_reputation_metrics_has_no_rate_alarms():
    quiet = {"reputationMetrics": False, "guard": False}
    deployment = run("prod", streams={"transactional": {}, "bulk": quiet})
    enabled = {
        r.name: r.inputs["reputationOptions"]["reputationMetricsEnabled"] for r in deployment.of("ConfigurationSet")
    }
    assert enabled == {"transactional": True, "bulk": False}
    alarms = {r.name for r in deployment.of("MetricAlarm") + deployment.of("CompositeAlarm")}
    assert {name for name in alarms if name.startswith("bulk-")} == {"bulk-rejects", "bulk-rendering-failures"}
    titles = [widget["properties"]["title"] for widget in widgets_of(deployment)]
    assert [title for title in titles if title.startswith("bulk:")] == ["bulk: mails"]
