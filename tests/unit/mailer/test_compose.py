"""What may be sent, and what may be said beside it: it works, or one of our errors says what to do."""

from typing import Any

import pytest

from mailer.catalog import VerificationCode, Welcome
from mailer.errors import ConfigurationError, InvalidMessage, MailerError
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.templates.brand import Brand
from mailer.templates.compose import compose
from mailer.testing import Outbox

BRAND = Brand(name="Example")
CODE = VerificationCode(code="424242")
MESSAGE = Message(subject="Hello", text="Hello", to="ada@example.com")


def test_a_subject_beside_a_template_takes_its_place():
    made = compose(CODE, BRAND, to="ada@example.com", subject="Another")
    assert made.subject == "Another"
    assert "424242" in made.text


def test_arguments_override_the_message():
    made = compose(MESSAGE, BRAND, subject="Another", cc="bob@example.com", tags=None)
    assert (made.subject, made.text, made.cc[0].email) == ("Another", "Hello", "bob@example.com")


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        ("Hello", "A str is not a template or a message", "mailer.Message"),
        (None, "A NoneType is not", "mailer.Message"),
        ({"subject": "x"}, "A dict is not", "mailer.Message"),
        (Welcome, "The class Welcome is not", r"Welcome\(name=..., dashboard_url=...\)"),
        (Message, "The class Message is not", "mailer.Message"),
    ],
)
def test_unsupported_content_is_refused_with_a_hint(content: Any, said: str, hint: str):
    with pytest.raises(InvalidMessage, match=rf"{said}.*{hint}"):
        compose(content, BRAND, to="ada@example.com")


@pytest.mark.parametrize("content", [CODE, MESSAGE])
@pytest.mark.parametrize("name", ["too", "text", "html", "from_"])
def test_unknown_argument_of_send_is_named(content: Any, name: str):
    given: Any = {name: "x"}
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        Outbox().mailer.send(content, **given)


def test_arguments_left_out_keep_the_parts_of_a_message():
    message = Message(subject="Hello", text="Hello", to="ada@example.com", cc="bob@example.com", tags={"kind": "a"})
    mail = Outbox().mailer
    kept, replaced = mail.compose(message), mail.compose(message, cc=(), tags=None, subject="Another")
    assert (kept.subject, kept.cc, kept.tags) == (message.subject, message.cc, message.tags)
    assert (replaced.subject, replaced.cc, replaced.tags, replaced.to) == ("Another", (), (), message.to)


@pytest.mark.parametrize("given", ["prod", "prod-eu", {"stack": "prod"}, None, object()])
def test_mailer_without_outputs_names_from_stack(given: Any):
    with pytest.raises(ConfigurationError, match=r"takes StackOutputs, not \w+") as refusal:
        Mailer(given)
    assert "Mailer.from_stack(" in refusal.value.hint
    assert f'"{given if isinstance(given, str) else "prod"}"' in refusal.value.hint


@pytest.mark.parametrize("brand", ["Example", None, {"name": "Example"}, Brand])
def test_a_brand_that_is_none_is_refused_with_a_hint(brand: Any):
    with pytest.raises(MailerError, match="brand") as refusal:
        compose(CODE, brand, to="ada@example.com")
    assert refusal.value.hint
