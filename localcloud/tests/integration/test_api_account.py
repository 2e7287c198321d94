"""Account, address insights and unsubscribed features of the emulated SES, through boto3."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    return cloud.client("sesv2")


# An address, whether it is valid, and the checks that hold.
ADDRESSES = [
    ("ada@example.com", "HIGH", {"HasValidSyntax", "HasValidDnsRecords", "MailboxExists"}),
    ("Sales+a@example.com", "HIGH", {"HasValidSyntax", "HasValidDnsRecords", "MailboxExists", "IsRoleAddress"}),
    ("x@mailinator.com", "HIGH", {"HasValidSyntax", "HasValidDnsRecords", "MailboxExists", "IsDisposable"}),
    ("ada@gone.test", "LOW", {"HasValidSyntax", "HasValidDnsRecords"}),
    ("full@example.com", "HIGH", {"HasValidSyntax", "HasValidDnsRecords", "MailboxExists"}),
    ("ada@example.invalid", "LOW", {"HasValidSyntax"}),
    ("ada", "LOW", set[str]()),
]


@pytest.mark.parametrize(("address", "valid", "held"), ADDRESSES)
def test_an_address_is_judged_by_its_form_and_by_how_it_behaves(
    cloud: LocalCloud, ses: "SESV2Client", address: str, valid: str, held: set[str]
):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    cloud.control("PUT", "recipients/full@*", {"outcome": "soft-bounce"})
    found: Any = ses.get_email_address_insights(EmailAddress=address)["MailboxValidation"]
    checks = {name: verdict["ConfidenceVerdict"] for name, verdict in found["Evaluations"].items()}
    assert found["IsValid"]["ConfidenceVerdict"] == valid
    assert {name for name, verdict in checks.items() if verdict == "HIGH"} == held
    assert len(checks) == 6


def test_the_pricing_plan_is_shown_as_it_was_chosen(ses: "SESV2Client"):
    assert ses.get_account().get("PricingAttributes") == {"CurrentPlan": "NONE"}
    ses.put_account_pricing_attributes(Plan="PRO")
    assert ses.get_account().get("PricingAttributes") == {"CurrentPlan": "PRO"}


def test_message_security_is_changed_alone(ses: "SESV2Client"):
    options: Any = {"VdmOptions": {"DashboardOptions": {"EngagementMetrics": "ENABLED"}}}
    ses.create_configuration_set(ConfigurationSetName="set", **options)
    scheme: Any = {"SigningScheme": {"SmimeScheme": {"SignatureFormat": "DETACHED"}}}
    ses.update_configuration_set(ConfigurationSetName="set", MessageSecurityOptions=scheme)
    ses.update_configuration_set(ConfigurationSetName="set")
    found = ses.get_configuration_set(ConfigurationSetName="set")
    assert found["MessageSecurityOptions"] == scheme
    assert found["VdmOptions"] == options["VdmOptions"]


def test_the_dashboard_is_off_and_says_so(ses: "SESV2Client"):
    options = ses.get_deliverability_dashboard_options()
    assert (options["DashboardEnabled"], options["AccountStatus"]) == (False, "DISABLED")
    with pytest.raises(ClientError, match="The deliverability dashboard is not emulated"):
        ses.put_deliverability_dashboard_option(DashboardEnabled=True)
    assert ses.get_blacklist_reports(BlacklistItemNames=["192.0.2.1"])["BlacklistReport"] == {}


def test_an_identity_has_no_certificates(ses: "SESV2Client"):
    ses.create_email_identity(EmailIdentity="example.test")
    with pytest.raises(ClientError, match="not emulated"):
        ses.associate_email_identity_certificate(
            EmailIdentity="example.test", CertificateArn="arn:aws:acm:us-east-1:000000000000:certificate/1"
        )
    assert ses.list_email_identity_certificates(EmailIdentity="example.test")["Certificates"] == []
    ses.disassociate_email_identity_certificate(EmailIdentity="example.test", FromAddress="ada@example.test")
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.disassociate_email_identity_certificate(EmailIdentity="example.test")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.list_email_identity_certificates(EmailIdentity="example.org")


ON: Any = {"ConditionThreshold": {"ConditionThresholdEnabled": "ENABLED"}}
OFF: Any = {"ConditionThreshold": {"ConditionThresholdEnabled": "DISABLED"}}
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}}


def fate(cloud: LocalCloud, ses: "SESV2Client", to: str) -> str:
    """What happened to a mail last."""
    message_id = ses.send_email(
        FromEmailAddress="ada@example.test",
        Destination={"ToAddresses": [to]},
        Content=HELLO,
        ConfigurationSetName="set",
    )["MessageId"]
    last = cloud.control("GET", f"messages/{message_id}")["occurrences"][-1]
    return last["detail"] or last["kind"]


def test_auto_validation_suppresses_invalid_addresses(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    ses.create_configuration_set(ConfigurationSetName="set")
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    assert fate(cloud, ses, "ada@gone.test") == "General"
    ses.put_account_suppression_attributes(ValidationAttributes=ON)
    found = ses.get_account().get("SuppressionAttributes", {})
    assert found == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"], "ValidationAttributes": ON}
    assert fate(cloud, ses, "bob@gone.test") == "EmailValidationSuppressed"
    assert fate(cloud, ses, "bob@example.invalid") == "EmailValidationSuppressed"
    assert fate(cloud, ses, "bob@example.com") == "Delivery"
    assert fate(cloud, ses, "bounce@simulator.amazonses.com") == "General"
    assert [one["EmailAddress"] for one in ses.list_suppressed_destinations()["SuppressedDestinationSummaries"]] == [
        "ada@gone.test"
    ]
    ses.put_configuration_set_suppression_options(ConfigurationSetName="set", ValidationOptions=OFF)
    assert fate(cloud, ses, "bob@gone.test") == "General"
    ses.put_account_suppression_attributes(SuppressedReasons=["BOUNCE"])
    assert ses.get_account().get("SuppressionAttributes", {}).get("ValidationAttributes") == ON


def test_actions_other_than_sends_may_be_limited(cloud: LocalCloud):
    ses, v1 = cloud.client("sesv2"), cloud.client("ses")
    cloud.control("PUT", "account", {"limit_other_actions": True, "verify_at_once": True})
    ses.create_email_identity(EmailIdentity="example.test")
    with pytest.raises(ClientError) as raised:
        ses.create_email_identity(EmailIdentity="example.org")
    assert raised.value.response["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate exceeded"}
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    v1.list_identities()
    with pytest.raises(ClientError, match="Throttling"):
        v1.list_identities()
    content: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}}
    for _ in range(3):
        ses.send_email(
            FromEmailAddress="a@example.test", Destination={"ToAddresses": ["b@example.com"]}, Content=content
        )
    cloud.control("PUT", "account", {"limit_other_actions": False})
    ses.create_email_identity(EmailIdentity="example.org")
