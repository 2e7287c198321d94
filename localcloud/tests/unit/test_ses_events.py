"""Event JSON and MIME source of a mail."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from mailstack_localcloud.ses import mime
from mailstack_localcloud.ses.events import BOUNCES, DELAYS, FEEDBACK_TYPES, event
from mailstack_localcloud.ses.simulator import OUTCOMES, Outcome
from mailstack_localcloud.ses.state import Occurrence, StoredMessage

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
ARN = "arn:aws:ses:us-east-1:000000000000:identity/example.test"
BODY = {
    "Text": {"Data": "Hello Ada", "Charset": "UTF-8"},
    "Html": {"Data": "<p>Hello Ada ✓</p>", "Charset": "UTF-8"},
}


def message(content: dict[str, Any] | None = None) -> StoredMessage:
    simple = {
        "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
        "Body": BODY,
        "Headers": [{"Name": "X-Kind", "Value": "welcome"}],
    }
    return StoredMessage(
        message_id="0100-1-000000",
        accepted_at=NOW,
        source="Ada Lovelace <ada@example.test>",
        identity="example.test",
        to=["bob@example.com"],
        cc=["Eve <eve@example.com>"],
        bcc=["secret@example.com"],
        reply_to=[],
        subject="Grüße",
        content=content or {"Simple": simple},
        configuration_set="transactional",
        tags={"ses:configuration-set": ["transactional"], "kind": ["welcome"]},
        size=10,
    )


def made(kind: str, detail: str = "", recipient: str = "bob@example.com") -> dict[str, Any]:
    occurrence = Occurrence(kind, NOW, "feedback-1", recipient, detail)
    return event(message(), occurrence, source_arn=ARN, account_id="000000000000")


def test_the_mail_object_holds_what_aws_documents():
    mail = made("Send")["mail"]
    assert {name: value for name, value in mail.items() if name != "headers"} == {
        "timestamp": "2026-01-02T03:04:05.678Z",
        "source": "Ada Lovelace <ada@example.test>",
        "sourceArn": ARN,
        "sendingAccountId": "000000000000",
        "messageId": "0100-1-000000",
        "destination": ["bob@example.com", "eve@example.com", "secret@example.com"],
        "headersTruncated": False,
        "commonHeaders": {
            "from": ["Ada Lovelace <ada@example.test>"],
            "to": ["bob@example.com"],
            "cc": ["Eve <eve@example.com>"],
            "messageId": "0100-1-000000",
            "subject": "Grüße",
        },
        "tags": {"ses:configuration-set": ["transactional"], "kind": ["welcome"]},
    }
    names = [header["name"] for header in mail["headers"]]
    assert names == ["From", "To", "Cc", "Subject", "MIME-Version", "Content-Type", "X-Kind"]


def test_a_delivery_took_as_long_as_its_timestamps_say():
    later = Occurrence("Delivery", NOW + timedelta(seconds=11.893), "", "bob@example.com")
    delivery = event(message(), later, source_arn=ARN, account_id="000000000000")["delivery"]
    assert delivery == {
        "timestamp": "2026-01-02T03:04:17.571Z",
        "processingTimeMillis": 11893,
        "recipients": ["bob@example.com"],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": "a8-70.smtp-out.amazonses.com",
    }


def test_a_bounce_names_type_status_and_recipient():
    assert made("Bounce", "General")["bounce"] == {
        "feedbackId": "feedback-1",
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": "bob@example.com",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
        "timestamp": "2026-01-02T03:04:05.678Z",
        "reportingMTA": "dns; a8-70.smtp-out.amazonses.com",
    }


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ("Suppressed", "because it has a recent history of bouncing as an invalid address"),
        ("OnAccountSuppressionList", "because it is on the suppression list for your account"),
        ("OnTenantSuppressionList", "because it is on the suppression list for your tenant"),
        ("EmailValidationSuppressed", "because it did not meet your email validation threshold"),
        ("UnsubscribedRecipient", "because the recipient unsubscribed from the contact list"),
    ],
)
def test_bounce_without_attempt_is_reported_by_ses_itself(detail: str, reason: str):
    bounce = made("Bounce", detail)["bounce"]
    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Permanent", detail)
    assert bounce["reportingMTA"] == "dns; amazonses.com"
    assert reason in bounce["bouncedRecipients"][0]["diagnosticCode"]


@pytest.mark.parametrize(
    ("kind", "detail", "member", "expected"),
    [
        ("Send", "", "send", {}),
        ("Reject", "Bad content", "reject", {"reason": "Bad content"}),
        ("Delivery", "", "delivery", {"recipients": ["bob@example.com"]}),
        ("Complaint", "abuse", "complaint", {"complainedRecipients": [{"emailAddress": "bob@example.com"}]}),
        ("Complaint", "not-spam", "complaint", {"complaintFeedbackType": "not-spam"}),
        ("Bounce", "MailboxFull", "bounce", {"bounceType": "Transient"}),
        (
            "DeliveryDelay",
            "TransientCommunicationFailure",
            "deliveryDelay",
            {"expirationTime": "2026-01-02T17:04:05.678Z"},
        ),
    ],
)
def test_every_kind_of_event_has_its_own_object(kind: str, detail: str, member: str, expected: dict[str, Any]):
    whole = made(kind, detail)
    assert list(whole) == ["eventType", "mail", member]
    assert whole["eventType"] == kind
    assert expected.items() <= whole[member].items()


def test_bounces_are_of_the_types_that_aws_documents():
    """https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html."""
    documented = {
        "Undetermined": {"Undetermined"},
        "Permanent": {
            "General",
            "NoEmail",
            "Suppressed",
            "OnAccountSuppressionList",
            "OnTenantSuppressionList",
            "EmailValidationSuppressed",
            "UnsubscribedRecipient",
        },
        "Transient": {
            "General",
            "MailboxFull",
            "MessageTooLarge",
            "CustomTimeoutExceeded",
            "ContentRejected",
            "AttachmentRejected",
        },
    }
    bounces = [made("Bounce", detail)["bounce"] for detail in BOUNCES]
    assert {(one["bounceType"], one["bounceSubType"]) for one in bounces} == {
        (kind, sub_type) for kind, sub_types in documented.items() for sub_type in sub_types
    }


@pytest.mark.parametrize("kind", FEEDBACK_TYPES)
def test_complaint_with_a_report_has_its_feedback_type(kind: str):
    complaint = made("Complaint", kind)["complaint"]
    assert (complaint["complaintSubType"], complaint["complaintFeedbackType"]) == (None, kind)
    assert complaint["arrivalDate"] == complaint["timestamp"] == "2026-01-02T03:04:05.678Z"


def test_a_complaint_of_an_address_on_the_list_has_no_report():
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Complaint.html."""
    assert made("Complaint", "OnAccountSuppressionList")["complaint"] == {
        "feedbackId": "feedback-1",
        "complaintSubType": "OnAccountSuppressionList",
        "complainedRecipients": [{"emailAddress": "bob@example.com"}],
        "timestamp": "2026-01-02T03:04:05.678Z",
    }


def test_delays_are_of_the_types_that_aws_documents():
    """https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html."""
    delays = {kind: made("DeliveryDelay", kind)["deliveryDelay"] for kind in DELAYS}
    assert {delay["delayType"] for delay in delays.values()} == {
        "InternalFailure",
        "General",
        "MailboxFull",
        "SpamDetected",
        "RecipientServerError",
        "IPFailure",
        "TransientCommunicationFailure",
        "BYOIPHostNameLookupUnavailable",
        "Undetermined",
        "SendingDeferral",
    }
    for delay in delays.values():
        (recipient,) = delay["delayedRecipients"]
        assert re.match(r"4\.\d\.\d$", recipient["status"])
        assert re.match(rf"smtp; 4\d\d {recipient['status']} ", recipient["diagnosticCode"])


@pytest.mark.parametrize(("outcome", "events"), OUTCOMES.items(), ids=OUTCOMES)
def test_every_outcome_on_command_can_be_published(outcome: str, events: Outcome):
    assert [made(kind, detail)["eventType"] for kind, detail in events] == [kind for kind, _ in events]
    detail = outcome.partition(":")[2]
    assert not detail or events[-1][1] == detail


def test_auto_reply_is_a_bounce_without_delivery_status():
    bounce = made("Bounce", "AutoReply")["bounce"]
    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Transient", "General")
    assert bounce["bouncedRecipients"] == [{"emailAddress": "bob@example.com"}]
    assert "reportingMTA" not in bounce


TAGGED = (
    '<a href="https://example.com/a">A</a> <A SES:TAGS="where:top;kind:x;kind:y;" HREF="https://example.com/b">B</a>'
)


@pytest.mark.parametrize(
    "content",
    [
        {"Simple": {"Subject": {"Data": "s"}, "Body": {"Html": {"Data": TAGGED}}}},
        {"Raw": {"Data": f"From: ada@example.com\r\nContent-Type: text/html\r\n\r\n{TAGGED}".encode()}},
    ],
    ids=["simple", "raw"],
)
def test_click_event_has_the_tags_of_its_link(content: dict[str, Any]):
    def clicked(link: str) -> Any:
        occurrence = Occurrence("Click", NOW, "", "bob@example.com", link)
        return event(message(content), occurrence, source_arn="", account_id="")["click"]["linkTags"]

    assert clicked("https://example.com/b") == {"where": ["top"], "kind": ["x", "y"]}
    assert clicked("https://example.com/a") is None


def read(source: bytes) -> EmailMessage:
    return message_from_bytes(source, policy=default)


def test_the_source_is_a_mail_that_any_client_reads():
    mail = read(mime.source(message(), "us-east-1"))
    assert (mail["Subject"], mail["From"], mail["X-Kind"]) == ("Grüße", "Ada Lovelace <ada@example.test>", "welcome")
    assert mail["Message-ID"] == "<0100-1-000000@email.amazonses.com>"
    assert mail["Bcc"] is None
    bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
    assert [body.get_content().strip() for body in bodies if body] == ["Hello Ada", "<p>Hello Ada ✓</p>"]


def test_attachments_keep_name_type_and_content_id():
    attachment = {
        "RawContent": b"\x89PNG",
        "FileName": "logo.png",
        "ContentType": "image/png",
        "ContentId": "logo",
        "ContentDisposition": "INLINE",
        "ContentTransferEncoding": "BASE64",
    }
    simple = {"Subject": {"Data": "s"}, "Body": BODY, "Attachments": [attachment]}
    stored = message({"Simple": simple})
    mail = read(mime.source(stored, "eu-west-1"))
    part = next(mail.iter_attachments())
    assert (part.get_filename(), part.get_content_type(), part["Content-ID"]) == ("logo.png", "image/png", "<logo>")
    assert part.get_content() == b"\x89PNG"
    assert mail["Message-ID"] == "<0100-1-000000@eu-west-1.amazonses.com>"


def test_the_content_type_in_events_is_the_one_of_the_source():
    stored = message()
    shown = dict(mime.headers(stored))["Content-Type"]
    assert f'boundary="{read(mime.source(stored, "us-east-1")).get_boundary()}"' in shown


def test_a_raw_mail_gets_the_message_id_of_ses_and_loses_its_bcc():
    lines = ["From: ada@example.test", "To: b@example.com", "Bcc: x@example.com", "Message-ID: <own@x>", "", "Hi"]
    raw = "\r\n".join(lines).encode()
    mail = read(mime.source(message({"Raw": {"Data": raw}}), "us-east-1"))
    assert mail.get_all("Message-ID") == ["<0100-1-000000@email.amazonses.com>"]
    assert mail["Bcc"] is None
    assert mail.get_content() == "Hi"


def test_an_unusual_address_still_makes_a_mail():
    stored = message()
    stored.to = ["Grüße <ada..x@example.com>", '"Lovelace, Ada" <ada@example.com>']
    assert read(mime.source(stored, "us-east-1"))["To"].count("@") == 2


def test_events_of_a_raw_mail_do_not_name_its_blind_recipients():
    raw = b"From: ada@example.test\r\nTo: b@example.com\r\nBcc: secret@example.com\r\nSubject: long\r\n line\r\n\r\nHi"
    shown = mime.headers(message({"Raw": {"Data": raw}}))
    assert shown == [("From", "ada@example.test"), ("To", "b@example.com"), ("Subject", "long line")]
