"""The emulated SES v2 through boto3: identities, configuration sets, account, suppression list, sending."""

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mailstack_localcloud import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

ARN = "arn:aws:ses:us-east-1:000000000000"
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    return cloud.client("sesv2")


@pytest.fixture
def sender(cloud: LocalCloud, ses: "SESV2Client") -> str:
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return "Ada Lovelace <ada@example.test>"


def send(ses: "SESV2Client", sender: str, *to: str, **more: Any) -> str:
    content = more.pop("Content", HELLO)
    recipients = list(to or ("bob@example.com",))
    sent = ses.send_email(FromEmailAddress=sender, Destination={"ToAddresses": recipients}, Content=content, **more)
    return sent["MessageId"]


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def publish(cloud: LocalCloud, zone: str, *records: tuple[str, str, str]) -> None:
    changes: Any = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]},
        }
        for name, kind, value in records
    ]
    cloud.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


@pytest.fixture
def zone(cloud: LocalCloud) -> str:
    made = cloud.client("route53").create_hosted_zone(Name="example.test", CallerReference="1")
    return made["HostedZone"]["Id"]


def dkim(tokens: list[str], target: str = "dkim.amazonses.com") -> list[tuple[str, str, str]]:
    return [(f"{token}._domainkey.example.test", "CNAME", f"{token}.{target}") for token in tokens]


def test_domain_is_verified_once_dkim_records_are_published(cloud: LocalCloud, ses: "SESV2Client", zone: str):
    made = ses.create_email_identity(EmailIdentity="example.test")
    tokens = made["DkimAttributes"]["Tokens"]
    assert (len(set(tokens)), made["DkimAttributes"]["Status"], made["VerifiedForSendingStatus"]) == (
        3,
        "PENDING",
        False,
    )
    with pytest.raises(ClientError, match=r"Email address is not verified.*US-EAST-1: ada@example.test") as error:
        send(ses, "ada@example.test")
    assert refused(error) == ("MessageRejected", 400)

    publish(cloud, zone, *dkim(tokens[:2]))
    assert ses.get_email_identity(EmailIdentity="example.test")["DkimAttributes"]["Status"] == "PENDING"
    publish(cloud, zone, *dkim(tokens[2:]))

    found = ses.get_email_identity(EmailIdentity="example.test")
    assert (found["DkimAttributes"]["Status"], found["VerifiedForSendingStatus"]) == ("SUCCESS", True)
    assert found["VerificationStatus"] == "SUCCESS"
    assert send(ses, "ada@news.example.test").startswith("0100")


def test_dkim_records_with_another_regions_target_verify_nothing(cloud: LocalCloud, ses: "SESV2Client", zone: str):
    tokens = ses.create_email_identity(EmailIdentity="example.test")["DkimAttributes"]["Tokens"]
    publish(cloud, zone, *dkim(tokens, "dkim.eu-south-1.amazonses.com"))
    assert ses.get_email_identity(EmailIdentity="example.test")["VerifiedForSendingStatus"] is False


def test_domain_is_verified_in_the_background(cloud: LocalCloud, ses: "SESV2Client", zone: str):
    tokens = ses.create_email_identity(EmailIdentity="example.test")["DkimAttributes"]["Tokens"]
    publish(cloud, zone, *dkim(tokens))
    cloud.control("POST", "alarms/evaluate")
    assert send(ses, "ada@example.test")


def test_a_mail_from_domain_needs_its_one_mx(cloud: LocalCloud, ses: "SESV2Client", zone: str, sender: str):
    none = ses.get_email_identity(EmailIdentity="example.test")["MailFromAttributes"]
    assert none == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    ses.put_email_identity_mail_from_attributes(
        EmailIdentity="example.test", MailFromDomain="bounce.example.test", BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    with pytest.raises(ses.exceptions.MailFromDomainNotVerifiedException):
        send(ses, sender)
    publish(cloud, zone, ("bounce.example.test", "MX", "10 mail.example.test"))
    found = ses.get_email_identity(EmailIdentity="example.test")["MailFromAttributes"]
    assert found["MailFromDomainStatus"] == "PENDING"
    publish(cloud, zone, ("bounce.example.test", "MX", "10 feedback-smtp.us-east-1.amazonses.com"))
    found = ses.get_email_identity(EmailIdentity="example.test")["MailFromAttributes"]
    assert found == {
        "MailFromDomain": "bounce.example.test",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }
    assert send(ses, sender)


@pytest.mark.usefixtures("sender")
def test_subdomain_inherits_verification_and_address_does_not(ses: "SESV2Client"):
    made = ses.create_email_identity(EmailIdentity="news.example.test")
    assert (made["VerifiedForSendingStatus"], made["DkimAttributes"]["Status"]) == (True, "PENDING")
    assert not ses.create_email_identity(EmailIdentity="ada@example.test")["VerifiedForSendingStatus"]
    shown = {i.get("IdentityName"): i.get("VerificationStatus") for i in ses.list_email_identities()["EmailIdentities"]}
    assert shown == {"ada@example.test": "PENDING", "example.test": "SUCCESS", "news.example.test": "SUCCESS"}
    ses.delete_email_identity(EmailIdentity="example.test")
    assert not ses.get_email_identity(EmailIdentity="news.example.test")["VerifiedForSendingStatus"]


@pytest.mark.usefixtures("sender")
def test_default_set_of_the_most_specific_verified_identity(cloud: LocalCloud, ses: "SESV2Client"):
    for name, default in (("example.test", "all"), ("news.example.test", "news"), ("ada@example.test", "ada")):
        ses.create_configuration_set(ConfigurationSetName=default)
        if name != "example.test":
            ses.create_email_identity(EmailIdentity=name)
        ses.put_email_identity_configuration_set_attributes(EmailIdentity=name, ConfigurationSetName=default)

    def used(source: str) -> str | None:
        return cloud.control("GET", f"messages/{send(ses, source)}")["configuration_set"]

    assert (used("ada@example.test"), used("eve@news.example.test")) == ("all", "news")
    cloud.control("POST", "identities/ada@example.test/verify")
    assert used("ada@example.test") == "ada"
    ses.put_email_identity_configuration_set_attributes(EmailIdentity="ada@example.test")
    assert used("ada@example.test") is None


def test_an_address_has_a_mail_from_domain_of_its_own(cloud: LocalCloud, ses: "SESV2Client", zone: str):
    ses.create_email_identity(EmailIdentity="ada@example.test")
    ses.put_email_identity_mail_from_attributes(EmailIdentity="ada@example.test", MailFromDomain="ada.example.test")
    publish(cloud, zone, ("ada.example.test", "MX", "10 feedback-smtp.us-east-1.amazonses.com"))
    found = ses.get_email_identity(EmailIdentity="ada@example.test")
    assert found["MailFromAttributes"]["MailFromDomainStatus"] == "SUCCESS"
    assert found["VerificationStatus"] == "PENDING"


def test_a_mail_from_domain_outside_the_identity_is_refused(ses: "SESV2Client", sender: str):
    with pytest.raises(ses.exceptions.BadRequestException, match="not subdomain"):
        ses.put_email_identity_mail_from_attributes(EmailIdentity="example.test", MailFromDomain="other.test")


def test_an_identity_keeps_what_is_put_and_goes_when_deleted(ses: "SESV2Client", sender: str):
    ses.create_configuration_set(ConfigurationSetName="news")
    ses.put_email_identity_dkim_attributes(EmailIdentity="example.test", SigningEnabled=False)
    ses.put_email_identity_feedback_attributes(EmailIdentity="example.test", EmailForwardingEnabled=False)
    ses.put_email_identity_configuration_set_attributes(EmailIdentity="example.test", ConfigurationSetName="news")
    policy = '{"Version": "2012-10-17", "Statement": []}'
    ses.create_email_identity_policy(EmailIdentity="example.test", PolicyName="p", Policy=policy)
    found = ses.get_email_identity(EmailIdentity="example.test")
    assert found["DkimAttributes"]["SigningEnabled"] is False
    assert found["FeedbackForwardingStatus"] is False
    assert (found["ConfigurationSetName"], found["Policies"]) == ("news", {"p": policy})
    ses.delete_email_identity_policy(EmailIdentity="example.test", PolicyName="p")
    assert ses.get_email_identity_policies(EmailIdentity="example.test")["Policies"] == {}
    ses.delete_email_identity(EmailIdentity="example.test")
    with pytest.raises(ses.exceptions.NotFoundException) as error:
        ses.get_email_identity(EmailIdentity="example.test")
    assert refused(error) == ("NotFoundException", 404)


def own_key(encoding: Encoding = Encoding.DER) -> tuple[str, str]:
    """A private key as SES takes it, and its public half as DNS publishes it."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(encoding, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(private).decode(), base64.b64encode(public).decode()


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_byodkim_is_verified_by_the_public_half_of_its_key(
    cloud: LocalCloud, ses: "SESV2Client", zone: str, encoding: Encoding
):
    private, public = own_key(encoding)
    signing: Any = {"DomainSigningSelector": "own", "DomainSigningPrivateKey": private}
    made = ses.create_email_identity(EmailIdentity="example.test", DkimSigningAttributes=signing)
    assert made["DkimAttributes"]["Tokens"] == ["own"]
    assert made["DkimAttributes"]["SigningAttributesOrigin"] == "EXTERNAL"
    publish(cloud, zone, ("own._domainkey.example.test", "TXT", f'"v=DKIM1; p={own_key()[1][:200]}"'))
    assert ses.get_email_identity(EmailIdentity="example.test")["VerifiedForSendingStatus"] is False
    halves = f'"v=DKIM1; p={public[:200]}" "{public[200:]}"'
    publish(cloud, zone, ("own._domainkey.example.test", "TXT", halves))
    assert ses.get_email_identity(EmailIdentity="example.test")["VerifiedForSendingStatus"] is True
    changed = ses.put_email_identity_dkim_signing_attributes(
        EmailIdentity="example.test", SigningAttributesOrigin="AWS_SES"
    )
    assert (changed["DkimStatus"], len(changed["DkimTokens"])) == ("PENDING", 3)


@pytest.mark.parametrize("key", ["c2VjcmV0", "not base64!", ""])
def test_a_key_that_ses_cannot_sign_with_is_refused(ses: "SESV2Client", key: str):
    elliptic = ec.generate_private_key(ec.SECP256R1())
    other = elliptic.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key = key or base64.b64encode(other).decode()
    signing: Any = {"DomainSigningSelector": "own", "DomainSigningPrivateKey": key}
    with pytest.raises(ses.exceptions.BadRequestException, match="DomainSigningPrivateKey cannot be used"):
        ses.create_email_identity(EmailIdentity="example.test", DkimSigningAttributes=signing)


def test_identities_are_listed_by_pages(ses: "SESV2Client"):
    for name in ("a.test", "b.test", "ada@c.test"):
        ses.create_email_identity(EmailIdentity=name)
    first = ses.list_email_identities(PageSize=2)
    second = ses.list_email_identities(PageSize=2, NextToken=first["NextToken"])
    listed = [found["IdentityName"] for found in first["EmailIdentities"] + second["EmailIdentities"]]
    assert listed == ["a.test", "ada@c.test", "b.test"]
    assert "NextToken" not in second


def test_a_page_of_fewer_items_than_none_is_refused(ses: "SESV2Client"):
    with pytest.raises(ClientError) as error:
        ses.list_email_identities(PageSize=-1)
    assert refused(error) == ("BadRequestException", 400)


def test_an_identity_cannot_be_made_twice(ses: "SESV2Client", sender: str):
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_email_identity(EmailIdentity="Example.Test")


def test_a_dedicated_pool_that_does_not_exist_is_refused(ses: "SESV2Client"):
    with pytest.raises(ses.exceptions.NotFoundException, match="Dedicated IP pool <own>"):
        ses.create_configuration_set(ConfigurationSetName="news", DeliveryOptions={"SendingPoolName": "own"})


def test_tags_of_identities_and_sets_can_be_changed(ses: "SESV2Client", sender: str):
    ses.create_configuration_set(ConfigurationSetName="news", Tags=[{"Key": "team", "Value": "mail"}])
    for arn in (f"{ARN}:identity/example.test", f"{ARN}:configuration-set/news"):
        ses.tag_resource(ResourceArn=arn, Tags=[{"Key": "env", "Value": "dev"}])
        ses.untag_resource(ResourceArn=arn, TagKeys=["team"])
        assert ses.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "env", "Value": "dev"}]
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.list_tags_for_resource(ResourceArn=f"{ARN}:configuration-set/none")


@pytest.mark.usefixtures("sender")
def test_configuration_set_returns_its_option_groups(ses: "SESV2Client"):
    name = "news"
    ses.create_configuration_set(ConfigurationSetName=name)
    fresh = ses.get_configuration_set(ConfigurationSetName=name)
    assert fresh["SendingOptions"] == {"SendingEnabled": True}
    assert fresh["ReputationOptions"] == {"ReputationMetricsEnabled": False}
    ses.put_configuration_set_delivery_options(ConfigurationSetName=name, TlsPolicy="REQUIRE")
    ses.put_configuration_set_reputation_options(ConfigurationSetName=name, ReputationMetricsEnabled=True)
    ses.put_configuration_set_sending_options(ConfigurationSetName=name)
    ses.put_configuration_set_suppression_options(ConfigurationSetName=name, SuppressedReasons=["BOUNCE"])
    ses.put_configuration_set_tracking_options(ConfigurationSetName=name, CustomRedirectDomain="t.example.test")
    ses.put_configuration_set_archiving_options(ConfigurationSetName=name, ArchiveArn="arn:aws:ses:::archive/a")
    ses.put_configuration_set_vdm_options(
        ConfigurationSetName=name, VdmOptions={"DashboardOptions": {"EngagementMetrics": "ENABLED"}}
    )
    found = ses.get_configuration_set(ConfigurationSetName=name)
    assert {key: value for key, value in found.items() if key.endswith("Options")} == {
        "DeliveryOptions": {"TlsPolicy": "REQUIRE"},
        "ReputationOptions": {"ReputationMetricsEnabled": True},
        "SendingOptions": {"SendingEnabled": False},
        "SuppressionOptions": {"SuppressedReasons": ["BOUNCE"]},
        "TrackingOptions": {"CustomRedirectDomain": "t.example.test"},
        "ArchivingOptions": {"ArchiveArn": "arn:aws:ses:::archive/a"},
        "VdmOptions": {"DashboardOptions": {"EngagementMetrics": "ENABLED"}},
    }
    for put in ("tracking", "archiving", "vdm", "delivery"):
        getattr(ses, f"put_configuration_set_{put}_options")(ConfigurationSetName=name)
    emptied = ses.get_configuration_set(ConfigurationSetName=name)
    assert emptied.keys().isdisjoint({"TrackingOptions", "ArchivingOptions", "VdmOptions"})
    assert emptied["DeliveryOptions"] == fresh["DeliveryOptions"]
    assert ses.list_configuration_sets()["ConfigurationSets"] == [name]
    ses.delete_configuration_set(ConfigurationSetName=name)
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_configuration_set(ConfigurationSetName=name)


def test_paused_set_sends_again_with_a_fresh_start(ses: "SESV2Client", sender: str):
    ses.create_configuration_set(ConfigurationSetName="news", SendingOptions={"SendingEnabled": False})
    with pytest.raises(ses.exceptions.SendingPausedException, match="paused for configuration set news"):
        send(ses, sender, ConfigurationSetName="news")
    assert send(ses, sender)
    ses.put_configuration_set_sending_options(ConfigurationSetName="news", SendingEnabled=True)
    assert send(ses, sender, ConfigurationSetName="news")
    assert "LastFreshStart" in ses.get_configuration_set(ConfigurationSetName="news")["ReputationOptions"]


def test_a_paused_or_shut_account_sends_nothing(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    ses.put_account_sending_attributes(SendingEnabled=False)
    with pytest.raises(ses.exceptions.SendingPausedException, match="paused for this account"):
        send(ses, sender)
    ses.put_account_sending_attributes(SendingEnabled=True)
    cloud.control("PUT", "account", {"enforcement_status": "SHUTDOWN"})
    with pytest.raises(ses.exceptions.AccountSuspendedException):
        send(ses, sender)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("a:b", "c:d", "Invalid tag name <a:b>: only alphanumeric ASCII characters, '_',  '-' are allowed."),
        ("a", "c:d", "Invalid tag value <c:d>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed."),
        ("a@b", "c" * 256, "Invalid tag name <a@b>: only alphanumeric ASCII characters, '_',  '-' are allowed."),
        ("a" * 256, "c", "Tag name cannot exceed 255 characters."),
        ("a", "c" * 256, "Tag value cannot exceed 255 characters."),
        ("", "", "The tag name must be specified."),
        ("a", "", "The tag value must be specified."),
        ("ses:feedback-id-c", "c", "Invalid tag name <ses:feedback-id-c>: only"),
    ],
)
def test_a_tag_is_refused_in_sess_words(ses: "SESV2Client", sender: str, name: str, value: str, problem: str):
    with pytest.raises(ses.exceptions.BadRequestException) as error:
        send(ses, sender, EmailTags=[{"Name": name, "Value": value}])
    assert error.value.response["Error"]["Message"].startswith(problem)


def test_ses_s_own_tags_for_the_feedback_id_are_taken(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    tags: Any = [{"Name": f"ses:feedback-id-{letter}", "Value": "spring"} for letter in "ab"]
    message_id = send(ses, sender, EmailTags=tags)
    kept = cloud.control("GET", f"messages/{message_id}")["tags"]
    assert [kept[tag["Name"]] for tag in tags] == [["spring"], ["spring"]]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"ConfigurationSetName": "none"}, "NotFoundException", "Configuration set <none> does not exist"),
        ({"to": [f"r{i}@example.com" for i in range(51)]}, "BadRequestException", "Recipient count exceeds 50"),
        ({"to": ["nobody"]}, "BadRequestException", "Missing final '@domain'"),
        ({"Content": {"Template": {"TemplateName": "t", "TemplateData": "{}"}}}, "NotFoundException", "Template <t>"),
        ({"to": ["Ada\r\nBcc: eve@example.com <ada@example.com>"]}, "BadRequestException", "line break"),
        ({"to": []}, "BadRequestException", "At least one recipient"),
        ({"Content": {"Template": {}}}, "BadRequestException", "Template must have exactly one of"),
        ({"TenantName": "t"}, "NotFoundException", "Tenant t for AwsAccountId"),
    ],
)
def test_a_mail_that_ses_would_not_take_is_refused_as_ses_does(
    ses: "SESV2Client", sender: str, changes: dict[str, Any], code: str, text: str
):
    wanted: Any = {"Content": HELLO, **changes}
    destination: Any = {"ToAddresses": wanted.pop("to", ["bob@example.com"])}
    with pytest.raises(ClientError, match=text) as error:
        ses.send_email(FromEmailAddress=sender, Destination=destination, **wanted)
    assert refused(error)[0] == code


def test_the_maximum_send_rate_is_enforced(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    cloud.control("PUT", "account", {"max_send_rate": 0.01})
    send(ses, sender)
    with pytest.raises(ses.exceptions.TooManyRequestsException, match="Maximum sending rate exceeded") as error:
        send(ses, sender)
    assert refused(error) == ("TooManyRequestsException", 429)


def test_the_daily_quota_is_enforced_and_shown(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    cloud.control("PUT", "account", {"max_24_hour_send": 2})
    send(ses, sender, "a@example.com", "b@example.com")
    with pytest.raises(ses.exceptions.TooManyRequestsException, match="Daily message quota exceeded"):
        send(ses, sender)
    quota = ses.get_account()["SendQuota"]
    assert (quota["SentLast24Hours"], quota["Max24HourSend"]) == (2.0, 2.0)


def test_sandbox_sends_to_verified_recipients_and_simulator_only(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    cloud.control("PUT", "account", {"production_access": False})
    account = ses.get_account()
    assert (account["ProductionAccessEnabled"], account["SendQuota"]["Max24HourSend"]) == (False, 200.0)
    with pytest.raises(ses.exceptions.MessageRejected, match=r"bob@example\.com"):
        send(ses, sender, "bob@example.com")
    assert send(ses, sender, "success@simulator.amazonses.com")


def test_account_settings_come_back(ses: "SESV2Client"):
    ses.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    ses.put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "ENABLED"})
    ses.put_account_details(MailType="TRANSACTIONAL", WebsiteURL="https://example.com", UseCaseDescription="Receipts")
    account = ses.get_account()
    assert account["SuppressionAttributes"] == {"SuppressedReasons": ["COMPLAINT"]}
    assert account["VdmAttributes"] == {"VdmEnabled": "ENABLED"}
    assert account["Details"]["MailType"] == "TRANSACTIONAL"


def test_the_suppression_list_is_kept_by_hand(ses: "SESV2Client"):
    ses.put_suppressed_destination(EmailAddress="Ada@Example.com", Reason="BOUNCE")
    ses.put_suppressed_destination(EmailAddress="bob@example.com", Reason="COMPLAINT")
    found = ses.get_suppressed_destination(EmailAddress="ada@example.com")["SuppressedDestination"]
    assert found["Reason"] == "BOUNCE"
    listed = ses.list_suppressed_destinations(Reasons=["COMPLAINT"])["SuppressedDestinationSummaries"]
    assert [entry["EmailAddress"] for entry in listed] == ["bob@example.com"]
    ses.delete_suppressed_destination(EmailAddress="ada@example.com")
    gone = "Email address ada@example.com does not exist on your suppression list."
    with pytest.raises(ses.exceptions.NotFoundException, match=re.escape(gone)):
        ses.get_suppressed_destination(EmailAddress="ada@example.com")


def kinds(cloud: LocalCloud, message_id: str) -> list[tuple[str, str]]:
    found = cloud.control("GET", f"messages/{message_id}")["occurrences"]
    return [(occurrence["kind"], occurrence["detail"]) for occurrence in found]


def test_hard_bounce_suppresses_the_next_mail(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    assert kinds(cloud, send(ses, sender, "ada@gone.test")) == [("Send", ""), ("Bounce", "General")]
    entry = ses.get_suppressed_destination(EmailAddress="ada@gone.test")["SuppressedDestination"]
    assert entry["Reason"] == "BOUNCE"
    assert kinds(cloud, send(ses, sender, "ada@gone.test"))[1:] == [("Bounce", "OnAccountSuppressionList")]
    cloud.control("DELETE", "recipients/*@gone.test")
    ses.delete_suppressed_destination(EmailAddress="ada@gone.test")
    assert kinds(cloud, send(ses, sender, "ada@gone.test"))[1:] == [("Delivery", "")]


def test_complaint_suppresses_the_next_mail_without_counting(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Complaint.html."""
    cloud.control("PUT", "recipients/*@angry.test", {"outcome": "complaint"})
    assert kinds(cloud, send(ses, sender, "ada@angry.test"))[1:] == [("Delivery", ""), ("Complaint", "abuse")]
    first = ses.get_suppressed_destination(EmailAddress="ada@angry.test")["SuppressedDestination"]
    kept_back = send(ses, sender, "ada@angry.test")
    assert kinds(cloud, kept_back)[1:] == [("Complaint", "OnAccountSuppressionList")]
    complaint = cloud.control("GET", f"messages/{kept_back}")["events"][1]["complaint"]
    assert (complaint["complaintSubType"], "complaintFeedbackType" in complaint) == ("OnAccountSuppressionList", False)
    assert ses.get_suppressed_destination(EmailAddress="ada@angry.test")["SuppressedDestination"] == first
    cloud.control("POST", "alarms/evaluate")
    rate = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SES",
        MetricName="Reputation.ComplaintRate",
        Statistics=["SampleCount", "Maximum"],
        StartTime="2020-01-01",
        EndTime="2100-01-01",
        Period=60,
    )
    assert rate["Datapoints"][-1]["Maximum"] == 1.0, "one complaint of one mail that was sent"


def test_empty_suppression_reasons_disable_suppression(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    ses.create_configuration_set(ConfigurationSetName="news", SuppressionOptions={"SuppressedReasons": []})
    ses.put_suppressed_destination(EmailAddress="ada@gone.test", Reason="BOUNCE")
    message_id = send(ses, sender, "ada@gone.test", ConfigurationSetName="news")
    assert kinds(cloud, message_id)[1:] == [("Delivery", "")]


def test_the_simulator_never_joins_the_suppression_list(ses: "SESV2Client", sender: str):
    send(ses, sender, "bounce@simulator.amazonses.com", "complaint@simulator.amazonses.com")
    assert ses.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []


def test_a_raw_mail_finds_its_recipients_in_its_headers(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    raw = b"From: ada@example.test\r\nTo: bob@example.com\r\nCc: eve@example.com\r\nSubject: Raw\r\n\r\nHi\r\n"
    message_id = ses.send_email(Content={"Raw": {"Data": raw}})["MessageId"]
    found = cloud.control("GET", f"messages/{message_id}")
    assert (found["to"], found["cc"], found["subject"]) == (["bob@example.com"], ["eve@example.com"], "Raw")


def test_a_virus_is_rejected(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    virus = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    content = {"Simple": {**HELLO["Simple"], "Attachments": [{"FileName": "eicar.txt", "RawContent": virus}]}}
    assert kinds(cloud, send(ses, sender, Content=content)) == [("Send", ""), ("Reject", "Bad content")]


def test_unemulated_operation_says_so(cloud: LocalCloud, ses: "SESV2Client"):
    with pytest.raises(ClientError, match="ListDeliverabilityTestReports is not emulated") as error:
        ses.list_deliverability_test_reports()
    assert refused(error) == ("NotEmulated", 501)
    with pytest.raises(ClientError) as error:
        cloud.client("ses").list_receipt_filters()
    assert refused(error) == ("NotEmulated", 501)


def test_another_region_is_refused_rather_than_confused(cloud: LocalCloud):
    with pytest.raises(ClientError, match=r"SES in eu-west-1 .this local cloud was started for us-east-1"):
        cloud.client("sesv2", region="eu-west-1").get_account()


def test_an_identity_is_verified_on_command_or_at_once(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_email_identity(EmailIdentity="ada@example.org")
    with pytest.raises(ses.exceptions.MessageRejected):
        send(ses, "ada@example.org")
    cloud.control("POST", "identities/ada@example.org/verify")
    assert send(ses, "ada@example.org")
    cloud.control("PUT", "account", {"verify_at_once": True})
    for name in ("bob@example.org", "example.net"):
        ses.create_email_identity(EmailIdentity=name)
    assert send(ses, "bob@example.org")
    assert send(ses, "eve@example.net")
    ses.put_email_identity_mail_from_attributes(EmailIdentity="example.net", MailFromDomain="bounce.example.net")
    found = ses.get_email_identity(EmailIdentity="example.net")
    assert (found["DkimAttributes"]["Status"], found["MailFromAttributes"]["MailFromDomainStatus"]) == ("SUCCESS",) * 2


def test_an_address_is_case_sensitive_and_covers_its_labels(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "account", {"verify_at_once": True})
    ses.create_email_identity(EmailIdentity="Ada@Example.org")
    for covered in ("Ada@Example.org", "Ada+receipts@Example.org", "Ada Lovelace <Ada@Example.org>"):
        assert send(ses, covered)
    for other in ("ada@Example.org", "Ada@example.org", "Ada2@Example.org"):
        with pytest.raises(ses.exceptions.MessageRejected):
            send(ses, other)
    assert [i.get("IdentityName") for i in ses.list_email_identities()["EmailIdentities"]] == ["Ada@Example.org"]
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_email_identity(EmailIdentity="ada@example.org")


def test_other_services_pass_through_untouched(cloud: LocalCloud):
    s3, sqs, dynamodb = (cloud.client(name) for name in ("s3", "sqs", "dynamodb"))
    s3.create_bucket(Bucket="example-bucket")
    s3.put_object(Bucket="example-bucket", Key="a/b c.txt", Body=b"hello")
    assert s3.get_object(Bucket="example-bucket", Key="a/b c.txt")["Body"].read() == b"hello"
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    dynamodb.create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName="things", Item={"pk": {"S": "a"}})
    assert dynamodb.get_item(TableName="things", Key={"pk": {"S": "a"}})["Item"] == {"pk": {"S": "a"}}


def test_a_reset_empties_every_service(cloud: LocalCloud, ses: "SESV2Client", sender: str):
    send(ses, sender)
    cloud.client("sqs").create_queue(QueueName="q")
    cloud.reset()
    assert ses.list_email_identities()["EmailIdentities"] == []
    assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
    assert cloud.control("GET", "messages") == {"messages": []}
