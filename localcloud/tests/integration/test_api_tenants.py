"""Tenants, dedicated pools, multi-region endpoints and insights of the emulated SES, through boto3."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

ARN = "arn:aws:ses:us-east-1:000000000000"
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
INLINE: Any = {"Subject": "Hello", "Text": "Hello {{name}}"}


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    client = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    client.create_configuration_set(ConfigurationSetName="theirs")
    return client


def send(ses: "SESV2Client", to: str = "bob@example.com", **more: Any) -> str:
    whole: Any = {"FromEmailAddress": "ada@example.test", "Destination": {"ToAddresses": [to]}, "Content": HELLO}
    return ses.send_email(**{**whole, **more})["MessageId"]


@pytest.fixture
def tenant(ses: "SESV2Client") -> str:
    arn = ses.create_tenant(TenantName="acme", Tags=[{"Key": "plan", "Value": "pro"}])["TenantArn"]
    ses.create_tenant_resource_association(TenantName="acme", ResourceArn=f"{ARN}:identity/example.test")
    return arn


def test_a_tenant_is_made_found_listed_and_removed(ses: "SESV2Client", tenant: str):
    found = ses.get_tenant(TenantName="acme")["Tenant"]
    assert found.get("TenantArn") == tenant == f"{ARN}:tenant/acme/{found.get('TenantId')}"
    assert (found.get("SendingStatus"), found.get("Tags")) == ("ENABLED", [{"Key": "plan", "Value": "pro"}])
    assert ses.list_tags_for_resource(ResourceArn=tenant)["Tags"] == [{"Key": "plan", "Value": "pro"}]
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_tenant(TenantName="acme")
    ses.create_tenant(TenantName="other")
    assert [t.get("TenantName") for t in ses.list_tenants(Filter={"TENANT_NAME_CONTAINS": "th"})["Tenants"]] == [
        "other"
    ]
    ses.delete_tenant(TenantName="acme")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_tenant(TenantName="acme")


def test_tenant_sends_with_associated_resources_only(cloud: LocalCloud, ses: "SESV2Client", tenant: str):
    message_id = send(ses, TenantName="acme")
    assert cloud.control("GET", f"messages/{message_id}")["tags"]["ses:tenant-name"] == ["acme"]
    refusal = r"\(AccessDeniedException\).* Tenant not associated with resources \[{}:{}\]\."
    with pytest.raises(ClientError, match=refusal.format(ARN, "configuration-set/theirs")):
        send(ses, TenantName="acme", ConfigurationSetName="theirs")
    ses.create_tenant_resource_association(TenantName="acme", ResourceArn=f"{ARN}:configuration-set/theirs")
    assert send(ses, TenantName="acme", ConfigurationSetName="theirs")
    resources = ses.list_tenant_resources(TenantName="acme", Filter={"RESOURCE_TYPE": "CONFIGURATION_SET"})
    assert [one.get("ResourceArn") for one in resources["TenantResources"]] == [f"{ARN}:configuration-set/theirs"]
    tenants = ses.list_resource_tenants(ResourceArn=f"{ARN}:configuration-set/theirs")["ResourceTenants"]
    assert [one.get("TenantName") for one in tenants] == ["acme"]
    ses.delete_tenant_resource_association(TenantName="acme", ResourceArn=f"{ARN}:identity/example.test")
    with pytest.raises(ClientError, match=refusal.format(ARN, "identity/example.test")):
        send(ses, TenantName="acme")
    with pytest.raises(ses.exceptions.NotFoundException, match=r"Tenant nobody for AwsAccountId 0{12} not found\."):
        send(ses, TenantName="nobody")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.create_tenant_resource_association(TenantName="acme", ResourceArn=f"{ARN}:template/none")


def test_resource_of_a_tenant_cannot_be_deleted(cloud: LocalCloud, ses: "SESV2Client", tenant: str):
    own = {"TenantName": "acme", "ResourceArn": f"{ARN}:identity/example.test"}
    problem = f"Cannot delete <{ARN}:identity/example.test> because it has tenant associations."
    for delete in (
        lambda: ses.delete_email_identity(EmailIdentity="example.test"),
        lambda: cloud.client("ses").delete_identity(Identity="example.test"),
    ):
        with pytest.raises(ClientError, match=problem):
            delete()
    ses.delete_tenant_resource_association(**own)
    ses.delete_tenant_resource_association(**own)  # as good as gone
    ses.delete_email_identity(EmailIdentity="example.test")
    ses.create_email_template(TemplateName="code", TemplateContent={"Subject": "Code", "Text": "1"})
    for name in ("configuration-set/theirs", "template/code"):
        ses.create_tenant_resource_association(TenantName="acme", ResourceArn=f"{ARN}:{name}")
    with pytest.raises(ses.exceptions.BadRequestException, match="tenant associations"):
        ses.delete_configuration_set(ConfigurationSetName="theirs")
    with pytest.raises(ses.exceptions.BadRequestException, match="tenant associations"):
        ses.delete_email_template(TemplateName="code")
    ses.delete_tenant(TenantName="acme")  # and with it its associations
    ses.delete_email_template(TemplateName="code")


def test_paused_tenant_sends_nothing_until_reinstated(ses: "SESV2Client", tenant: str):
    entity: Any = {"ReputationEntityType": "RESOURCE", "ReputationEntityReference": tenant}
    ses.update_reputation_entity_customer_managed_status(**entity, SendingStatus="DISABLED")
    with pytest.raises(ses.exceptions.SendingPausedException):
        send(ses, TenantName="acme")
    with pytest.raises(ses.exceptions.SendingPausedException):
        ses.send_bulk_email(
            FromEmailAddress="ada@example.test",
            TenantName="acme",
            DefaultContent={"Template": {"TemplateContent": INLINE, "TemplateData": '{"name": "x"}'}},
            BulkEmailEntries=[{"Destination": {"ToAddresses": ["bob@example.com"]}}],
        )
    assert ses.get_reputation_entity(**entity)["ReputationEntity"].get("SendingStatusAggregate") == "DISABLED"
    assert len(ses.list_reputation_entities(Filter={"SENDING_STATUS": "DISABLED"})["ReputationEntities"]) == 1
    assert ses.list_reputation_entities(Filter={"REPUTATION_IMPACT": "HIGH"})["ReputationEntities"] == []
    assert send(ses)
    ses.update_reputation_entity_customer_managed_status(**entity, SendingStatus="REINSTATED")
    assert send(ses, TenantName="acme")


BOTH: Any = {"SuppressionScope": "TENANT", "SuppressedReasons": ["BOUNCE", "COMPLAINT"]}


def last(cloud: LocalCloud, message_id: str) -> str:
    """What happened to a mail last."""
    return cloud.control("GET", f"messages/{message_id}")["occurrences"][-1]["detail"]


def listed(ses: "SESV2Client", **more: Any) -> list[str]:
    return [one["EmailAddress"] for one in ses.list_suppressed_destinations(**more)["SuppressedDestinationSummaries"]]


@pytest.mark.usefixtures("tenant")
def test_a_tenant_with_a_list_of_its_own_keeps_to_it(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    ses.put_tenant_suppression_attributes(TenantName="acme", **BOTH)
    assert ses.get_tenant(TenantName="acme")["Tenant"].get("SuppressionAttributes") == BOTH
    assert last(cloud, send(ses, "bob@gone.test", TenantName="acme")) == "General"
    assert (listed(ses, TenantName="acme"), listed(ses)) == (["bob@gone.test"], [])
    suppressed = send(ses, "Bob@gone.test", TenantName="acme")
    assert last(cloud, suppressed) == "OnTenantSuppressionList"
    diagnostic = cloud.control("GET", f"messages/{suppressed}")["events"][-1]["bounce"]["bouncedRecipients"][0]
    assert diagnostic["diagnosticCode"].endswith("because it is on the suppression list for your tenant.")
    assert last(cloud, send(ses, "bob@gone.test")) == "General"
    ses.delete_suppressed_destination(EmailAddress="bob@gone.test", TenantName="acme")
    assert listed(ses) == ["bob@gone.test"]
    assert last(cloud, send(ses, "bob@gone.test", TenantName="acme")) == "General"


@pytest.mark.usefixtures("tenant")
def test_tenant_suppression_list_entries_name_the_tenant(ses: "SESV2Client"):
    ses.put_suppressed_destination(EmailAddress="bob@example.com", Reason="COMPLAINT", TenantName="acme")
    found = ses.get_suppressed_destination(EmailAddress="bob@example.com", TenantName="acme")["SuppressedDestination"]
    assert (found["Reason"], found.get("TenantName")) == ("COMPLAINT", "acme")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_suppressed_destination(EmailAddress="bob@example.com")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.put_suppressed_destination(EmailAddress="bob@example.com", Reason="BOUNCE", TenantName="nobody")


# The set's scope and reasons, the tenant's, and what becomes of a mail to an address on both lists for a bounce.
PRECEDENCE: list[tuple[Any, Any, str]] = [
    ({}, {}, "OnAccountSuppressionList"),
    ({}, BOTH, "OnTenantSuppressionList"),
    ({}, {"SuppressionScope": "ACCOUNT", "SuppressedReasons": ["BOUNCE"]}, "OnAccountSuppressionList"),
    ({}, {"SuppressionScope": "TENANT", "SuppressedReasons": []}, ""),
    ({}, {"SuppressionScope": "TENANT", "SuppressedReasons": ["COMPLAINT"]}, ""),
    ({"SuppressionScope": "ACCOUNT"}, BOTH, "OnAccountSuppressionList"),
    ({"SuppressionScope": "TENANT"}, {}, "OnTenantSuppressionList"),
    ({"SuppressedReasons": ["COMPLAINT"]}, BOTH, ""),
    ({"SuppressedReasons": ["BOUNCE"]}, {**BOTH, "SuppressedReasons": []}, "OnTenantSuppressionList"),
]


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize(("of_set", "of_tenant", "outcome"), PRECEDENCE)
def test_suppression_precedence_set_then_tenant_then_account(
    cloud: LocalCloud, ses: "SESV2Client", of_set: Any, of_tenant: Any, outcome: str
):
    ses.create_tenant_resource_association(TenantName="acme", ResourceArn=f"{ARN}:configuration-set/theirs")
    ses.put_tenant_suppression_attributes(TenantName="acme", **of_tenant)
    if of_set:
        ses.put_configuration_set_suppression_options(ConfigurationSetName="theirs", **of_set)
    for scope in ({}, {"TenantName": "acme"}):
        ses.put_suppressed_destination(EmailAddress="bob@example.com", Reason="BOUNCE", **cast("Any", scope))
    assert last(cloud, send(ses, TenantName="acme", ConfigurationSetName="theirs")) == outcome


@pytest.mark.usefixtures("tenant")
def test_not_spam_report_leaves_the_tenant_list(cloud: LocalCloud, ses: "SESV2Client"):
    ses.put_tenant_suppression_attributes(TenantName="acme", **BOTH)
    message_id = send(ses, TenantName="acme")
    about = {"recipient": "bob@example.com"}
    cloud.control("POST", f"messages/{message_id}/events", {"event": "complaint", **about})
    assert listed(ses, TenantName="acme") == ["bob@example.com"]
    cloud.control("PUT", "recipients/bob@example.com", {"outcome": "not-spam"})
    ses.put_tenant_suppression_attributes(TenantName="acme", SuppressionScope="TENANT", SuppressedReasons=["BOUNCE"])
    send(ses, TenantName="acme")
    assert listed(ses, TenantName="acme") == []


def test_scope_and_reasons_of_a_tenant_belong_together(cloud: LocalCloud, ses: "SESV2Client"):
    with pytest.raises(ses.exceptions.BadRequestException, match="together"):
        ses.create_tenant(TenantName="new", SuppressionAttributes={"SuppressionScope": "TENANT"})
    made = ses.create_tenant(TenantName="new", SuppressionAttributes=BOTH)
    assert made.get("SuppressionAttributes") == BOTH
    ses.put_tenant_suppression_attributes(TenantName="new")
    assert "SuppressionAttributes" not in ses.get_tenant(TenantName="new")["Tenant"]
    cloud.control("PUT", "account", {"production_access": False})
    with pytest.raises(ses.exceptions.BadRequestException, match="production access"):
        ses.put_suppressed_destination(EmailAddress="bob@example.com", Reason="BOUNCE")


def test_a_configuration_set_sends_from_a_pool_that_exists(ses: "SESV2Client"):
    options: Any = {"ConfigurationSetName": "theirs", "SendingPoolName": "fast"}
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.put_configuration_set_delivery_options(**options)
    ses.create_dedicated_ip_pool(PoolName="fast")
    ses.put_configuration_set_delivery_options(**options)
    ses.put_dedicated_ip_pool_scaling_attributes(PoolName="fast", ScalingMode="MANAGED")
    assert ses.get_dedicated_ip_pool(PoolName="fast")["DedicatedIpPool"]["ScalingMode"] == "MANAGED"
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.put_dedicated_ip_pool_scaling_attributes(PoolName="fast", ScalingMode="STANDARD")
    assert ses.get_dedicated_ips(PoolName="fast")["DedicatedIps"] == []
    ses.delete_dedicated_ip_pool(PoolName="fast")
    assert ses.list_dedicated_ip_pools()["DedicatedIpPools"] == []


def test_a_multi_region_endpoint_spans_this_region_and_one_other(ses: "SESV2Client"):
    elsewhere: Any = {"RoutesDetails": [{"Region": "us-west-2"}]}
    made = ses.create_multi_region_endpoint(EndpointName="both", Details=elsewhere)
    found = ses.get_multi_region_endpoint(EndpointName="both")
    assert (found["EndpointId"], found["Status"]) == (made["EndpointId"], "READY")
    assert [route["Region"] for route in found["Routes"]] == ["us-east-1", "us-west-2"]
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.create_multi_region_endpoint(EndpointName="here", Details={"RoutesDetails": [{"Region": "us-east-1"}]})
    ses.delete_multi_region_endpoint(EndpointName="both")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_multi_region_endpoint(EndpointName="both")


@pytest.mark.parametrize("bulk", ["", "bulk"])
def test_mail_goes_through_a_multi_region_endpoint_that_is_there(cloud: LocalCloud, ses: "SESV2Client", bulk: str):
    elsewhere: Any = {"RoutesDetails": [{"Region": "us-west-2"}]}
    made = ses.create_multi_region_endpoint(EndpointName="both", Details=elsewhere).get("EndpointId", "")

    def through(endpoint_id: str) -> Any:
        # botocore signs for all regions here, which needs its extra `crt`, unless it is told otherwise.
        key: Any = {
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": "x",
            "region_name": "us-east-1",
        }
        client: Any = boto3.client("sesv2", endpoint_url=cloud.endpoint, config=Config(signature_version="v4"), **key)
        common = {"FromEmailAddress": "ada@example.test", "EndpointId": endpoint_id}
        one = {"Destination": {"ToAddresses": ["bob@example.com"]}}
        if not bulk:
            return client.send_email(**common, **one, Content=HELLO)["MessageId"]
        template = {"TemplateContent": INLINE, "TemplateData": '{"name": "x"}'}
        return client.send_bulk_email(**common, DefaultContent={"Template": template}, BulkEmailEntries=[one])

    assert through(made)
    with pytest.raises(ClientError, match="Multi-region endpoint <nowhere> does not exist"):
        through("nowhere")


def test_a_signature_for_all_regions_is_one_for_this_region_too(cloud: LocalCloud, ses: "SESV2Client"):
    """What botocore with its extra `crt` sends where an EndpointId is given."""
    elsewhere: Any = {"RoutesDetails": [{"Region": "us-west-2"}]}
    made = ses.create_multi_region_endpoint(EndpointName="both", Details=elsewhere).get("EndpointId", "")
    credential = "Credential=AKIAIOSFODNN7EXAMPLE/20260101/ses/aws4_request"
    signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-region-set, Signature=3045022035741972f9"
    body = {"FromEmailAddress": "ada@example.test", "Destination": {"ToAddresses": ["bob@example.com"]}}
    request = urllib.request.Request(  # noqa: S310 - the local cloud's own address
        f"{cloud.endpoint}/v2/email/outbound-emails",
        data=json.dumps({**body, "Content": HELLO, "EndpointId": made}).encode(),
        headers={"Authorization": f"AWS4-ECDSA-P256-SHA256 {credential}, {signed}", "X-Amz-Region-Set": "*"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
        assert json.load(answer)["MessageId"]


def test_insights_list_the_events_of_a_mail(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    message_id = send(ses, "bob@gone.test", EmailTags=[{"Name": "kind", "Value": "news"}])
    found = ses.get_message_insights(MessageId=message_id)
    assert (found["FromEmailAddress"], found["Subject"]) == ("ada@example.test", "Hello")
    assert {"Name": "kind", "Value": "news"} in found["EmailTags"]
    events = found["Insights"][0].get("Events", [])
    assert [event.get("Type") for event in events] == ["SEND", "BOUNCE"]
    assert events[1].get("Details", {}).get("Bounce", {}).get("BounceType") == "PERMANENT"


def test_metric_data_count_by_day_and_dimension(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    for to in ("bob@gone.test", "bob@example.com", "success@simulator.amazonses.com"):
        send(ses, to, ConfigurationSetName="theirs")
    send(ses)
    now = datetime.now(UTC)
    span: Any = {"Namespace": "VDM", "StartDate": now - timedelta(days=1), "EndDate": now + timedelta(days=1)}
    wanted: Any = {"CONFIGURATION_SET": "theirs"}
    queries: Any = [
        {"Id": "all", "Metric": "SEND", **span},
        {"Id": "theirs", "Metric": "SEND", "Dimensions": wanted, **span},
        {"Id": "bounces", "Metric": "PERMANENT_BOUNCE", "Dimensions": wanted, **span},
        {"Id": "soft", "Metric": "TRANSIENT_BOUNCE", **span},
    ]
    results = ses.batch_get_metric_data(Queries=queries)["Results"]
    assert {one.get("Id"): sum(one.get("Values", [])) for one in results} == {
        "all": 3,
        "theirs": 2,
        "bounces": 1,
        "soft": 0,
    }


def test_recommendation_for_missing_dkim_records(ses: "SESV2Client"):
    ses.create_email_identity(EmailIdentity="new.test")
    found = ses.list_recommendations(Filter={"TYPE": "DKIM"})["Recommendations"]
    assert [(one.get("ResourceArn"), one.get("Impact")) for one in found] == [(f"{ARN}:identity/new.test", "HIGH")]
