"""Unusual mails: those that SES accepts arrive as intended, the others are refused."""

import urllib.request
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

ADA = "ada@example.com"
BOB = "bob@example.org"


@pytest.fixture
def ses(cloud: LocalCloud) -> Any:
    client = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.com")
    cloud.control("POST", "identities/example.com/verify")
    client.create_configuration_set(ConfigurationSetName="news")
    return client


def raw(*headers: bytes, body: bytes = b"Hello", end: bytes = b"\r\n") -> Any:
    return {"Raw": {"Data": end.join([*headers, b"", body])}}


def simple(**more: Any) -> Any:
    return {"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello"}}, **more}}


def send(ses: Any, content: Any, to: list[str] | None = None, **more: Any) -> str:
    return ses.send_email(FromEmailAddress=ADA, Destination={"ToAddresses": to or [BOB]}, Content=content, **more)[
        "MessageId"
    ]


def refusal(ses: Any, content: Any, **more: Any) -> str:
    with pytest.raises(ClientError) as caught:
        send(ses, content, **more)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(caught.value.response["Error"]["Message"])


def common_headers(cloud: LocalCloud, message_id: str) -> Any:
    return cloud.control("GET", f"messages/{message_id}")["events"][0]["mail"]["commonHeaders"]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_raw_mail_with_quoted_commas_and_folded_headers(cloud: LocalCloud, ses: Any, end: bytes):
    headers = (
        b'From: "Lovelace, Ada" <ada@example.com>',
        b'To: "O\'Brien, \\"Bob\\"" <bob@example.org>,' + end + b" eve@example.org",
        b"Subject: A subject" + end + b" on two lines",
    )
    sent = ses.send_email(Content=raw(*headers, end=end))["MessageId"]
    kept = cloud.control("GET", f"messages/{sent}")
    assert kept["events"][0]["mail"]["destination"] == [BOB, "eve@example.org"]
    shown = common_headers(cloud, sent)
    assert shown["from"] == ['"Lovelace, Ada" <ada@example.com>']
    assert shown["to"] == ['"O\'Brien, \\"Bob\\"" <bob@example.org>', "eve@example.org"]
    assert shown["subject"] == "A subject on two lines"


def test_events_repeat_the_headers_of_a_raw_mail(cloud: LocalCloud, ses: Any):
    headers = (
        b"From: Ada <ada@example.com>",
        b"To: Everybody <all@example.org>",
        b"Date: Mon, 05 Jan 2026 10:00:00 +0000",
        b"Message-ID: <own@example.com>",
        "Subject: Grüße".encode(),
    )
    shown = common_headers(cloud, send(ses, raw(*headers)))
    assert "subject" not in common_headers(cloud, send(ses, raw(b"From: ada@example.com")))
    assert shown["to"] == ["Everybody <all@example.org>"]
    assert (shown["messageId"], shown["date"]) == ("<own@example.com>", "Mon, 05 Jan 2026 10:00:00 +0000")
    assert shown["subject"] == "Grüße"


def test_request_parameters_override_ses_headers_of_a_raw_mail(cloud: LocalCloud, ses: Any):
    headers = (b"From: ada@example.com", b"X-SES-CONFIGURATION-SET: news", b"X-SES-MESSAGE-TAGS: kind=header, a=b")
    kept = cloud.control("GET", f"messages/{send(ses, raw(*headers))}")
    assert (kept["configuration_set"], kept["tags"]["kind"], kept["tags"]["a"]) == ("news", ["header"], ["b"])
    assert [h["name"] for h in kept["events"][0]["mail"]["headers"]] == ["From"]
    kept = cloud.control(
        "GET", f"messages/{send(ses, raw(*headers), EmailTags=[{'Name': 'kind', 'Value': 'request'}])}"
    )
    assert (kept["tags"]["kind"], kept["tags"].get("a")) == (["request"], None)


def test_every_sender_that_a_raw_mail_names_must_be_verified(ses: Any):
    for header in (b"From: eve@evil.test", b"Sender: eve@evil.test", b"Return-Path: <eve@evil.test>"):
        assert refusal(ses, raw(header, b"Subject: Hi")).endswith("US-EAST-1: eve@evil.test")


def test_unquoted_name_is_read_as_an_address_as_in_ses(ses: Any):
    assert refusal(ses, raw(b"From: Lovelace, Ada <ada@example.com>")) == "Missing final '@domain'"


def test_raw_mail_headers_must_hold_valid_addresses(ses: Any):
    assert refusal(ses, raw(b"From: ada@example.com", b"To: root")) == "Missing final '@domain'"
    # What nodemailer 6 sends to find out whether its credentials are right, and how SES answers it.
    to_nobody = raw(b"From: invalid@invalid", b"To: invalid@invalid", b" Subject: Invalid")
    assert refusal(ses, to_nobody) == "Domain contains control or whitespace"
    for to in (b"undisclosed-recipients:;", b"bob@example.org (Bob)", b"Bob Root <bob@example.org>", b""):
        assert send(ses, raw(b"From: ada@example.com", b"To: " + to))


def test_duplicate_unique_header_is_refused(ses: Any):
    assert refusal(ses, raw(b"From: ada@example.com", b"From: eve@example.com")) == "Duplicate header 'From'."
    twice = [{"Name": "Sender", "Value": ADA}, {"Name": "sender", "Value": ADA}]
    assert refusal(ses, simple(Headers=twice)) == "Duplicate header 'sender'."
    send(ses, simple(Headers=[{"Name": "X-Kind", "Value": "a"}, {"Name": "X-Kind", "Value": "b"}]))


@pytest.mark.parametrize(
    "header", [("Content-Type", "text/plain"), ("Return-Path", ADA), ("X-Kind", "Grüße"), ("X" * 126, "v" * 900)]
)
def test_reserved_and_invalid_headers_are_refused(ses: Any, header: tuple[str, str]):
    assert header[0] in refusal(ses, simple(Headers=[{"Name": header[0], "Value": header[1]}]))


def test_nodemailer_7_verifies_credentials_by_a_rejected_mail(ses: Any):
    """It takes only this error for good news."""
    content = raw(b"From: <invalid@invalid>", b"To: <invalid@invalid>", b" Subject: Invalid")
    invalid: Any = {"FromEmailAddress": "invalid@invalid", "Destination": {"ToAddresses": ["invalid@invalid"]}}
    with pytest.raises(ses.exceptions.MessageRejected):
        ses.send_email(Content=content, **invalid)


def test_two_addresses_in_one_member_are_refused(ses: Any):
    assert refusal(ses, simple(), to=[f"{BOB}, eve@example.org"]) == "Illegal address"


@pytest.mark.parametrize("name", ["setup.EXE", "a\nb.txt"])
def test_files_that_ses_does_not_take_are_refused(ses: Any, name: str):
    attachment = {"FileName": name, "RawContent": b"x"}
    assert refusal(ses, simple(Attachments=[attachment])).startswith("Illegal filename")


def test_unsupported_file_types_are_refused_in_raw_mails(ses: Any):
    kind, disposition = b"Content-Type: application/octet-stream", b"Content-Disposition: attachment; filename="
    headers = (b"From: ada@example.com", kind)
    assert refusal(ses, raw(*headers, disposition + b"virus.scr")) == "Illegal filename 'virus.scr'."
    send(ses, raw(*headers, disposition + b"fine.pdf", body=b"the name of virus.scr"))


def test_text_beyond_its_character_set_is_lost_as_in_ses(cloud: LocalCloud, ses: Any):
    def content(**charset: str) -> Any:
        part = {"Data": "Grüße ✓", **charset}
        return {"Simple": {"Subject": part, "Body": {"Text": part, "Html": part}}}

    expected = {"UTF-8": "Grüße ✓", "ISO-8859-1": "Grüße ?", "": "Gr??e ?"}
    for charset, text in expected.items():
        sent = send(ses, content(**({"Charset": charset} if charset else {})))
        shown = cloud.control("GET", f"messages/{sent}/content")
        assert (shown["text"].strip(), shown["html"].strip()) == (text, text)
        assert common_headers(cloud, sent)["subject"] == text
    assert refusal(ses, content(Charset="martian")) == "Unsupported character set: martian."


def test_attachment_keeps_type_description_and_encoding(cloud: LocalCloud, ses: Any):
    attachment = {
        "FileName": "invitation.ics",
        "RawContent": "Grüße".encode(),
        "ContentType": 'text/calendar; method=REQUEST; charset="utf-8"',
        "ContentDescription": "An invitation",
        "ContentTransferEncoding": "QUOTED_PRINTABLE",
    }
    sent = send(ses, simple(Attachments=[attachment]))
    with urllib.request.urlopen(f"{cloud.inbox_url}/{sent}/source", timeout=PATIENCE) as answer:  # noqa: S310 - our own server
        part = next(message_from_bytes(answer.read(), policy=default).iter_attachments())
    assert (part.get_content_type(), part.get_param("method"), part.get_param("charset")) == (
        "text/calendar",
        "REQUEST",
        "utf-8",
    )
    assert (part["Content-Description"], part["Content-Transfer-Encoding"]) == ("An invitation", "quoted-printable")
    assert part.get_content() == "Grüße"


def test_events_truncate_headers_beyond_ten_kilobytes(cloud: LocalCloud, ses: Any):
    for count, truncated in ((10, False), (11, True)):
        headers = [{"Name": f"X-{number:02}", "Value": "v" * 990} for number in range(count)]
        mail = cloud.control("GET", f"messages/{send(ses, simple(Headers=headers))}")["events"][0]["mail"]
        assert (mail["headersTruncated"], len(mail["headers"]) < count + 5) == (truncated, truncated)
