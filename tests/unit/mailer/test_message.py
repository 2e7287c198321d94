"""A message is checked when it is made: what exists can be sent."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from mailer import message as limits
from mailer.address import Address
from mailer.errors import InvalidAddress, InvalidMessage
from mailer.message import Attachment, Message


def message(**parts: Any) -> Message:
    given: dict[str, Any] = {"subject": "Hello", "text": "Hello", "to": "ada@example.com", **parts}
    return Message(**given)


def test_an_address_may_be_text_an_object_or_several():
    ada = Address("ada@example.com", "Ada Lovelace")
    assert message(to="Ada Lovelace <ada@example.com>").to == (ada,)
    assert message(to=ada).to == (ada,)
    assert message(to=[ada, "bob@example.com"]).to == (ada, Address("bob@example.com"))
    assert message(to=(), bcc="bob@example.com").recipients == (Address("bob@example.com"),)


@pytest.mark.parametrize("part", ["text", "html"])
def test_half_of_a_surrogate_pair_is_refused_rather_than_failing_later(part: str):
    with pytest.raises(InvalidMessage, match="surrogate"):
        message(**{part: "Hello \ud800"})


def test_a_mailbox_named_twice_is_kept_where_it_stands_first():
    made = message(to=["ada@example.com", "ADA@example.com"], cc=["Ada <ada@Example.com>", "bob@example.com"])
    assert [one.email for one in made.recipients] == ["ada@example.com", "bob@example.com"]


@pytest.mark.parametrize("part", ["subject", "header value", "header name", "tag", "display name", "address"])
@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x00", "\x85", "\u2028"])
def test_no_line_break_gets_into_a_header(part: str, break_: str):
    evil = f"x{break_}Bcc: eve@example.org"
    given: dict[str, Any] = {
        "subject": {"subject": evil},
        "header value": {"headers": {"X-A": evil}},
        "header name": {"headers": {evil: "1"}},
        "tag": {"tags": {"a": evil}},
        "display name": {"to": f'"{evil}" <ada@example.com>'},
        "address": {"reply_to": f"ada@example.com{break_}Bcc: eve@example.org"},
    }[part]
    with pytest.raises(InvalidMessage):
        message(**given)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"to": ()}, "no recipient"),
        ({"to": [f"reader-{n}@example.com" for n in range(51)]}, "51 recipients and SES takes 50"),
        ({"subject": "  "}, "no subject"),
        ({"text": ""}, "neither text nor HTML"),
        ({"headers": {"From": "eve@example.org"}}, "'From' is written from the message's own parts"),
        ({"headers": {"bcc": "eve@example.org"}}, "'bcc' is written"),
        ({"headers": {"X-SES-CONFIGURATION-SET": "other"}}, "older API"),
        ({"headers": [("X-A", "1"), ("x-a", "2")]}, "twice"),
        ({"headers": {"X-A": "é"}}, "printable ASCII"),
        ({"headers": {"X-A": "a" * 996}}, "longer than SES takes"),
        ({"headers": {f"X-{n}": "1" for n in range(16)}}, "16 headers and SES takes 15"),
        ({"tags": {"a b": "1"}}, "tag name 'a b'"),
        ({"tags": {"a": "x" * 257}}, "tag value"),
        ({"attachments": [Attachment("a.bin", bytes(31 * 1024 * 1024))]}, "SES takes 41,943,040"),
    ],
)
def test_what_ses_would_refuse_is_refused_here_and_named(parts: dict[str, Any], problem: str):
    with pytest.raises(InvalidMessage, match=problem):
        message(**parts)


def test_every_problem_is_named_at_once():
    with pytest.raises(InvalidMessage, match=r"no subject.*neither text.*twice"):
        message(subject="", text="", headers=[("A", "1"), ("a", "1")])


def test_an_address_that_is_none_is_an_invalid_message_too():
    with pytest.raises(InvalidAddress) as error:
        message(to="nobody")
    assert isinstance(error.value, InvalidMessage | ValueError)


def test_a_message_is_never_changed_and_replace_checks_again():
    made = message(headers={"X-A": "1"}, tags={"a": "b"})
    with pytest.raises(FrozenInstanceError):
        made.subject = "Other"  # pyright: ignore[reportAttributeAccessIssue]
    assert replace(made, subject="Other").headers == (("X-A", "1"),)
    with pytest.raises(InvalidMessage):
        replace(made, subject="Other\nBcc: eve@example.org")


def test_its_repr_shows_no_full_address_and_no_content():
    assert repr(message(attachments=[Attachment("a.txt", b"secret")])) == "<Message 'Hello' to a***@example.com>"
    assert "secret" not in repr(Attachment("a.txt", b"secret"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.pdf", "application/pdf"), ("a.tar.gz", "application/octet-stream"), ("a", "application/octet-stream")],
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


def test_our_limits_are_those_of_the_service_model():
    model = get_session().get_service_model("sesv2")

    def most(shape: str, member: str) -> int:
        return model.shape_for(shape).members[member].metadata["max"]  # pyright: ignore[reportAttributeAccessIssue]

    assert most("Message", "Headers") == limits.MAX_HEADERS
    assert most("MessageHeader", "Name") == limits.MAX_HEADER_NAME
    assert most("MessageHeader", "Value") == limits.MAX_HEADER_VALUE
    assert most("Attachment", "FileName") == limits.MAX_FILENAME
    assert most("Attachment", "ContentId") == limits.MAX_CONTENT_ID
    assert most("Attachment", "ContentType") == limits.MAX_CONTENT_TYPE
