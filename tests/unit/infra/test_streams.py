"""What a stream may be told beyond its defaults, as the program registers it."""

from typing import Any

from tests.unit.infra.program import run


def destination(name: str, **options: Any) -> dict[str, Any]:
    deployment = run("prod", streams={"transactional": options})
    return deployment.one("ConfigurationSetEventDestination", name).inputs["eventDestination"]


def test_events_are_counted_by_dimensions_of_ones_own_beside_the_stacks():
    by = {"template": {}, "X-Campaign": {"source": "EMAIL_HEADER", "default": "other"}}
    options = {"metrics": {"dimensions": by, "events": ["SEND", "BOUNCE"]}}
    made = destination("transactional-metrics", **options)
    assert (made["enabled"], made["matchingEventTypes"]) == (True, ["SEND", "BOUNCE"])
    assert made["cloudWatchDestination"]["dimensionConfigurations"] == [
        {"dimensionName": "template", "dimensionValueSource": "MESSAGE_TAG", "defaultDimensionValue": "none"},
        {"dimensionName": "X-Campaign", "dimensionValueSource": "EMAIL_HEADER", "defaultDimensionValue": "other"},
    ]
    assert destination("transactional-counts", **options) == destination("transactional-counts")


def test_nothing_else_is_counted_unless_somebody_asks():
    names = {r.name for r in run("prod").of("ConfigurationSetEventDestination")}
    assert names == {"transactional", "transactional-counts"}


def test_clicks_may_be_counted_by_the_link_that_was_clicked():
    metrics = {"dimensions": {"button": {"source": "LINK_TAG"}}, "events": "CLICK"}
    made = destination("transactional-metrics", metrics=metrics, tracking={"events": "CLICK"})
    assert made["matchingEventTypes"] == ["CLICK"]


def test_a_stream_sends_from_a_pool_of_the_stacks_own_or_from_one_that_exists():
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
