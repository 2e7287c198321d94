"""An attachment is checked when it is made: what exists can be sent."""

from email import message_from_bytes
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from mailer import attachment as limits
from mailer.attachment import Attachment
from mailer.errors import InvalidMessage


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.tar.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("com", "application/octet-stream"),
    ],
)
def test_a_content_type_is_guessed_from_the_name(name: str, kind: str):
    assert Attachment(name, b"").content_type == kind


def test_an_attachment_is_read_from_a_file(tmp_path: Path):
    file = tmp_path / "invoice.pdf"
    file.write_bytes(b"%PDF")
    assert Attachment.from_path(file) == Attachment("invoice.pdf", b"%PDF", "application/pdf")


@pytest.mark.parametrize(
    ("name", "kind", "cid"),
    [
        ("virus.EXE", "", ""),
        ("virus.exe.", "", ""),
        ("virus.exe . .", "", ""),
        ("virus.exe\u00a0", "", ""),
        ("virus.exe:stream.txt", "", ""),
        (".exe", "", ""),
        ("a.pdf", "text/plain; name=" + "a" * 100, ""),
        ("a.pdf", "text/plain;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;", ""),
        ("a.pdf", "text", ""),
        ("a" * 256 + ".pdf", "", ""),
        ("../a.pdf", "", ""),
        ("a\n.pdf", "", ""),
        ("", "", ""),
        ("a.pdf", "text/html\nX: 1", ""),
        ("a.png", "", "<logo>"),
        ("a.png", "", "x" * 79),
    ],
)
def test_an_attachment_that_ses_would_refuse_is_refused(name: str, kind: str, cid: str):
    with pytest.raises(InvalidMessage, match="attachment"):
        Attachment(name, b"", kind, cid)


@pytest.mark.parametrize("name", ["com", "exe", "bat", "report.com.pdf", "exe.txt", "10:30.pdf"])
def test_a_name_that_only_looks_like_an_extension_is_taken(name: str):
    assert Attachment(name, b"").filename == name


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain; charset=utf-8", 'text/plain;charset="utf-8"; format=flowed', "image/svg+xml"]
)
def test_a_content_type_may_have_parameters(kind: str):
    assert Attachment("a.txt", b"", kind).content_type == kind


def mail(text: str) -> bytes:
    made = EmailMessage()
    made["Subject"] = "Inner"
    made.set_content(text, cte="8bit" if not text.isascii() else "7bit")
    return made.as_bytes()


def test_a_mail_inside_a_mail_is_not_in_base64():
    made = Attachment("forwarded.eml", mail("Hello"))
    assert (made.content_type, made.chosen_encoding) == ("message/rfc822", "SEVEN_BIT")
    assert message_from_bytes(made.content)["Subject"] == "Inner"


@pytest.mark.parametrize("content", [mail("Grüße"), b"X: " + b"a" * 999, b"X: 1\r\n\r\n\x00"])
def test_a_mail_that_is_not_seven_bit_travels_as_a_file(content: bytes):
    made = Attachment("forwarded.eml", content)
    assert (made.content_type, made.chosen_encoding) == ("application/octet-stream", "BASE64")
    with pytest.raises(InvalidMessage, match=r"RFC 2046 §5\.2\.1"):
        Attachment("forwarded.eml", content, "message/rfc822")


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        *(("message/delivery-status", "SEVEN_BIT"), ("Message/RFC822", "SEVEN_BIT"), ("multipart/mixed", "SEVEN_BIT")),
        *(("message/global", "BASE64"), ("application/pdf", "BASE64"), ("text/plain", "BASE64")),
    ],
)
def test_only_composite_types_are_left_unencoded(kind: str, encoding: str):
    assert Attachment("a", b"X: 1", kind).chosen_encoding == encoding


@pytest.mark.parametrize("content", ["text", None, 7, object(), BytesIO(b"x"), [1]])
def test_content_that_is_no_bytes_is_refused_with_a_hint(content: Any):
    with pytest.raises(InvalidMessage) as refusal:
        Attachment("a.txt", content)
    assert refusal.value.hint


def test_content_may_be_any_kind_of_bytes():
    given: list[Any] = [b"x", bytearray(b"x"), memoryview(b"x")]
    assert {Attachment("a.txt", content).content for content in given} == {b"x"}


def test_its_repr_shows_no_content():
    assert "secret" not in repr(Attachment("a.txt", b"secret"))


def test_our_limits_are_those_of_the_service_model():
    members: Any = get_session().get_service_model("sesv2").shape_for("Attachment")
    limit = {name: shape.metadata.get("max") for name, shape in members.members.items()}
    assert limit["FileName"] == limits.MAX_FILENAME
    assert limit["ContentId"] == limits.MAX_CONTENT_ID
    assert limit["ContentType"] == limits.MAX_CONTENT_TYPE
