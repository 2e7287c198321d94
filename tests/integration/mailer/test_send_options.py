"""The options of `SendEmail` against the local cloud: what SES does with a mail that asks for them."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.request import urlopen

import pytest

from mailer.attachment import Attachment
from mailer.catalog import PasswordReset, Welcome
from mailer.content import RawMime, StoredTemplate
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.options import SendOptions
from mailer.results import Status
from mailer.sending.recipient_guard import RecipientGuard
from mailer.stores.base import Suppression
from mailer.testing.memory import MemorySuppressions
from mailstack_localcloud import LocalCloud, LocalCloudError
from tests.unit.mailer.stack_outputs import SET, outputs
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

ADA, BOB = "ada@example.com", "bob@example.com"
WELCOME = Welcome(dashboard_url="https://app.example.com")  # pyright: ignore[reportArgumentType] - pydantic reads it
RESET = PasswordReset(reset_url="https://example.com/r/1")


@pytest.fixture
def mail(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Mailer:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    ses.create_configuration_set(ConfigurationSetName=SET)
    return Mailer(outputs(), suppressions=MemorySuppressions())


def arrived(cloud: LocalCloud, message_id: str) -> EmailMessage:
    with urlopen(f"{cloud.inbox_url}/{message_id}/source", timeout=PATIENCE) as answer:  # noqa: S310 - http on loopback by construction
        return message_from_bytes(answer.read(), policy=policy.default)


def kept(cloud: LocalCloud, message_id: str) -> dict[str, Any]:
    return cloud.control("GET", f"messages/{message_id}")


def test_message_id_header_of_the_result_is_the_one_that_arrives(cloud: LocalCloud, mail: Mailer):
    result = mail.send(WELCOME, to=ADA)
    assert arrived(cloud, result.message_id)["Message-ID"] == result.message_id_header
    reply = mail.send(WELCOME, to=ADA, headers={"In-Reply-To": result.message_id_header})
    assert arrived(cloud, reply.message_id)["In-Reply-To"] == result.message_id_header


def test_our_id_and_feedback_parts_come_back_as_tags(cloud: LocalCloud, mail: Mailer):
    result = mail.send(WELCOME, to=ADA)
    tags = kept(cloud, result.message_id)["tags"]
    assert tags["mailstack-id"] == [result.id]
    assert tags["ses:feedback-id-a"] == ["welcome"]
    assert tags["ses:feedback-id-b"] == ["transactional"]
    assert arrived(cloud, result.message_id)["Auto-Submitted"] == "auto-generated"


def test_stored_template_is_rendered_by_ses(cloud: LocalCloud, mail: Mailer):
    content = {"Subject": "Hello {{name}}", "Text": "Dear {{name}}"}
    cloud.client("sesv2").create_email_template(TemplateName="hello", TemplateContent=content)
    file = Attachment("a.txt", b"x", description="A file")
    result = mail.send(StoredTemplate("hello", {"name": "Ada"}), to=ADA, headers={"X-Order": "7"}, attachments=file)
    found = arrived(cloud, result.message_id)
    assert (found["Subject"], found["X-Order"]) == ("Hello Ada", "7")
    (part,) = found.iter_attachments()
    assert part["Content-Description"] == "A file"
    assert kept(cloud, result.message_id)["tags"]["ses:feedback-id-a"] == ["hello"]


def test_raw_mime_arrives_with_its_parts(cloud: LocalCloud, mail: Mailer):
    raw = EmailMessage()
    raw["From"], raw["To"], raw["Bcc"] = "Shop <shop@example.test>", ADA, BOB
    raw["Subject"] = "Grüße"
    raw.set_content("Grüße an Ada")
    result = mail.send(RawMime(raw.as_bytes()), tags={"kind": "raw"})
    assert [one.status for one in result] == [Status.SENT, Status.SENT]
    found = arrived(cloud, result.message_id)
    assert (found["Subject"], found["Bcc"]) == ("Grüße", None)
    assert found.get_content().strip() == "Grüße an Ada"
    stored = kept(cloud, result.message_id)
    assert (stored["bcc"], stored["configuration_set"], stored["tags"]["kind"]) == ([BOB], SET, ["raw"])


def test_suppressed_recipient_of_raw_mime_is_left_out(cloud: LocalCloud, mail: Mailer):
    suppressions = MemorySuppressions()
    suppressions.put(Suppression(BOB, "bounce"))
    mail = Mailer(outputs(), suppressions=suppressions)
    raw = f"From: shop@example.test\r\nTo: {ADA}, {BOB}\r\nSubject: Hello\r\n\r\nHello\r\n".encode()
    result = mail.send(RawMime(raw))
    assert [one.status for one in result] == [Status.SENT, Status.SUPPRESSED]
    assert kept(cloud, result.message_id)["to"] == [ADA]


def test_contact_list_writes_the_unsubscribe_headers(cloud: LocalCloud, mail: Mailer):
    topic = {"TopicName": "weekly", "DisplayName": "Weekly", "DefaultSubscriptionStatus": "OPT_IN"}
    cloud.client("sesv2").create_contact_list(ContactListName="readers", Topics=[topic])
    news = Message(subject="News", text="Leave: {{amazonSESUnsubscribeUrl}}", to=ADA)
    result = mail.send(news, options=SendOptions(contact_list="readers", topic="weekly"))
    found = arrived(cloud, result.message_id)
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["List-Unsubscribe"].strip("<>") in found.get_content()


def test_unknown_contact_list_is_refused(mail: Mailer):
    result = mail.send(WELCOME, to=ADA, options=SendOptions(contact_list="nobody"))
    assert [one.status for one in result] == [Status.REFUSED]


def test_identity_arns_and_feedback_address_are_checked_by_ses(cloud: LocalCloud, mail: Mailer):
    own = outputs().identity_arn
    options = SendOptions(identity_arn=own, feedback_address="feedback@example.test", feedback_identity_arn=own)
    assert mail.send(WELCOME, to=ADA, options=options).ok
    foreign = SendOptions(feedback_address="feedback@example.org")
    result = mail.send(WELCOME, to=ADA, options=foreign)
    assert [one.status for one in result] == [Status.REFUSED]
    assert len(cloud.control("GET", "messages")["messages"]) == 1


def test_mail_with_a_secret_link_carries_no_tracking(cloud: LocalCloud, mail: Mailer):
    welcome, reset = (mail.send(content, to=ADA).message_id for content in (WELCOME, RESET))
    for event, kind in (("open", "Open"), ("click", "Click")):
        assert cloud.control("POST", f"messages/{welcome}/events", {"event": event})["kind"] == kind
        with pytest.raises(LocalCloudError, match="the sender switched it off"):
            cloud.control("POST", f"messages/{reset}/events", {"event": event})


def test_guarded_mail_reaches_the_team_alone(cloud: LocalCloud, mail: Mailer):
    guard = RecipientGuard(allowed=(ADA,), redirect_to="team@example.net")
    result = Mailer(outputs(), suppressions=MemorySuppressions(), guard=guard).send(RESET, to=BOB)
    assert result[BOB].status is Status.SENT
    stored = kept(cloud, result.message_id)
    assert stored["to"] == ["team@example.net"]
    assert arrived(cloud, result.message_id)["Subject"].startswith(f"[to {BOB}] ")
