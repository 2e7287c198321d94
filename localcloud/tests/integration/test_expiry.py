"""Expiry after days, with skipped time: unconfirmed subscriptions, unpublished DNS records."""

from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud, LocalCloudError

pytestmark = pytest.mark.integration
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}


def skip(cloud: LocalCloud, hours: float) -> None:
    cloud.control("POST", "time", {"hours": hours})


def mails(cloud: LocalCloud, recipient: str) -> list[dict[str, Any]]:
    found = cloud.control("GET", f"messages?recipient={recipient}")["messages"]
    return [one | cloud.control("GET", f"messages/{one['message_id']}/content") for one in found]


# --- Subscriptions ---------------------------------------------------------------------------------------------------


class Topic:
    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud, self.sns = cloud, cloud.client("sns")
        self.arn = self.sns.create_topic(Name="pages")["TopicArn"]

    def subscribe(self, **more: Any) -> str:
        whole = {"TopicArn": self.arn, "Protocol": "email", "Endpoint": "ada@example.com", **more}
        return self.sns.subscribe(**whole)["SubscriptionArn"]

    def endpoints(self) -> list[str]:
        listed = self.sns.list_subscriptions_by_topic(TopicArn=self.arn)["Subscriptions"]
        return [one.get("Endpoint", "") for one in listed]


@pytest.fixture
def topic(cloud: LocalCloud) -> Topic:
    return Topic(cloud)


def test_an_address_is_subscribed_once_its_link_is_followed(cloud: LocalCloud, topic: Topic):
    assert topic.subscribe() == "pending confirmation"
    topic.sns.publish(TopicArn=topic.arn, Message="early")
    (asked,) = mails(cloud, "ada@example.com")
    assert (asked["source"], topic.arn in asked["text"]) == ("no-reply@sns.amazonaws.com", True)
    (link,) = asked["links"]
    with urlopen(link) as page:  # noqa: S310 - ours
        assert "Subscription confirmed!" in page.read().decode()
    topic.sns.publish(TopicArn=topic.arn, Message="high\n", Subject="ALARM")
    newest = mails(cloud, "ada@example.com")[0]
    assert (newest["subject"], newest["text"].strip()) == ("ALARM", "high")
    assert [one["subject"] for one in mails(cloud, "ada@example.com")].count("ALARM") == 1
    skip(cloud, 1000)
    assert topic.endpoints() == ["ada@example.com"]


def test_unconfirmed_subscription_expires_after_48_hours(cloud: LocalCloud, topic: Topic):
    arn = topic.subscribe(ReturnSubscriptionArn=True)
    skip(cloud, 47.9)
    attributes = topic.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes.get("PendingConfirmation") == "true"
    skip(cloud, 0.2)
    assert topic.endpoints() == []
    with pytest.raises(ClientError, match="NotFound"):
        topic.sns.get_subscription_attributes(SubscriptionArn=arn)
    topic.subscribe()
    skip(cloud, 1)
    assert topic.endpoints() == ["ada@example.com"]


@pytest.mark.parametrize(("protocol", "endpoint"), [("email", "ada@example.com"), ("https", "https://127.0.0.1:9/x")])
def test_a_pending_subscription_shows_its_arn_only_on_demand(topic: Topic, protocol: str, endpoint: str):
    named = {"Protocol": protocol, "Endpoint": endpoint}
    assert topic.subscribe(**named) == "pending confirmation"
    arn = topic.subscribe(**named, ReturnSubscriptionArn=True)
    assert arn.startswith(f"{topic.arn}:")
    with pytest.raises(ClientError, match="pending confirmation"):
        topic.sns.unsubscribe(SubscriptionArn=arn)


@pytest.mark.parametrize("hours", [-1, "48", None, True, 1e9])
def test_time_is_skipped_by_a_number_of_hours(cloud: LocalCloud, hours: object):
    with pytest.raises(LocalCloudError, match="hours must be a number"):
        cloud.control("POST", "time", {"hours": hours})


# --- DNS records -----------------------------------------------------------------------------------------------------


def test_dkim_fails_for_good_after_72_hours(cloud: LocalCloud):
    ses, route53 = cloud.client("sesv2"), cloud.client("route53")
    tokens = ses.create_email_identity(EmailIdentity="example.test")["DkimAttributes"].get("Tokens", [])
    skip(cloud, 71.9)
    assert status(ses) == ("PENDING", "PENDING")
    skip(cloud, 0.2)
    assert status(ses) == ("FAILED", "FAILED")
    zone = route53.create_hosted_zone(Name="example.test", CallerReference="zone")["HostedZone"]["Id"]
    records: Any = [
        record(f"{token}._domainkey.example.test", "CNAME", f"{token}.dkim.amazonses.com") for token in tokens
    ]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": records})
    assert status(ses) == ("FAILED", "FAILED")
    ses.put_email_identity_dkim_signing_attributes(EmailIdentity="example.test", SigningAttributesOrigin="AWS_SES")
    assert status(ses) == ("SUCCESS", "SUCCESS")
    skip(cloud, 100)
    assert status(ses) == ("SUCCESS", "SUCCESS")


def status(ses: Any) -> tuple[str, str]:
    found = ses.get_email_identity(EmailIdentity="example.test")
    return found["DkimAttributes"]["Status"], found["VerificationStatus"]


def record(name: str, kind: str, value: str) -> dict[str, Any]:
    change = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    return {"Action": "CREATE", "ResourceRecordSet": change}


def test_mail_from_fails_for_good_after_72_hours(cloud: LocalCloud):
    ses, route53 = cloud.client("sesv2"), cloud.client("route53")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")

    def put() -> None:
        ses.put_email_identity_mail_from_attributes(
            EmailIdentity="example.test", MailFromDomain="bounce.example.test", BehaviorOnMxFailure="REJECT_MESSAGE"
        )

    def mail_from() -> str:
        attributes = ses.get_email_identity(EmailIdentity="example.test")["MailFromAttributes"]
        return attributes["MailFromDomainStatus"]

    put()
    skip(cloud, 40)
    put()
    assert mail_from() == "PENDING"
    skip(cloud, 33)
    assert mail_from() == "FAILED"
    zone = route53.create_hosted_zone(Name="example.test", CallerReference="zone")["HostedZone"]["Id"]
    mx: Any = [record("bounce.example.test", "MX", "10 feedback-smtp.us-east-1.amazonses.com")]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": mx})
    assert mail_from() == "FAILED"
    mail: Any = {"Destination": {"ToAddresses": ["bob@example.com"]}, "Content": HELLO}
    with pytest.raises(ClientError, match="MailFromDomainNotVerified"):
        ses.send_email(FromEmailAddress="ada@example.test", **mail)
    put()
    assert mail_from() == "SUCCESS"
    assert ses.send_email(FromEmailAddress="ada@example.test", **mail)["MessageId"]


def test_a_verification_link_leads_nowhere_after_a_day(cloud: LocalCloud):
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="bob@example.org")
    skip(cloud, 24.1)
    (link,) = mails(cloud, "bob@example.org")[0]["links"]
    with pytest.raises(OSError, match="400"):
        urlopen(link)  # noqa: S310 - ours
    assert not ses.get_email_identity(EmailIdentity="bob@example.org")["VerifiedForSendingStatus"]
