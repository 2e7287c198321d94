"""The library against the local cloud's SES and DynamoDB, over AWS's own protocol."""

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.request import urlopen

import pytest

from mailer.catalog import VerificationCode
from mailer.cli import main
from mailer.errors import IdentityNotVerified, ResourceNotFound, SendingPaused
from mailer.mailer import Mailer
from mailer.message import Attachment, Message
from mailer.results import Status
from mailer.stack import StackOutputs, parameter_name
from mailer.stores.base import Suppression
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table
from tests.unit.mailer.stack_outputs import SET, outputs
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

ADA, BOB = "Ada Lovelace <ada@example.com>", "bob@example.com"
CODE = VerificationCode(code="424242")


@pytest.fixture
def stack(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> StackOutputs:
    """What a stack deploys, as far as sending needs it, with its outputs in the parameter store."""
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": ""}.items():
        monkeypatch.setenv(name, value)
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    ses.create_configuration_set(ConfigurationSetName=SET)
    found = outputs(new_table(cloud.client("dynamodb")))
    cloud.client("ssm").put_parameter(Name=parameter_name("dev"), Value=found.to_json(), Type="String")
    return found


def messages(cloud: LocalCloud) -> list[dict[str, Any]]:
    return cloud.control("GET", "messages")["messages"]


def arrived(cloud: LocalCloud, message_id: str) -> EmailMessage:
    """The mail as SES made it, read as a mail client reads it."""
    url = f"{cloud.inbox_url}/{message_id}/source"
    with urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - http on loopback by construction
        return message_from_bytes(answer.read(), policy=policy.default)


def test_a_mailer_that_knows_only_the_stacks_name_sends(cloud: LocalCloud, stack: StackOutputs):
    result = Mailer.from_stack("dev").send(CODE, to=ADA, tags={"kind": "code"})
    assert [one.status for one in result] == [Status.SENT]
    (kept,) = messages(cloud)
    assert kept["message_id"] == result.message_id
    assert kept["configuration_set"] == SET
    assert kept["tags"]["kind"] == ["code"]
    mail = arrived(cloud, result.message_id)
    assert mail["Subject"] == "424242 is your example.test code"
    assert str(mail["To"]) == ADA
    assert [kind for kind in ("plain", "html") if "424242" in str(mail.get_body((kind,)))] == ["plain", "html"]


def test_a_mail_inside_a_mail_arrives_as_one(cloud: LocalCloud, stack: StackOutputs):
    inner = b"Subject: Inner\r\nFrom: eve@example.org\r\n\r\nHello\r\n"
    forwarded = Message(subject="Fwd", text="See below.", to=ADA, attachments=Attachment("inner.eml", inner))
    mail = arrived(cloud, Mailer(stack).send(forwarded).message_id)
    (part,) = mail.iter_attachments()
    assert part.get_content_type() == "message/rfc822"
    assert part["Content-Transfer-Encoding"] in {"7bit", None}
    assert part.get_content()["Subject"] == "Inner"


def test_the_parts_of_gmails_feedback_id_are_tags(cloud: LocalCloud, stack: StackOutputs):
    tags = {"ses:feedback-id-a": "spring", "ses:feedback-id-b": "news", "order": 7}
    result = Mailer(stack).send(CODE, to=ADA, tags=tags)
    (kept,) = messages(cloud)
    assert result.ok
    assert kept["tags"]["ses:feedback-id-a"] == ["spring"]
    assert kept["tags"]["order"] == ["7"]


def test_delivered_mail_has_names_headers_and_attachments(cloud: LocalCloud, stack: StackOutputs):
    message = Message(
        subject="Grüße",
        text="Grüße an Ada",
        html='<img src="cid:logo">',
        to="Grace Hopper <grace@example.com>",
        sender="Größe <no-reply@example.test>",
        headers={"X-Order": "7"},
        attachments=[Attachment("a.bin", bytes(range(256))), Attachment("logo.png", b"\x89PNG", content_id="logo")],
    )
    mail = arrived(cloud, Mailer(stack).send(message).message_id)
    assert mail["Subject"] == "Grüße"
    assert str(mail["From"]) == "Größe <no-reply@example.test>"
    assert str(mail["To"]) == "Grace Hopper <grace@example.com>"
    assert mail["X-Order"] == "7"
    files = {part.get_filename(): part.get_content() for part in mail.walk() if part.get_filename()}
    assert files == {"a.bin": bytes(range(256)), "logo.png": b"\x89PNG"}


def test_the_stacks_suppression_list_is_asked(cloud: LocalCloud, stack: StackOutputs):
    suppressions = DynamoDBSuppressions(stack.table, cloud.client("dynamodb"))
    suppressions.put(Suppression(BOB, "bounce", "5.1.1"))
    mailer = Mailer(stack)
    result = mailer.send(CODE, to=[ADA, "Bob <BOB@example.com>"])
    assert [one.status for one in result] == [Status.SENT, Status.SUPPRESSED]
    assert [kept["to"] for kept in messages(cloud)] == [[ADA]]
    suppressions.remove(BOB)
    assert mailer.send(CODE, to=BOB).ok


def test_a_paused_configuration_set_is_refused_with_the_way_back(cloud: LocalCloud, stack: StackOutputs):
    ses, mailer = cloud.client("sesv2"), Mailer(stack)
    ses.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=False)
    (one,) = mailer.send(CODE, to=ADA)
    assert (one.status, type(one.error)) == (Status.REFUSED, SendingPaused)
    assert f"--configuration-set-name {SET} --sending-enabled --region us-east-1" in str(one.error)
    ses.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=True)
    assert mailer.send(CODE, to=ADA).ok


def test_unverified_sender_and_missing_set_are_distinguished(cloud: LocalCloud, stack: StackOutputs):
    mailer = Mailer(stack)
    (unverified,) = mailer.send(CODE, to=ADA, sender="x@other.test")
    assert type(unverified.error) is IdentityNotVerified
    (missing,) = mailer.send(CODE, to=ADA, stream="news")
    assert type(missing.error) is ResourceNotFound
    assert "mailstack-dev-news" in str(missing.error)
    assert not messages(cloud)


def test_a_table_that_is_gone_fails_closed(cloud: LocalCloud, stack: StackOutputs):
    (one,) = Mailer(stack.model_copy(update={"table": "gone"})).send(CODE, to=ADA)
    assert one.status is Status.FAILED
    assert "gone" in one.reason
    assert not messages(cloud)


def test_the_command_line_sends_and_says_what_was_not(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    send = ["send", "verification_code", "--stack", "dev", "--set", "code=424242", "--json", "--to"]
    assert main([*send, ADA]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["recipients"][0]["message_id"] == messages(cloud)[0]["message_id"]
    DynamoDBSuppressions(stack.table, cloud.client("dynamodb")).put(Suppression(BOB, "complaint"))
    assert main([*send, BOB]) == 1
    assert json.loads(capsys.readouterr().out)["recipients"][0]["status"] == "suppressed"
