"""The sender policy of every environment, as the program writes it, judged for a user that has it."""

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.unit.infra.program import ACCOUNT, run
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

SINGLE = {"address": "ada@example.com", "domain": "", "zone": "", "sender": ""}
# Stack, what differs from its file; a sender and a recipient that are allowed.
ENVIRONMENTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("dev", {}, "no-reply@dev.example.com", "bob@example.com"),
    ("prod", {}, "no-reply@example.com", "bob@example.org"),
    ("dev", SINGLE, "ada@example.com", "bob@example.com"),
]
NAMES = ["dev", "prod", "single address"]
everywhere = pytest.mark.parametrize(("stack", "changed", "sender", "recipient"), ENVIRONMENTS, ids=NAMES)


def application(cloud: LocalCloud, stack: str, changed: dict[str, Any]) -> "SESV2Client":
    """A user with the environment's policy, beside identities and configuration sets of its own and of others."""
    deployment, ses, iam = run(stack, **changed), cloud.client("sesv2"), cloud.client("iam")
    identity = deployment.of("EmailIdentity")[0].inputs["emailIdentity"]
    for name in (identity, "example.net", "eve@example.com", *(() if identity == "example.com" else ("example.com",))):
        ses.create_email_identity(EmailIdentity=name)
        cloud.control("POST", f"identities/{name}/verify")
    for name in (f"mailstack-{stack}-transactional", "theirs"):
        ses.create_configuration_set(ConfigurationSetName=name)
    document = deployment.one("Policy", "sender").inputs["policy"].replace(ACCOUNT, "000000000000")
    iam.create_user(UserName="application")
    iam.put_user_policy(UserName="application", PolicyName="send", PolicyDocument=document)
    key = iam.create_access_key(UserName="application")["AccessKey"]
    return boto3.client(
        "sesv2",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"max_attempts": 0}),
    )


def send(ses: "SESV2Client", stack: str, sender: str, *recipients: str, through: str = "") -> str:
    return ses.send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": list(recipients)},
        Content={"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}},
        ConfigurationSetName=through or f"mailstack-{stack}-transactional",
    )["MessageId"]


@everywhere
def test_its_identity_and_its_set_are_allowed_and_nothing_else(
    cloud: LocalCloud, stack: str, changed: dict[str, Any], sender: str, recipient: str
):
    ses = application(cloud, stack, changed)
    assert send(ses, stack, sender, recipient)
    refused: list[dict[str, Any]] = [
        {"sender": sender, "through": "theirs"},
        {"sender": "ada@example.net"},
        {"sender": "eve@example.com" if stack == "dev" else "eve@sub.example.com"},
        # The stack's identity, but not its sender.
        {"sender": f"eve@{sender.partition('@')[2]}"},
    ]
    for attempt in refused:
        with pytest.raises(ClientError, match="not authorized") as raised:
            send(ses, stack, attempt["sender"], recipient, through=attempt.get("through", ""))
        assert raised.value.response["Error"]["Code"] == "AccessDeniedException"


def test_raw_mime_goes_only_where_the_settings_ask_for_it(cloud: LocalCloud):
    mime = b"From: no-reply@example.com\r\nTo: bob@example.org\r\nSubject: Hello\r\n\r\nHello\r\n"
    ses = application(cloud, "prod", {})
    raw: Any = {"Content": {"Raw": {"Data": mime}}, "ConfigurationSetName": "mailstack-prod-transactional"}
    with pytest.raises(ClientError, match="ses:SendRawEmail"):
        ses.send_email(**raw)
    document = run("prod", access={"raw": True}).one("Policy", "sender").inputs["policy"].replace(ACCOUNT, "0" * 12)
    cloud.client("iam").put_user_policy(UserName="application", PolicyName="send", PolicyDocument=document)
    assert ses.send_email(**raw)["MessageId"]


@everywhere
def test_strangers_are_written_to_in_production_alone(
    cloud: LocalCloud, stack: str, changed: dict[str, Any], sender: str, recipient: str
):
    ses = application(cloud, stack, changed)
    for recipients in (["stranger@example.net"], [recipient, "stranger@example.net"]):
        if stack == "prod":
            assert send(ses, stack, sender, *recipients)
            continue
        with pytest.raises(ClientError, match="not authorized"):
            send(ses, stack, sender, *recipients)
