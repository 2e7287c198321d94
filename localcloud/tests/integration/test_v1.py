"""SES v1: the API of old clients, read by botocore's parser, over the state of SES v2."""

import json
import re
import urllib.request
from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.ses_v1.operations import HANDLERS
from mailstack_localcloud.ses_v1.operations.identities import verification_token
from tests.integration.queues import open_to
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

ACCOUNT = "000000000000"
HELLO: Any = {"Subject": {"Data": "Grüße", "Charset": "UTF-8"}, "Body": {"Text": {"Data": "Hello <Ada> & all"}}}
ADA: Any = {"ToAddresses": ["Ada <ada@example.com>"]}


@pytest.fixture
def v1(cloud: LocalCloud) -> Any:
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return cloud.client("ses")


def code(operation: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        operation(**parameters)
    return caught.value.response["Error"]["Code"]


def test_v1_simple_mail_equals_that_of_v2(cloud: LocalCloud, v1: Any):
    v1.create_configuration_set(ConfigurationSet={"Name": "news"})
    sent = v1.send_email(
        Source="Shop <shop@example.test>",
        Destination={"ToAddresses": ["ada@example.com", "bounce@simulator.amazonses.com"], "CcAddresses": []},
        Message={**HELLO, "Body": {**HELLO["Body"], "Html": {"Data": "<p>Hi</p>"}}},
        ReplyToAddresses=["help@example.test"],
        ConfigurationSetName="news",
        Tags=[{"Name": "kind", "Value": "welcome"}],
    )
    kept = cloud.control("GET", f"messages/{sent['MessageId']}")
    assert kept["subject"] == "Grüße"
    assert kept["to"] == ["ada@example.com", "bounce@simulator.amazonses.com"]
    assert kept["configuration_set"] == "news"
    assert (kept["tags"]["kind"], kept["tags"]["ses:operation"]) == (["welcome"], ["SendEmail"])
    assert [occurrence["kind"] for occurrence in kept["occurrences"]] == ["Send", "Delivery", "Bounce"]
    content = cloud.control("GET", f"messages/{sent['MessageId']}/content")
    assert (content["text"].strip(), content["html"].strip()) == ("Hello <Ada> & all", "<p>Hi</p>")


def test_raw_mail_form_is_checked_before_its_sender(v1: Any):
    nobody = "invalid@invalid"
    raw = {"Data": f"From: {nobody}\r\nTo: {nobody}\r\n Subject: Invalid\r\n\r\nInvalid".encode()}
    asked = {"Source": nobody, "Destinations": [nobody]}
    assert code(v1.send_raw_email, RawMessage=raw, **asked) == "InvalidParameterValue"
    raw = {"Data": b"From: shop@example.test\r\n\r\nHello"}
    assert code(v1.send_raw_email, RawMessage=raw, **asked) == "MessageRejected"


def test_v1_raw_mail_obeys_destinations_and_ses_headers(cloud: LocalCloud, v1: Any):
    v1.create_configuration_set(ConfigurationSet={"Name": "news"})
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = "shop@example.test", "Ada <ada@example.com>", "grace@example.com"
    mail["Subject"] = "Raw"
    mail["X-SES-CONFIGURATION-SET"], mail["X-SES-MESSAGE-TAGS"] = "news", "kind=welcome, place=top"
    mail.set_content("Hello")
    raw = {"Data": mail.as_bytes()}
    kept = cloud.control("GET", f"messages/{v1.send_raw_email(RawMessage=raw)['MessageId']}")
    assert (kept["to"], kept["cc"], kept["bcc"]) == (["Ada <ada@example.com>"], ["grace@example.com"], [])
    assert (kept["configuration_set"], kept["tags"]["place"]) == ("news", ["top"])
    assert not [one for one in kept["events"][0]["mail"]["headers"] if one["name"].startswith("X-SES")]
    sent = v1.send_raw_email(
        RawMessage=raw,
        Source="shop@example.test",
        Destinations=["ada@example.com", "hidden@example.org"],
        Tags=[{"Name": "own", "Value": "1"}],
    )
    kept = cloud.control("GET", f"messages/{sent['MessageId']}")
    assert (kept["to"], kept["cc"], kept["bcc"]) == (["Ada <ada@example.com>"], [], ["hidden@example.org"])
    assert (kept["tags"]["own"], kept["tags"]["ses:operation"]) == (["1"], ["SendRawEmail"])
    # Who asked is the envelope's sender; the mail's is its From.
    sent = v1.send_raw_email(RawMessage=raw, Source="bounces@example.test")
    kept = cloud.control("GET", f"messages/{sent['MessageId']}")
    assert (kept["source"], kept["events"][0]["mail"]["source"]) == ("shop@example.test", "bounces@example.test")


def test_a_stored_template_is_sent(cloud: LocalCloud, v1: Any):
    content = {"Subject": "Hello {{name}}", "Text": "Dear {{name}}"}
    cloud.client("sesv2").create_email_template(TemplateName="hello", TemplateContent=content)
    template: Any = {"Source": "shop@example.test", "Destination": ADA, "TemplateData": '{"name": "Ada"}'}
    sent = v1.send_templated_email(Template="hello", **template)
    assert cloud.control("GET", f"messages/{sent['MessageId']}")["subject"] == "Hello Ada"
    assert code(v1.send_templated_email, Template="none", **template) == "TemplateDoesNotExist"
    another = f"arn:aws:ses:us-east-1:{ACCOUNT}:template/another"
    assert code(v1.send_templated_email, Template="hello", TemplateArn=another, **template) == "TemplateDoesNotExist"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"Source": "ada@unverified.test"}, "MessageRejected"),
        ({"ConfigurationSetName": "none"}, "ConfigurationSetDoesNotExist"),
        ({"ConfigurationSetName": "paused"}, "ConfigurationSetSendingPausedException"),
        ({"Destination": {"ToAddresses": ["no address"]}}, "InvalidParameterValue"),
        ({"Destination": {}}, "InvalidParameterValue"),
        ({"Destination": {"ToAddresses": [f"a{i}@example.com" for i in range(51)]}}, "InvalidParameterValue"),
    ],
)
def test_refusals_have_the_codes_of_the_first_api(cloud: LocalCloud, v1: Any, wrong: dict[str, Any], expected: str):
    cloud.client("sesv2").create_configuration_set(
        ConfigurationSetName="paused", SendingOptions={"SendingEnabled": False}
    )
    right: dict[str, Any] = {"Source": "shop@example.test", "Destination": ADA, "Message": HELLO}
    assert code(v1.send_email, **{**right, **wrong}) == expected
    assert cloud.control("GET", "messages")["messages"] == []


def test_pausing_and_throttling_are_the_accounts(cloud: LocalCloud, v1: Any):
    right: dict[str, Any] = {"Source": "shop@example.test", "Destination": ADA, "Message": HELLO}
    v1.update_account_sending_enabled(Enabled=False)
    assert v1.get_account_sending_enabled()["Enabled"] is False
    assert cloud.client("sesv2").get_account()["SendingEnabled"] is False
    assert code(v1.send_email, **right) == "AccountSendingPausedException"
    v1.update_account_sending_enabled(Enabled=True)
    cloud.control("PUT", "account", {"max_send_rate": 0.01})
    v1.send_email(**right)
    assert code(v1.send_email, **right) == "Throttling"


def test_a_signer_with_a_policy_may_do_what_it_says_in_this_api(cloud: LocalCloud, v1: Any):
    iam = cloud.client("iam")
    iam.create_user(UserName="old")
    identity = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/example.test"
    sender = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": identity}

    def allow(version: str) -> None:
        statement = {**sender, "Condition": {"StringEquals": {"ses:ApiVersion": version}}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="old", PolicyName="send", PolicyDocument=document)

    allow("1")
    key = iam.create_access_key(UserName="old")["AccessKey"]
    old = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"]).client(
        "ses", endpoint_url=cloud.endpoint, region_name=cloud.region
    )
    mail: dict[str, Any] = {"Source": "shop@example.test", "Destination": ADA, "Message": HELLO}
    assert old.send_email(**mail)["MessageId"]
    raw = {"Data": b"From: shop@example.test\nTo: ada@example.com\n\nHello"}
    assert code(old.send_raw_email, RawMessage=raw) == "AccessDenied"
    allow("2")
    assert code(old.send_email, **mail) == "AccessDenied"


def test_quota_and_statistics_count_what_both_apis_sent(cloud: LocalCloud, v1: Any):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    v1.send_email(Source="shop@example.test", Destination={"ToAddresses": ["a@gone.test"]}, Message=HELLO)
    cloud.client("sesv2").send_email(
        FromEmailAddress="shop@example.test", Destination=ADA, Content={"Simple": {**HELLO, "Subject": {"Data": "x"}}}
    )
    cloud.control("POST", "events/drain")
    quota = v1.get_send_quota()
    assert (quota["Max24HourSend"], quota["MaxSendRate"], quota["SentLast24Hours"]) == (1_000_000, 100, 2)
    points = v1.get_send_statistics()["SendDataPoints"]
    assert sum(point["DeliveryAttempts"] for point in points) == 2
    assert sum(point["Bounces"] for point in points) == 1
    assert {point["Timestamp"].minute % 15 for point in points} == {0}


def test_v1_domain_verification_by_txt_and_dkim_records(cloud: LocalCloud):
    v1, dns = cloud.client("ses"), cloud.client("route53")
    zone = dns.create_hosted_zone(Name="new.test", CallerReference="1")["HostedZone"]["Id"]

    def publish(name: str, kind: str, value: str) -> None:
        record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
        change: Any = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)

    def status() -> str:
        asked = v1.get_identity_verification_attributes(Identities=["new.test", "unknown.test"])
        assert set(asked["VerificationAttributes"]) == {"new.test"}
        return asked["VerificationAttributes"]["new.test"]["VerificationStatus"]

    def signing() -> Any:
        return v1.get_identity_dkim_attributes(Identities=["new.test"])["DkimAttributes"]["new.test"]

    token = v1.verify_domain_identity(Domain="New.test")["VerificationToken"]
    assert (
        token
        == verification_token("new.test", "us-east-1")
        == v1.verify_domain_identity(Domain="new.test")["VerificationToken"]
    )
    assert (status(), signing()["DkimVerificationStatus"]) == ("Pending", "NotStarted")
    publish("_amazonses.new.test", "TXT", f'"{token}"')
    assert (status(), signing()["DkimVerificationStatus"]) == ("Success", "NotStarted")
    v1.send_email(Source="hi@new.test", Destination=ADA, Message=HELLO)
    tokens = v1.verify_domain_dkim(Domain="new.test")["DkimTokens"]
    assert v1.verify_domain_dkim(Domain="new.test")["DkimTokens"] == tokens
    assert signing() == {"DkimEnabled": True, "DkimVerificationStatus": "Pending", "DkimTokens": tokens}
    for token in tokens:
        publish(f"{token}._domainkey.new.test", "CNAME", f"{token}.dkim.amazonses.com")
    assert signing()["DkimVerificationStatus"] == "Success"


def test_identities_are_those_of_the_second_api(cloud: LocalCloud, v1: Any):
    v1.verify_email_identity(EmailAddress="ada@example.com")
    v1.verify_email_identity(EmailAddress="ada@example.com")
    cloud.control("POST", "identities/ada@example.com/verify")
    assert v1.list_identities()["Identities"] == ["ada@example.com", "example.test"]
    assert v1.list_identities(IdentityType="Domain")["Identities"] == ["example.test"]
    first = v1.list_identities(MaxItems=1)
    assert v1.list_identities(MaxItems=1, NextToken=first["NextToken"])["Identities"] == ["example.test"]
    assert v1.list_verified_email_addresses()["VerifiedEmailAddresses"] == ["ada@example.com"]
    v1.set_identity_mail_from_domain(
        Identity="example.test", MailFromDomain="bounce.example.test", BehaviorOnMXFailure="RejectMessage"
    )
    own = v1.get_identity_mail_from_domain_attributes(Identities=["example.test"])["MailFromDomainAttributes"]
    assert own["example.test"] == {
        "MailFromDomain": "bounce.example.test",
        "MailFromDomainStatus": "Pending",
        "BehaviorOnMXFailure": "RejectMessage",
    }
    assert code(v1.set_identity_dkim_enabled, Identity="none.test", DkimEnabled=True) == "InvalidParameterValue"
    v1.delete_identity(Identity="ada@example.com")
    v1.delete_identity(Identity="ada@example.com")
    assert cloud.client("sesv2").list_email_identities()["EmailIdentities"][0]["IdentityName"] == "example.test"


def test_v1_describes_configuration_sets(cloud: LocalCloud, v1: Any):
    v1.create_configuration_set(ConfigurationSet={"Name": "news"})
    assert code(v1.create_configuration_set, ConfigurationSet={"Name": "news"}) == "ConfigurationSetAlreadyExists"
    dimension = {"DimensionName": "kind", "DimensionValueSource": "MESSAGE_TAG", "DefaultDimensionValue": "none"}
    cloud.client("sesv2").create_configuration_set_event_destination(
        ConfigurationSetName="news",
        EventDestinationName="counts",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["SEND", "DELIVERY_DELAY", "RENDERING_FAILURE"],
            "CloudWatchDestination": {"DimensionConfigurations": [dimension]},
        },
    )
    assert v1.list_configuration_sets()["ConfigurationSets"] == [{"Name": "news"}]
    names = ["eventDestinations", "deliveryOptions", "reputationOptions", "trackingOptions"]
    found = v1.describe_configuration_set(ConfigurationSetName="news", ConfigurationSetAttributeNames=names)
    assert found["EventDestinations"] == [
        {
            "Name": "counts",
            "Enabled": True,
            "MatchingEventTypes": ["send", "renderingFailure"],
            "CloudWatchDestination": {"DimensionConfigurations": [{**dimension, "DimensionValueSource": "messageTag"}]},
        }
    ]
    assert "DeliveryOptions" not in found
    assert found["ReputationOptions"] == {"SendingEnabled": True, "ReputationMetricsEnabled": False}
    v1.delete_configuration_set(ConfigurationSetName="news")
    assert code(v1.describe_configuration_set, ConfigurationSetName="news") == "ConfigurationSetDoesNotExist"


class Notified:
    """A topic that SES may publish to for example.test, and a queue that hears it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.sqs = cloud.client("sqs")
        sns = cloud.client("sns")
        self.queue = self.sqs.create_queue(QueueName="heard", Attributes=open_to("sns", "heard"))["QueueUrl"]
        self.topic = sns.create_topic(Name="feedback")["TopicArn"]
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:heard"
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        source = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/example.test"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": self.topic,
            "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT, "AWS:SourceArn": source}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy)
        sns.create_topic(Name="closed", Attributes={"Policy": policy})

    def heard(self) -> list[dict[str, Any]]:
        got = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in got:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
        envelopes = [json.loads(one["Body"]) for one in got]
        assert not [one for one in envelopes if "Subject" in one], "only events have a subject"
        return [json.loads(one["Message"]) for one in envelopes]


def test_an_identity_notifies_its_topic_of_what_it_was_asked_to(cloud: LocalCloud, v1: Any):
    notified = Notified(cloud)
    closed = notified.topic.replace("feedback", "closed")
    topic = {"Identity": "example.test", "NotificationType": "Bounce"}
    assert code(v1.set_identity_notification_topic, SnsTopic=closed, **topic) == "InvalidParameterValue"
    off = {"Identity": "example.test", "ForwardingEnabled": False}
    assert code(v1.set_identity_feedback_forwarding_enabled, **off) == "InvalidParameterValue"
    for kind in ("Bounce", "Complaint"):
        v1.set_identity_notification_topic(Identity="example.test", NotificationType=kind, SnsTopic=notified.topic)
    v1.set_identity_feedback_forwarding_enabled(**off)
    assert [one["notificationType"] for one in notified.heard()] == ["AmazonSnsSubscriptionSucceeded"] * 2
    v1.set_identity_headers_in_notifications_enabled(
        Identity="example.test", NotificationType="Complaint", Enabled=True
    )
    people = ["ada@example.com", "bounce@simulator.amazonses.com", "complaint@simulator.amazonses.com"]
    v1.send_email(Source="shop@example.test", Destination={"ToAddresses": people}, Message=HELLO)
    cloud.control("POST", "events/drain")
    by_kind = {one["notificationType"]: one for one in notified.heard()}
    assert set(by_kind) == {"Bounce", "Complaint"}, "deliveries were not asked for"
    bounce, complaint = by_kind["Bounce"], by_kind["Complaint"]
    assert bounce["bounce"]["bouncedRecipients"][0]["emailAddress"] == "bounce@simulator.amazonses.com"
    assert "eventType" not in bounce
    assert bounce["bounce"]["remoteMtaIp"], "which events do not have"
    assert not {"headers", "commonHeaders", "tags"} & set(bounce["mail"])
    assert complaint["mail"]["commonHeaders"]["subject"] == "Grüße"
    attributes = v1.get_identity_notification_attributes(Identities=["example.test"])["NotificationAttributes"]
    assert attributes["example.test"] == {
        "BounceTopic": notified.topic,
        "ComplaintTopic": notified.topic,
        "DeliveryTopic": "",
        "ForwardingEnabled": False,
        "HeadersInBounceNotificationsEnabled": False,
        "HeadersInComplaintNotificationsEnabled": True,
        "HeadersInDeliveryNotificationsEnabled": False,
    }
    v1.set_identity_notification_topic(**topic)
    v1.send_email(Source="shop@example.test", Destination={"ToAddresses": people[1:2]}, Message=HELLO)
    cloud.control("POST", "events/drain")
    assert notified.heard() == []


def test_v1_refuses_unemulated_operations_and_regions(cloud: LocalCloud, v1: Any):
    with pytest.raises(ClientError, match="ListReceiptRuleSets of SES v1 is not emulated") as caught:
        v1.list_receipt_rule_sets()
    assert caught.value.response["Error"]["Code"] == "NotEmulated"
    elsewhere = cloud.client("ses", region="eu-west-1")
    assert code(elsewhere.get_send_quota) == "NotEmulated"


def test_every_operation_in_the_table_is_one_of_the_api():
    assert set(HANDLERS) <= set(service_model("ses").operation_names)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("", "MissingAction"),
        ("Action=Nothing", "InvalidAction"),
        ("Action=SendEmail&Version=1999-01-01", "InvalidAction"),
        ("Action=SendEmail", "ValidationError"),
        ("Action=ListIdentities&MaxItems=many", "ValidationError"),
        ("Action=ListIdentities&IdentityType=Person", "ValidationError"),
        ("Action=DeleteIdentity&Identity=x&Identity.y=z", "MalformedInput"),
        ("Action=GetIdentityDkimAttributes&Identities.member.one=x", "ValidationError"),
        ("Action=SendRawEmail&RawMessage.Data=%%%", "ValidationError"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(cloud: LocalCloud, form: str, expected: str):
    credential = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/ses/aws4_request"
    request = urllib.request.Request(f"{cloud.endpoint}/", form.encode(), {"Authorization": credential})  # noqa: S310 - http on loopback
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.request.HTTPError) as caught:
        direct.open(request, timeout=PATIENCE)
    assert caught.value.code == 400
    text = caught.value.read().decode()
    caught.value.close()
    assert f"<Code>{expected}</Code>" in text


def test_a_control_character_does_not_break_the_answer(cloud: LocalCloud, v1: Any):
    assert code(v1.set_identity_dkim_enabled, Identity="a\x00b", DkimEnabled=True) == "InvalidParameterValue"


def test_boto3_ses_needs_environment_variables_only(cloud: LocalCloud, v1: Any):
    known = cloud.environment()
    client = boto3.Session(known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"]).client(
        "ses", endpoint_url=known["AWS_ENDPOINT_URL"], region_name=known["AWS_REGION"]
    )
    assert client.get_waiter("identity_exists").wait(Identities=["example.test"]) is None


@pytest.mark.parametrize(
    ("method", "signature"), [("POST", ""), ("GET", "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2Fses")]
)
def test_presigned_request_reaches_the_same_account(cloud: LocalCloud, method: str, signature: str):
    cloud.control("PUT", "account", {"max_send_rate": 7})
    form = f"Action=GetSendQuota&Version=2010-12-01{signature}"
    path, body = ("", form.encode()) if method == "POST" else (f"?{form}", None)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{cloud.endpoint}/{path}", body, kind, method=method)  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
        assert b"<MaxSendRate>7.0</MaxSendRate>" in answer.read()


def test_cloudformation_refuses_ses_resources(cloud: LocalCloud):
    resource = {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": "example.org"}}
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName="mail", TemplateBody=json.dumps({"Resources": {"Identity": resource}}))
    with pytest.raises(WaiterError):
        stacks.get_waiter("stack_create_complete").wait(StackName="mail", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    events = stacks.describe_stack_events(StackName="mail")["StackEvents"]
    refusal = "AWS::SES::EmailIdentity is not emulated by the local cloud's CloudFormation. Nothing was done."
    assert refusal in [event.get("ResourceStatusReason") for event in events]


def test_mail_of_cognito_s_own_comes_into_the_inbox(cloud: LocalCloud):
    cognito: Any = cloud.client("cognito-idp")
    address = {"AutoVerifiedAttributes": ["email"], "UsernameAttributes": ["email"]}
    pool = cognito.create_user_pool(PoolName="people", **address)["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="page")["UserPoolClient"]["ClientId"]
    cognito.sign_up(ClientId=client, Username="ada@example.com", Password="Correct-horse-1")
    (mail,) = cloud.control("GET", "messages?recipient=ada@example.com")["messages"]
    assert mail["source"] == "no-reply@verificationemail.com"
    text = cloud.control("GET", f"messages/{mail['message_id']}/content")["text"]
    (code,) = re.findall(r"\b\d{6}\b", text)
    cognito.confirm_sign_up(ClientId=client, Username="ada@example.com", ConfirmationCode=code)
    assert cloud.client("ses").get_send_quota()["SentLast24Hours"] == 0
