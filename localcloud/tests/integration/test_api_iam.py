"""IAM policies of senders, against the emulated SES."""

import json
from typing import TYPE_CHECKING, Any

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
BOTH = [f"{ARN}:identity/example.test", f"{ARN}:configuration-set/theirs"]
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
RAW: Any = {"Raw": {"Data": b"From: ada@example.test\r\nTo: bob@example.com\r\nSubject: Hello\r\n\r\nHello\r\n"}}


@pytest.fixture(autouse=True)
def identity(cloud: LocalCloud) -> None:
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    ses.create_configuration_set(ConfigurationSetName="theirs")


def client(cloud: LocalCloud, key: Any) -> "SESV2Client":
    return boto3.client(
        "sesv2",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
        config=Config(connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"max_attempts": 0}),
    )


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


def user(cloud: LocalCloud, *statements: dict[str, Any]) -> "SESV2Client":
    iam = cloud.client("iam")
    iam.create_user(UserName="sender")
    iam.put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=policy(*statements))
    return client(cloud, iam.create_access_key(UserName="sender")["AccessKey"])


def send(ses: "SESV2Client", **more: Any) -> str:
    whole: Any = {
        "FromEmailAddress": "Ada <ada@example.test>",
        "Destination": {"ToAddresses": ["bob@example.com"]},
        "Content": HELLO,
        "ConfigurationSetName": "theirs",
    }
    return ses.send_email(**{**whole, **more})["MessageId"]


def refusal(ses: "SESV2Client", **more: Any) -> str:
    with pytest.raises(ClientError) as raised:
        send(ses, **more)
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDeniedException", 403)
    return answer["Error"]["Message"]


def test_a_sender_needs_the_identity_and_the_configuration_set(cloud: LocalCloud):
    ses = user(cloud, {"Action": "ses:SendEmail", "Resource": BOTH[0]})
    assert refusal(ses) == (
        "User `arn:aws:iam::000000000000:user/sender' is not authorized to perform `ses:SendEmail' on resource "
        f"`{BOTH[1]}'"
    )
    assert send(ses, ConfigurationSetName="")
    document = policy({"Action": "ses:SendEmail", "Resource": BOTH})
    cloud.client("iam").put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=document)
    assert send(ses)
    assert "`ses:SendRawEmail' on resource" in refusal(ses, Content=RAW)


def test_raw_mail_is_authorized_by_its_from_header(cloud: LocalCloud):
    own = {"StringEquals": {"ses:FromAddress": "ada@example.test"}}
    ses = user(cloud, {"Action": "ses:SendRawEmail", "Resource": BOTH, "Condition": own})
    assert ses.send_email(Content=RAW)["MessageId"]
    other: Any = {"Raw": {"Data": RAW["Raw"]["Data"].replace(b"ada@", b"eve@")}}
    with pytest.raises(ClientError, match="AccessDenied"):
        ses.send_email(Content=other)


@pytest.mark.parametrize(
    ("condition", "allowed", "refused"),
    [
        (
            {"StringLike": {"ses:FromAddress": "ada@*"}},
            {},
            {"FromEmailAddress": "eve@example.test"},
        ),
        (
            {"StringEquals": {"ses:FromDisplayName": "Ada"}},
            {},
            {"FromEmailAddress": "Eve <ada@example.test>"},
        ),
        (
            {"ForAllValues:StringLike": {"ses:Recipients": ["*@example.com"]}},
            {"Destination": {"ToAddresses": ["bob@example.com"], "BccAddresses": ["eve@example.com"]}},
            {"Destination": {"ToAddresses": ["bob@example.com"], "BccAddresses": ["eve@example.org"]}},
        ),
        (
            {"StringEquals": {"ses:FeedbackAddress": "bounces@example.test"}},
            {"FeedbackForwardingEmailAddress": "bounces@example.test"},
            {},
        ),
    ],
)
def test_conditions_on_sender_and_recipients_hold(
    cloud: LocalCloud, condition: dict[str, Any], allowed: dict[str, Any], refused: dict[str, Any]
):
    ses = user(cloud, {"Action": "ses:SendEmail", "Resource": BOTH, "Condition": condition})
    assert send(ses, **allowed)
    assert "not authorized" in refusal(ses, **refused)


def test_a_role_sends_with_its_own_policies_and_a_deny_wins(cloud: LocalCloud):
    iam = cloud.client("iam")
    trust = policy({"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    role = iam.create_role(RoleName="sender", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allow = {"Action": "ses:*", "Resource": "*"}
    iam.put_role_policy(RoleName="sender", PolicyName="send", PolicyDocument=policy(allow))
    assumed = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="app")["Credentials"]
    ses = client(cloud, assumed)
    assert send(ses)
    deny = {"Effect": "Deny", "Action": "ses:SendEmail", "Resource": BOTH[0]}
    iam.put_role_policy(RoleName="sender", PolicyName="send", PolicyDocument=policy(allow, deny))
    assert refusal(ses).startswith("User `arn:aws:sts::000000000000:assumed-role/sender/app' is not authorized")


def bulk(ses: "SESV2Client", *to: str) -> int:
    entries: Any = [{"Destination": {"ToAddresses": [address]}} for address in to]
    content: Any = {"Template": {"TemplateContent": {"Subject": "Hi", "Text": "Hello"}, "TemplateData": "{}"}}
    sent = ses.send_bulk_email(FromEmailAddress="ada@example.test", DefaultContent=content, BulkEmailEntries=entries)
    return len(sent["BulkEmailEntryResults"])


def test_bulk_call_is_authorized_as_a_whole(cloud: LocalCloud):
    ses = user(cloud, {"Action": "ses:SendEmail", "Resource": "*"})
    with pytest.raises(ClientError, match="ses:SendBulkEmail"):
        bulk(ses, "bob@example.com", "eve@example.com")
    assert cloud.control("GET", "messages")["messages"] == []


def test_bulk_mail_knows_no_condition_on_addresses(cloud: LocalCloud):
    allowed = {"ForAllValues:StringLike": {"ses:Recipients": ["*@example.com"]}}
    ses = user(cloud, {"Action": "ses:SendBulkEmail", "Resource": BOTH[0], "Condition": allowed})
    assert bulk(ses, "bob@example.com", "eve@example.org") == 2
    required = {"StringLike": {"ses:FromAddress": "*@example.test"}}
    document = policy({"Action": "ses:SendBulkEmail", "Resource": BOTH[0], "Condition": required})
    cloud.client("iam").put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=document)
    with pytest.raises(ClientError, match="AccessDenied"):
        bulk(ses, "bob@example.com")


def test_sandbox_authorizes_recipient_identities_too(cloud: LocalCloud):
    cloud.client("sesv2").create_email_identity(EmailIdentity="bob@example.com")
    cloud.control("POST", "identities/bob@example.com/verify")
    cloud.control("PUT", "account", {"production_access": False})
    ses = user(cloud, {"Action": "ses:SendEmail", "Resource": BOTH})
    assert refusal(ses).endswith(f"on resource `{ARN}:identity/bob@example.com'")


def test_key_without_policies_is_the_account(cloud: LocalCloud):
    assert send(cloud.client("sesv2"))
    assert send(client(cloud, {"AccessKeyId": "AKIDUNKNOWN", "SecretAccessKey": "unknown"}))


def test_events_name_who_signed_a_mail_and_how_it_came(cloud: LocalCloud):
    everything = {"Action": "ses:*", "Resource": "*"}
    by_user = send(user(cloud, everything))
    iam = cloud.client("iam")
    trust = policy({"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    role = iam.create_role(RoleName="function", Path="/app/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="function", PolicyName="send", PolicyDocument=policy(everything))
    session = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="now")["Credentials"]
    by_role = send(client(cloud, session))
    by_account = send(cloud.client("sesv2"))
    mails = [cloud.control("GET", f"messages/{message_id}") for message_id in (by_user, by_role, by_account)]
    tags = [[event["mail"]["tags"] for event in mail["events"]] for mail in mails]
    assert [sent["ses:caller-identity"] for sent, _ in tags] == [["sender"], ["function"], ["root"]]
    sent, delivered = tags[0]
    assert sent == {
        "ses:source-tls-version": ["TLSv1.3"],
        "ses:operation": ["SendEmail"],
        "ses:configuration-set": ["theirs"],
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": ["example.test"],
        "ses:caller-identity": ["sender"],
    }
    assert delivered == {**sent, "ses:outgoing-tls-version": ["TLSv1.3"], "ses:outgoing-ip": ["192.0.2.25"]}


def denied(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDeniedException", 403)
    return answer["Error"]["Message"]


def test_operations_other_than_sends_need_permission(cloud: LocalCloud):
    ses = user(
        cloud,
        {"Action": "ses:GetConfigurationSet", "Resource": f"{ARN}:configuration-set/the*"},
        {"Action": ["ses:GetAccount", "ses:CreateEmailIdentity"], "Resource": "*"},
    )
    assert ses.get_configuration_set(ConfigurationSetName="theirs")
    assert ses.get_account()
    assert ses.create_email_identity(EmailIdentity="example.org")
    assert denied(ses.get_configuration_set, ConfigurationSetName="ours") == (
        "User `arn:aws:iam::000000000000:user/sender' is not authorized to perform `ses:GetConfigurationSet' on "
        f"resource `{ARN}:configuration-set/ours'"
    )
    assert denied(ses.list_email_identities).endswith("`ses:ListEmailIdentities' on resource `*'")
    assert denied(ses.delete_email_identity, EmailIdentity="Example.org").endswith("identity/example.org'")
    assert cloud.client("sesv2").get_email_identity(EmailIdentity="example.org")


def test_tags_of_resources_and_requests_are_conditions(cloud: LocalCloud):
    owner = cloud.client("sesv2")
    owner.tag_resource(ResourceArn=BOTH[1], Tags=[{"Key": "Team", "Value": "mail"}])
    mine = {"StringEquals": {"aws:ResourceTag/Team": "mail"}}
    made = {"StringEquals": {"aws:RequestTag/Team": "mail"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}
    ses = user(
        cloud,
        {"Action": "ses:DeleteConfigurationSet", "Resource": "*", "Condition": mine},
        {"Action": "ses:CreateConfigurationSet", "Resource": "*", "Condition": made},
    )
    ses.create_configuration_set(ConfigurationSetName="new", Tags=[{"Key": "Team", "Value": "mail"}])
    denied(ses.create_configuration_set, ConfigurationSetName="other")
    denied(
        ses.create_configuration_set,
        ConfigurationSetName="other",
        Tags=[{"Key": "Team", "Value": "mail"}, {"Key": "x", "Value": "y"}],
    )
    owner.untag_resource(ResourceArn=f"{ARN}:configuration-set/new", TagKeys=["Team"])
    denied(ses.delete_configuration_set, ConfigurationSetName="new")
    ses.delete_configuration_set(ConfigurationSetName="theirs")


def test_firehose_destination_needs_pass_role(cloud: LocalCloud):
    ses = user(cloud, {"Action": "ses:*", "Resource": "*"})
    role = "arn:aws:iam::000000000000:role/to-firehose"
    stream = "arn:aws:firehose:us-east-1:000000000000:deliverystream/events"
    destination = {"IamRoleArn": role, "DeliveryStreamArn": stream}
    wanted: Any = {"MatchingEventTypes": ["SEND"], "KinesisFirehoseDestination": destination}
    asked: Any = {"ConfigurationSetName": "theirs", "EventDestinationName": "kept", "EventDestination": wanted}
    assert denied(ses.create_configuration_set_event_destination, **asked).endswith(
        f"`iam:PassRole' on resource `{role}'"
    )
    to_ses = {"StringEquals": {"iam:PassedToService": "ses.amazonaws.com"}}
    passing = {"Action": "iam:PassRole", "Resource": role, "Condition": to_ses}
    document = policy({"Action": "ses:*", "Resource": "*"}, passing)
    cloud.client("iam").put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=document)
    with pytest.raises(ses.exceptions.BadRequestException, match="does not exist"):
        ses.create_configuration_set_event_destination(**asked)


def test_v1_operations_are_authorized_on_all_resources(cloud: LocalCloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="old")
    document = policy(
        {"Action": "ses:ListIdentities", "Resource": "*", "Condition": {"StringEquals": {"ses:ApiVersion": "1"}}}
    )
    iam.put_user_policy(UserName="old", PolicyName="list", PolicyDocument=document)
    key = iam.create_access_key(UserName="old")["AccessKey"]
    v1: Any = boto3.client(
        "ses",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert v1.list_identities()["Identities"] == ["example.test"]
    with pytest.raises(ClientError, match=r"`ses:GetSendQuota' on resource `\*'") as raised:
        v1.get_send_quota()
    assert raised.value.response["Error"]["Code"] == "AccessDenied"


def test_custom_verification_mail_needs_template_permission(cloud: LocalCloud):
    template = {"FromEmailAddress": "ada@example.test", "TemplateSubject": "Hello", "TemplateContent": "Hello"}
    cloud.client("sesv2").create_custom_verification_email_template(
        TemplateName="welcome",
        SuccessRedirectionURL="https://example.com/yes",
        FailureRedirectionURL="https://example.com/no",
        **template,
    )
    only = f"{ARN}:custom-verification-email-template/welcome"
    ses = user(cloud, {"Action": "ses:SendCustomVerificationEmail", "Resource": only})
    assert ses.send_custom_verification_email(EmailAddress="bob@example.com", TemplateName="welcome")["MessageId"]
    denied(ses.send_custom_verification_email, EmailAddress="bob@example.com", TemplateName="other")
