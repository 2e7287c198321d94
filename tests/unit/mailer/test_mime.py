"""A message as MIME: what a mail program reads back is what was given."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import product

import pytest

from mailer.address import Address
from mailer.attachment import Attachment
from mailer.content import RawMime
from mailer.errors import InvalidMessage
from mailer.message import Message
from mailer.transports.mime import identifier_of, message_id, mime

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SENDER = Address.parse("Shop <shop@example.com>")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def written(message: Message, *headers: tuple[str, str]) -> bytes:
    message = message.filled_in(sender=SENDER, stream="transactional").identified("0123")
    return mime(message, date=NOW, identifier=message_id(message), headers=headers)


def read(data: bytes) -> EmailMessage:
    mail = message_from_bytes(data, policy=policy.default)
    assert [part.defects for part in mail.walk() if part.defects] == []
    return mail


@pytest.mark.parametrize(
    "subject",
    ["Hello", "Grüße aus Köln", "ü" * 300, "long " * 60 + "end", "x" * 400, "a  b   c", "日本語" * 50, "😀", "=_?"],
)
def test_subject_is_read_back_unchanged(subject: str):
    data = written(Message(subject=subject, text="a", to="ada@example.com"))
    assert read(data)["Subject"] == subject
    assert max(map(len, data.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "name", ["Ada", "Lovelace, Ada", 'Ada "Countess" L.', "Ädä, Löv", "日本" * 30, "a\\b", "@<>;:", "x" * 60]
)
def test_names_of_mailboxes_are_read_back_unchanged(name: str):
    several = [Address(f"ada{number}@example.com", name) for number in range(9)]
    mail = read(written(Message(subject="a", text="b", to=several, reply_to=several[0])))
    # Without the spaces: Python up to 3.12 puts one between two encoded words (RFC 2047 §6.2 has them removed).
    wanted = name.replace(" ", "")
    found = [(one.display_name.replace(" ", ""), one.addr_spec) for one in mail["To"].addresses]
    assert found == [(wanted, one.email) for one in several]
    assert mail["Reply-To"].addresses[0].display_name.replace(" ", "") == wanted


def test_bcc_is_in_no_header():
    message = Message(subject="a", text="b", to="ada@example.com", bcc="secret@example.com")
    assert b"secret" not in written(message)
    raw = RawMime(b"From: a@example.com\nTo: ada@example.com\nBcc: secret@example.com\n\nHello\n")
    assert b"secret" not in written(Message(raw=raw))


def test_long_url_in_a_header_is_not_encoded():
    url = f"<https://example.com/{'u' * 300}>"
    headers = {"List-Unsubscribe": url, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "X-Two": "a  b"}
    data = written(Message(subject="a", text="b", to="ada@example.com", headers=headers))
    assert f"List-Unsubscribe: {url}\r\n".encode() in data
    assert read(data)["X-Two"] == "a  b"


@pytest.mark.parametrize("text", ["Hello\n.\n..\n.dot\n", "From me\nü" * 3, "x" * 5000, "ü" * 3000, "a\r\nb\rc\nd"])
def test_text_is_read_back_and_sent_in_seven_bit_lines(text: str):
    data = written(Message(subject="a", text=text, html=f"<p>{text}</p>", to="ada@example.com"))
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")
    body = read(data).get_body(("plain",))
    assert body is not None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    assert body.get_content().replace("\r\n", "\n").rstrip("\n") == lines


@pytest.mark.parametrize(
    ("parts", "structure"),
    [
        ({"text": "a"}, ["text/plain"]),
        ({"html": "a"}, ["text/html"]),
        ({"text": "a", "html": "b"}, ["multipart/alternative", "text/plain", "text/html"]),
        (
            {"html": "b", "attachments": (Attachment("a.pdf", b"%"),)},
            ["multipart/mixed", "text/html", "application/pdf"],
        ),
        (
            {
                "text": "a",
                "html": "<img src='cid:logo'>",
                "attachments": (Attachment("a.pdf", b"%"), Attachment("l.png", PNG, content_id="logo")),
            },
            [
                *("multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html"),
                *("image/png", "application/pdf"),
            ],
        ),
    ],
)
def test_structure_has_inline_images_beside_the_html(parts: dict[str, object], structure: list[str]):
    message = Message(subject="a", to="ada@example.com", **parts)  # pyright: ignore[reportArgumentType]
    assert [part.get_content_type() for part in read(written(message)).walk()] == structure


@pytest.mark.parametrize(
    ("name", "encoding"),
    list(product(["a.bin", "größe, final.bin", "日本語" * 20 + ".bin", 'a"b.bin'], ["", "BASE64", "QUOTED_PRINTABLE"])),
)
def test_attachments_are_read_back_byte_by_byte(name: str, encoding: str):
    file = Attachment(name, PNG * 20, description="Größe", transfer_encoding=encoding)  # pyright: ignore[reportArgumentType]
    (found,) = read(written(Message(subject="a", text="b", to="ada@example.com", attachments=file))).iter_attachments()
    assert (found.get_filename(), found.get_payload(decode=True)) == (name, PNG * 20)
    assert found["Content-Description"] == "Größe"


@pytest.mark.parametrize("kind", ["message/rfc822", "message/delivery-status", "multipart/report; boundary=x"])
def test_mail_in_the_mail_is_not_encoded(kind: str):
    inner = b"Subject: Inner\r\nTo: x@example.com\r\n\r\n--x\r\nA: b\r\n\r\nHello\r\n--x--\r\n"
    file = Attachment("inner", inner, content_type=kind)
    data = written(Message(subject="a", text="b", to="ada@example.com", attachments=file))
    assert b"Subject: Inner\r\n" in data
    assert b"base64" not in data


def test_our_message_id_and_date_are_written_once():
    mail = read(written(Message(subject="a", text="b", to="ada@example.com")))
    assert mail["Message-ID"] == "<0123@example.com>"
    assert mail["Date"].datetime == NOW
    assert len(mail.get_all("MIME-Version", [])) == 1


def test_raw_mime_keeps_its_message_id():
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nMessage-ID: <own@example.com>\r\n\r\nHello\r\n"
    data = written(Message(raw=RawMime(raw)), ("X-SES-CONFIGURATION-SET", "news"))
    assert data.endswith(raw)
    assert data.startswith(b"X-SES-CONFIGURATION-SET: news\r\nDate: ")
    assert identifier_of(data) == "<own@example.com>"


@pytest.mark.parametrize("value", ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "ü", "a\0"])
def test_header_with_a_line_break_is_refused(value: str):
    with pytest.raises(InvalidMessage, match="The header 'X-Server'"):
        written(Message(subject="a", text="b", to="ada@example.com"), ("X-Server", value))
