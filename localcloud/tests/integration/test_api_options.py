"""Options of a send: identity ARNs, the feedback address, tracking overrides."""

import email
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud, LocalCloudError
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

ARN = "arn:aws:ses:us-east-1:000000000000:identity"
HTML = '<a href="https://example.com">Hello</a>'
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Html": {"Data": HTML}}}}


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    client = cloud.client("sesv2")
    for domain in ("example.test", "example.org"):
        client.create_email_identity(EmailIdentity=domain)
        cloud.control("POST", f"identities/{domain}/verify")
    return client


def send(ses: "SESV2Client", **more: Any) -> str:
    to: Any = {"ToAddresses": ["bob@example.com"]}
    return ses.send_email(FromEmailAddress="Ada <ada@example.test>", Destination=to, Content=HELLO, **more)["MessageId"]


def send_bulk(ses: "SESV2Client", **more: Any) -> str:
    template: Any = {"TemplateContent": {"Subject": "Hello", "Html": HTML}, "TemplateData": "{}"}
    entry: Any = {"Destination": {"ToAddresses": ["bob@example.com"]}}
    sent = ses.send_bulk_email(
        FromEmailAddress="ada@example.test", DefaultContent={"Template": template}, BulkEmailEntries=[entry], **more
    )
    return sent["BulkEmailEntryResults"][0].get("MessageId", "")


@pytest.mark.parametrize("call", [send, send_bulk])
@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"FromEmailAddressIdentityArn": f"{ARN}/example.test"}, ""),
        ({"FromEmailAddressIdentityArn": f"{ARN}/example.org"}, "BadRequestException"),
        ({"FromEmailAddressIdentityArn": f"{ARN}/example.net"}, "NotFoundException"),
        ({"FromEmailAddressIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.test"}, "NotEmulated"),
        ({"FeedbackForwardingEmailAddress": "bounces@example.org"}, ""),
        ({"FeedbackForwardingEmailAddress": "bounces@example.net"}, "MessageRejected"),
    ],
)
def test_identities_that_are_named_must_be_one_s_own_and_fit(
    ses: "SESV2Client", call: Any, more: dict[str, str], code: str
):
    if not code:
        assert call(ses, **more)
        return
    with pytest.raises(ClientError) as raised:
        call(ses, **more)
    assert raised.value.response["Error"]["Code"] == code


def test_the_first_api_names_identities_and_a_return_path_too(cloud: LocalCloud, ses: "SESV2Client"):
    v1 = cloud.client("ses")
    to, text = {"ToAddresses": ["bob@example.com"]}, {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}
    mail: Any = {"Source": "ada@example.test", "Destination": to, "Message": text}
    assert v1.send_email(**mail, SourceArn=f"{ARN}/example.test", ReturnPath="bounces@example.org")["MessageId"]
    with pytest.raises(v1.exceptions.MessageRejected):
        v1.send_email(**mail, ReturnPath="bounces@example.net")
    raw = {"Data": b"From: ada@example.test\r\nTo: bob@example.com\r\n\r\nHello"}
    with pytest.raises(ClientError, match=r"does not cover ada@example\.test"):
        v1.send_raw_email(RawMessage=raw, Source="ada@example.test", FromArn=f"{ARN}/example.org")


@pytest.mark.parametrize("call", [send, send_bulk])
def test_a_mail_that_is_not_tracked_is_never_opened_or_clicked(cloud: LocalCloud, ses: "SESV2Client", call: Any):
    off: Any = {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "ENABLED"}}
    message_id = call(ses, ConfigurationOverrides=off)
    with pytest.raises(LocalCloudError, match=r"SES does not track this event of this mail \(Open\)"):
        cloud.control("POST", f"messages/{message_id}/events", {"event": "open"})
    clicked = cloud.control("POST", f"messages/{message_id}/events", {"event": "click"})
    assert clicked["kind"] == "Click"
    tracked = call(ses)
    assert cloud.control("POST", f"messages/{tracked}/events", {"event": "open"})["kind"] == "Open"


def forwarded(cloud: LocalCloud, to: str) -> list[tuple[str, str]]:
    """Who wrote to an address, and about whom."""
    found = cloud.control("GET", f"messages?recipient={to}")["messages"]
    texts = [cloud.control("GET", f"messages/{mail['message_id']}/content")["text"] for mail in found]
    return [(mail["source"], text.strip().splitlines()[-1]) for mail, text in zip(found, texts, strict=True)]


def test_feedback_forwarding_by_mail_on_command(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "recipients/bob@example.com", {"outcome": "bounce"})
    send(ses)
    cloud.control("POST", "events/drain")
    assert forwarded(cloud, "ada@example.test") == []
    cloud.control("PUT", "account", {"forward_feedback": True})
    ses.put_account_suppression_attributes(SuppressedReasons=[])
    send(ses)
    send(ses, FeedbackForwardingEmailAddress="Bounces <bounces@example.org>")
    cloud.control("PUT", "recipients/bob@example.com", {"outcome": "complaint"})
    send(ses)
    ses.put_email_identity_feedback_attributes(EmailIdentity="example.test", EmailForwardingEnabled=False)
    send(ses)
    cloud.control("POST", "events/drain")
    complaint, bounce = forwarded(cloud, "ada@example.test")
    assert bounce == ("MAILER-DAEMON@amazonses.com", "bob@example.com")
    assert complaint == ("complaints@email-abuse.amazonses.com", "bob@example.com complained about the mail 'Hello'.")
    assert forwarded(cloud, "bounces@example.org") == [bounce]
    source = cloud.control("GET", "messages?recipient=bounces@example.org")["messages"][0]["message_id"]
    with urllib.request.urlopen(f"{cloud.inbox_url}/{source}/source", timeout=PATIENCE) as answer:  # noqa: S310 - our own
        report = email.message_from_bytes(answer.read())
    assert (report.get_content_type(), report.get_param("report-type")) == ("multipart/report", "delivery-status")
    parts: Any = report.get_payload()
    said, status, headers = parts
    assert "An error occurred" in said.get_payload()
    assert [block.keys()[0] for block in status.get_payload()] == ["Reporting-MTA", "Final-Recipient"]
    assert "Subject: Hello" in headers.get_payload()
    assert ses.get_account()["SendQuota"]["SentLast24Hours"] == 5
