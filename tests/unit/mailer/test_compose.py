"""What may be sent, and what may be said beside it: it works, or one of our errors says what to do."""

from typing import Any

import pytest

from mailer.catalog import VerificationCode, Welcome
from mailer.errors import InvalidMessage, MailerError
from mailer.message import Message
from mailer.templates.brand import Brand
from mailer.templates.compose import compose

BRAND = Brand(name="Example")
CODE = VerificationCode(code="424242")
MESSAGE = Message(subject="Hello", text="Hello", to="ada@example.com")


def test_a_subject_beside_a_template_takes_its_place():
    made = compose(CODE, BRAND, to="ada@example.com", subject="Another")
    assert made.subject == "Another"
    assert "424242" in made.text


def test_what_stands_beside_a_message_takes_precedence():
    made = compose(MESSAGE, BRAND, subject="Another", cc="bob@example.com", tags=None)
    assert (made.subject, made.text, made.cc[0].email) == ("Another", "Hello", "bob@example.com")


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        ("Hello", "A str is neither a template nor a message", "mailer.Message"),
        (None, "A NoneType is neither", "mailer.Message"),
        ({"subject": "x"}, "A dict is neither", "mailer.Message"),
        (Welcome, "The class Welcome is neither", r"Welcome\(name=..., dashboard_url=...\)"),
        (Message, "The class Message is neither", "mailer.Message"),
    ],
)
def test_what_is_no_content_is_refused_with_the_way_out(content: Any, said: str, hint: str):
    with pytest.raises(InvalidMessage, match=rf"{said}.*{hint}"):
        compose(content, BRAND, to="ada@example.com")


@pytest.mark.parametrize("content", [CODE, MESSAGE])
@pytest.mark.parametrize("name", ["too", "text", "html", "from_"])
def test_an_argument_that_there_is_not_is_named(content: Any, name: str):
    given: Any = {name: "x"}
    with pytest.raises(InvalidMessage, match=rf"no {name} beside its content.*There are subject, to"):
        compose(content, BRAND, **given)


@pytest.mark.parametrize("brand", ["Example", None, {"name": "Example"}, Brand])
def test_a_brand_that_is_none_is_refused_with_a_hint(brand: Any):
    with pytest.raises(MailerError, match="brand") as refusal:
        compose(CODE, brand, to="ada@example.com")
    assert refusal.value.hint
