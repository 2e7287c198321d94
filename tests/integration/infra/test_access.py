"""The roles and the SMTP user of a deployed stack: what their policies let them send, and what not."""

import json
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mailer.table import PARTITION_KEY, SORT_KEY
from mailstack_localcloud import LocalCloud
from tests.integration.infra.test_options import Program
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

TRANSACTIONAL, BULK, THEIRS = "mailstack-local-transactional", "mailstack-local-bulk", "theirs"
ADA, STRANGER = "ada@example.org", "eve@example.com"
GITHUB = "https://token.actions.githubusercontent.com"
OPTIONS: dict[str, Any] = {
    "streams": {"transactional": {}, "bulk": {}},
    "watchAccount": False,
    "allowedRecipients": ["*@example.org"],
    "allowedSenders": ["no-reply@example.test", "ad?@example.test"],
    "access": {
        "raw": True,
        "services": ["ecs", "lambda", "ec2"],
        "oidc": {
            "deploys": {
                "provider": GITHUB,
                "create": True,
                "audiences": "sts.amazonaws.com",
                "subjects": "repo:example/shop:ref:refs/heads/main",
            }
        },
        "attachTo": "shop-web",
        "templates": "receipt",
        "smtp": {"keys": [1], "readBySender": True},
    },
}
RAW = f"From: Ada <no-reply@example.test>\r\nTo: {ADA}\r\nSubject: Hello\r\n\r\nHello\r\n".encode()


@pytest.fixture(scope="module")
def program(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    shared_cloud.reset()
    iam, ses = shared_cloud.client("iam"), shared_cloud.client("sesv2")
    nobody = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
    iam.create_role(RoleName="shop-web", AssumeRolePolicyDocument=trust)
    program = Program(shared_cloud, Path(tmp_path_factory.mktemp("access")) / "state.json")
    program.stack(**OPTIONS).up()
    for domain in ("other.test", "example.test"):
        if domain != "example.test":
            ses.create_email_identity(EmailIdentity=domain)
        shared_cloud.control("POST", f"identities/{domain}/verify")
    ses.create_configuration_set(ConfigurationSetName=THEIRS)
    for template in ("receipt", "secret"):
        content: Any = {"Subject": "Hi", "Text": "Hello"}
        ses.create_email_template(TemplateName=template, TemplateContent=content)
    yield program
    shared_cloud.reset()


def signed(program: Program, service: Any, key: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=program.cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
        config=Config(connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"max_attempts": 0}),
    )


def application(program: Program, role: str) -> "SESV2Client":
    """What runs as a role of the stack."""
    arn = program.stack(**OPTIONS).outputs["roles"][role]  # type: ignore[index]
    taken = program.cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="shop")["Credentials"]
    return signed(program, "sesv2", taken)


def send(ses: "SESV2Client", **changed: Any) -> str:
    mail: dict[str, Any] = {
        "FromEmailAddress": "Example <no-reply@example.test>",
        "Destination": {"ToAddresses": [ADA]},
        "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}},
        "ConfigurationSetName": TRANSACTIONAL,
    }
    return ses.send_email(**{key: value for key, value in {**mail, **changed}.items() if value})["MessageId"]


def bulk(ses: "SESV2Client", template: str) -> list[str]:
    answer = ses.send_bulk_email(
        FromEmailAddress="no-reply@example.test",
        DefaultContent={"Template": {"TemplateName": template, "TemplateData": "{}"}},
        BulkEmailEntries=[{"Destination": {"ToAddresses": [STRANGER]}}],
        ConfigurationSetName=BULK,
    )
    return [result.get("Status", "") for result in answer["BulkEmailEntryResults"]]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"ConfigurationSetName": BULK},
        {"FromEmailAddress": "Ada <ada@example.test>"},
        {"Content": {"Raw": {"Data": RAW}}},
        {"Content": {"Template": {"TemplateName": "receipt", "TemplateData": "{}"}}},
        {"Destination": {"ToAddresses": [ADA], "BccAddresses": ["bob@example.org"]}},
    ],
    ids=["plain", "other stream", "other sender", "raw", "template", "two recipients"],
)
def test_application_role_sends_from_its_domain_and_streams(program: Program, changed: dict[str, Any]):
    assert send(application(program, "ecs"), **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"ConfigurationSetName": THEIRS},
        {"FromEmailAddress": "no-reply@other.test"},
        {"FromEmailAddress": "no-reply@sub.example.test"},
        {"FromEmailAddress": "eve@example.test"},
        {"FromEmailAddress": "No-Reply@example.test"},
        {"Destination": {"ToAddresses": [STRANGER]}},
        {"Destination": {"ToAddresses": [ADA], "BccAddresses": [STRANGER]}},
        {"Content": {"Raw": {"Data": RAW}}, "Destination": {"ToAddresses": [STRANGER]}},
        {"Content": {"Raw": {"Data": RAW.replace(b"example.test", b"other.test")}}, "FromEmailAddress": None},
        {"Content": {"Template": {"TemplateName": "secret", "TemplateData": "{}"}}},
    ],
    ids=[
        "set",
        "domain",
        "subdomain",
        "other sender",
        "letter case",
        "stranger",
        "blind copy",
        "raw stranger",
        "raw domain",
        "template",
    ],
)
def test_an_application_sends_nothing_else(program: Program, changed: dict[str, Any]):
    with pytest.raises(ClientError) as refused:
        send(application(program, "ecs"), **changed)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_every_role_may_send(program: Program):
    for role in ("lambda", "ec2", "deploys"):
        assert send(application(program, role))
    iam = program.cloud.client("iam")
    existing = iam.list_attached_role_policies(RoleName="shop-web")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in existing] == ["mailstack-local-sender-us-east-1"]
    profile = iam.get_instance_profile(InstanceProfileName="mailstack-local-app-ec2-us-east-1")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["mailstack-local-app-ec2-us-east-1"]
    issuers = [one["Arn"] for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    assert [arn.rpartition("/")[2] for arn in issuers] == ["token.actions.githubusercontent.com"]


def function(program: Program, name: str, service: str) -> Any:
    """What runs as the role of one of the stack's functions."""
    arn = f"arn:aws:iam::000000000000:role/mailstack-local-{name}-us-east-1"
    taken = program.cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
    return signed(program, service, taken)


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("EVENT#1", True), ("SUPPRESSION#ada@example.org", True), ("OUTBOX#1", False), ("event#1", False)],
)
def test_the_feedback_function_writes_only_its_own_items(program: Program, key: str, *, allowed: bool):
    item = {PARTITION_KEY: {"S": key}, SORT_KEY: {"S": "EVENT"}}
    table, dynamodb = "mailstack-local-store", function(program, "feedback", "dynamodb")
    writes = [
        lambda: dynamodb.put_item(TableName=table, Item=item),
        lambda: dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}}]),
        lambda: dynamodb.get_item(TableName=table, Key=item),
    ]
    for write in writes:
        if allowed:
            assert write()
            continue
        with pytest.raises(ClientError, match="AccessDenied"):
            write()


def test_an_application_reads_suppressions_and_no_other_items(program: Program):
    arn = program.stack(**OPTIONS).outputs["roles"]["ecs"]  # type: ignore[index]
    taken = program.cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="shop")["Credentials"]
    dynamodb: Any = signed(program, "dynamodb", taken)
    keys = [{PARTITION_KEY: {"S": f"SUPPRESSION#{who}"}, SORT_KEY: {"S": "SUPPRESSION"}} for who in (ADA, STRANGER)]
    assert dynamodb.batch_get_item(RequestItems={"mailstack-local-store": {"Keys": keys}})
    event = {PARTITION_KEY: {"S": "EVENT#1"}, SORT_KEY: {"S": "EVENT"}}
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.batch_get_item(RequestItems={"mailstack-local-store": {"Keys": [*keys, event]}})


def test_guard_role_uses_the_key_for_sns_only(program: Program):
    paging = "arn:aws:sns:us-east-1:000000000000:mailstack-local-paging"
    assert function(program, "sending-guard", "sns").publish(TopicArn=paging, Message="hello")
    with pytest.raises(ClientError, match="AuthorizationError"):
        function(program, "feedback", "sns").publish(TopicArn=paging, Message="hello")
    iam, name = program.cloud.client("iam"), "mailstack-local-sending-guard-us-east-1"
    reads: Any = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=document)
    key = {PARTITION_KEY: {"S": "EVENT#1"}, SORT_KEY: {"S": "EVENT"}}
    with pytest.raises(ClientError, match="kms:Decrypt"):
        function(program, "sending-guard", "dynamodb").get_item(TableName="mailstack-local-store", Key=key)
    iam.delete_role_policy(RoleName=name, PolicyName="more")


def test_a_second_run_finds_nothing_to_do(program: Program):
    assert not program.stack(**OPTIONS).up().any


def test_development_policy_denies_bulk_mail(program: Program):
    with pytest.raises(ClientError, match="AccessDenied"):
        bulk(application(program, "ecs"), "receipt")


# --- SMTP ----------------------------------------------------------------------------------------------------------


def login(program: Program) -> dict[str, Any]:
    """What the secret holds."""
    name = program.stack(**OPTIONS).outputs["smtp_secret"]
    return json.loads(program.cloud.client("secretsmanager").get_secret_value(SecretId=str(name))["SecretString"])


def connected(program: Program, known: dict[str, Any]) -> smtplib.SMTP:
    cloud = program.cloud
    client = smtplib.SMTP(cloud.smtp.host, cloud.smtp.port, timeout=PATIENCE)
    client.starttls(context=cloud.smtp.context())
    try:
        client.login(known["username"], known["password"])
    except smtplib.SMTPAuthenticationError:
        client.close()
        raise
    return client


def mail(sender: str = "no-reply@example.test", to: str = ADA) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["X-SES-CONFIGURATION-SET"] = sender, to, "Hello", TRANSACTIONAL
    made.set_content("Hello Ada")
    return made


def test_smtp_secret_logs_in_and_sends_from_its_domain_only(program: Program):
    known = login(program)
    assert (known["host"], known["port"]) == ("email-smtp.us-east-1.amazonaws.com", 587)
    with connected(program, known) as client:
        assert client.send_message(mail()) == {}
        for refused in (mail(sender="no-reply@other.test"), mail(to=STRANGER)):
            with pytest.raises(smtplib.SMTPDataError, match="Access denied"):
                client.send_message(refused)
            client.rset()


def test_the_smtp_users_key_can_do_nothing_but_send_raw_mail(program: Program):
    iam = program.cloud.client("iam")
    (attached,) = iam.list_attached_user_policies(UserName="mailstack-local-smtp-us-east-1")["AttachedPolicies"]
    policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
    version = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=policy["DefaultVersionId"])
    document: Any = version["PolicyVersion"]["Document"]
    assert [statement["Action"] for statement in document["Statement"]] == ["ses:SendRawEmail"]
    assert iam.list_user_policies(UserName="mailstack-local-smtp-us-east-1")["PolicyNames"] == []


def test_the_login_is_in_no_output(program: Program):
    exported = json.dumps(program.stack(**OPTIONS).outputs, default=str)
    known = login(program)
    assert known["password"] not in exported
    assert known["username"] not in exported


def test_smtp_password_rotation_keeps_one_password_valid(program: Program):
    def deploy(recipients: list[str], *keys: int) -> None:
        access: dict[str, Any] = {**OPTIONS["access"], "bulk": not recipients, "smtp": {"keys": list(keys)}}
        changed: dict[str, Any] = {**OPTIONS, "allowedRecipients": recipients, "access": access}
        program.stack(**changed).up()

    ses, old = application(program, "ecs"), login(program)
    deploy([], 1, 2)
    new = login(program)
    assert new["username"] != old["username"]
    with connected(program, old) as one, connected(program, new) as another:
        assert one.send_message(mail(to=STRANGER)) == another.send_message(mail(to=STRANGER)) == {}
    assert bulk(ses, "receipt") == ["SUCCESS"]
    with pytest.raises(ClientError, match="AccessDenied"):
        bulk(ses, "secret")

    deploy(OPTIONS["allowedRecipients"], 2)
    with connected(program, new) as client:
        assert client.send_message(mail()) == {}
    with pytest.raises(smtplib.SMTPAuthenticationError):
        connected(program, old)
    with pytest.raises(ClientError, match="AccessDenied"):
        bulk(ses, "receipt")
