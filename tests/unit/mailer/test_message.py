"""A message is checked when it is made: what exists can be sent."""

from dataclasses import FrozenInstanceError, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from botocore.session import get_session
from django.conf import settings
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from markupsafe import Markup

from mailer import message as limits
from mailer.address import Address
from mailer.attachment import Attachment
from mailer.errors import InvalidAddress, InvalidMessage
from mailer.message import Message


class Kind(StrEnum):
    ORDER = "order"


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
@pytest.mark.parametrize("character", ["\x00", "\ud800"])
def test_a_body_that_is_no_text_is_refused(part: str, character: str):
    with pytest.raises(InvalidMessage, match="NUL or a lone surrogate"):
        message(**{part: f"Hello {character}"})


@pytest.mark.parametrize("character", list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"))
def test_nothing_that_is_shown_turns_the_direction_of_writing(character: str):
    for parts in (
        {"subject": f"Invoice {character}gpj.exe"},
        {"to": f"Ada{character} <ada@example.com>"},
        {"sender": f'"Ada{character}" <ada@example.com>'},
    ):
        with pytest.raises(InvalidMessage, match="bidirectional control"):
            message(**parts)
    with pytest.raises(InvalidMessage, match="bidirectional control"):
        Attachment(f"invoice{character}fdp.txt", b"")


def test_an_encoded_word_is_no_subject():
    with pytest.raises(InvalidMessage, match="encoded word"):
        message(subject="=?utf-8?q?Your_account?=")
    assert message(subject="Is 1 =? 2").subject == "Is 1 =? 2"


@pytest.mark.parametrize(
    ("header", "value", "fits"),
    [
        ("List-Unsubscribe", "https://example.com/u/1", False),
        ("List-Unsubscribe", "mailto:leave@example.com", False),
        ("List-Unsubscribe", "<https://example.com/u/1>", True),
        ("List-Unsubscribe", "<mailto:leave@example.com?subject=x>, <https://example.com/u/1>", True),
        ("List-Unsubscribe", "<https://example.com/u/1>, mailto:leave@example.com", False),
        ("List-Unsubscribe", "<javascript:alert(1)>", False),
        ("list-help", "https://example.com", False),
        ("List-Owner", "<mailto:owner@example.com>", True),
        ("List-Post", "NO", True),
        ("List-Id", "news.example.com", False),
        ("List-Id", "News <news.example.com>", True),
        ("References", "1@example.com", False),
        ("References", "<1@example.com> <2@example.com>", True),
        ("In-Reply-To", "<1@example.com>", True),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click", False),
    ],
)
def test_a_header_has_the_form_of_its_rfc(header: str, value: str, *, fits: bool):
    if fits:
        assert message(headers={header: value}).headers == ((header, value),)
    else:
        with pytest.raises(InvalidMessage, match=rf"(?i){header} (must|needs)|header '{header}' must"):
            message(headers={header: value})


def test_one_click_unsubscribe_needs_both_headers():
    one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    assert message(headers={"List-Unsubscribe": "<https://example.com/u/1>", **one_click}).headers
    with pytest.raises(InvalidMessage, match="https URL"):
        message(headers={"List-Unsubscribe": "<mailto:leave@example.com>", **one_click})


def test_the_tags_of_ses_that_an_application_may_set_are_taken():
    tags = {"ses:feedback-id-a": "campaign", "ses:feedback-id-b": "spring"}
    assert dict(message(tags=tags).tags) == tags
    for name in ("ses:feedback-id-c", "ses:configuration-set", "SES:feedback-id-a"):
        with pytest.raises(InvalidMessage, match="tag name"):
            message(tags={name: "x"})


class Lazy:
    """A translation that is looked up when it is used, as Django's and Babel's are."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __getattr__(self, name: str) -> object:
        return getattr(self._text, name)


def test_text_is_taken_as_people_give_it():
    made = message(
        subject=Lazy("Hello"),
        text=None,
        html=Markup("<p>Hello</p>"),
        to=Lazy("Ada <ada@example.com>"),
        cc=None,
        headers=None,
        tags={"order": 7, "id": UUID(int=7), "kind": Kind.ORDER},
        attachments=Attachment("a.txt", b""),
        stream=None,
        tenant=None,
    )
    assert (made.subject, made.text, made.html, made.to[0].name) == ("Hello", "", "<p>Hello</p>", "Ada")
    assert {type(part) for part in (made.subject, made.text, made.html, made.stream, made.tenant)} == {str}
    assert made.tags == (("order", "7"), ("id", str(UUID(int=7))), ("kind", "order"))
    assert made.attachments == (Attachment("a.txt", b""),)


def test_translations_of_django_and_markup_are_taken():
    if not settings.configured:
        settings.configure(USE_I18N=False)
    made = message(subject=gettext_lazy("Hello"), html=mark_safe("<p>Hello</p>"))
    assert (made.subject, made.html, type(made.html)) == ("Hello", "<p>Hello</p>", str)


ODD: list[Any] = [
    7,
    1.5,
    b"x",
    object(),
    str,
    {"a": 1},
    ["ada@example.com", None],
    [["a"]],
    [("a", "b", "c")],
    Path("a"),
]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("part", [one.name for one in fields(Message) if one.init])
def test_any_input_is_accepted_or_refused_with_a_hint(part: str, value: Any):
    try:
        made: Message | InvalidMessage = message(**{part: value})
    except InvalidMessage as refusal:
        made = refusal
    assert isinstance(made, Message) or made.hint


def test_a_refusal_says_which_address_it_is_about():
    with pytest.raises(InvalidAddress, match=r"cc, address 2 of 3: 'n\*\*\*' has no @"):
        message(cc=["ada@example.com", "nobody", "bob@example.com"])
    with pytest.raises(InvalidAddress, match=r"reply_to: 'n\*\*\*' has no @"):
        message(reply_to="nobody")


def test_duplicate_mailbox_keeps_its_first_place():
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
        ({"to": [f"reader-{n}@example.com" for n in range(51)]}, "51 recipients; SES allows 50"),
        ({"subject": "  "}, "no subject"),
        ({"text": ""}, "neither text nor HTML"),
        ({"headers": {"From": "eve@example.org"}}, "'From' is set from the parts of the message"),
        ({"headers": {"bcc": "eve@example.org"}}, "'bcc' is set"),
        ({"headers": {"X-SES-CONFIGURATION-SET": "other"}}, "SES v1 API"),
        ({"headers": [("X-A", "1"), ("x-a", "2")]}, "duplicate"),
        ({"headers": {"X-A": "é"}}, "printable ASCII"),
        ({"headers": {"X-A": "a" * 996}}, "longer than SES allows"),
        ({"headers": {f"X-{n}": "1" for n in range(16)}}, "16 headers; SES allows 15"),
        ({"tags": {"a b": "1"}}, "tag name 'a b'"),
        ({"tags": {"a": "x" * 257}}, "tag value"),
        ({"attachments": [Attachment("a.bin", bytes(31 * 1024 * 1024))]}, "SES allows 41,943,040"),
    ],
)
def test_limits_of_ses_are_checked_before_sending(parts: dict[str, Any], problem: str):
    with pytest.raises(InvalidMessage, match=problem):
        message(**parts)


def test_every_problem_is_named_at_once():
    with pytest.raises(InvalidMessage, match=r"no subject.*neither text.*duplicate"):
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
    made = message(subject="424242 is your code", attachments=[Attachment("a.txt", b"secret")])
    assert repr(made) == "<Message to a***@example.com>"


def test_our_limits_are_those_of_the_service_model():
    model = get_session().get_service_model("sesv2")

    def most(shape: str, member: str) -> int:
        return model.shape_for(shape).members[member].metadata["max"]  # pyright: ignore[reportAttributeAccessIssue]

    assert most("Message", "Headers") == limits.MAX_HEADERS
    assert most("MessageHeader", "Name") == limits.MAX_HEADER_NAME
    assert most("MessageHeader", "Value") == limits.MAX_HEADER_VALUE
