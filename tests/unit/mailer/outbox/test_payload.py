"""A mail is the same after the database as before, whatever is in it; a template may be rendered at the end."""

import json

import pytest

from mailer import Address, Attachment, EmailTemplate, InvalidMessage, Message, RawMime, SendOptions, StoredTemplate
from mailer.catalog import PasswordReset, VerificationCode
from mailer.errors import TemplateError
from mailer.outbox.payload import of_message, of_template, read, without

FULL = Message(
    subject="Grüße 🎈",
    text="Hello\nAda",
    html="<p>Hello</p>",
    to=["Ada Lovelace <ada@example.com>", "bob@example.com"],
    cc="cc@example.com",
    bcc="bcc@example.com",
    reply_to="help@example.com",
    sender="Shop <shop@example.com>",
    headers={"X-Order": "7", "List-Id": "<a.example.com>"},
    tags={"order": 7},
    attachments=[
        Attachment("a.bin", bytes(range(256))),
        Attachment("i.png", b"x", content_id="logo", description="Logo"),
    ],
    stream="news",
    tenant="acme",
    options=SendOptions(feedback_address="feedback@example.com", track_opens=False),
    secret=True,
).from_template("order_shipped")
MESSAGES = (
    FULL,
    Message(subject="Hello", text="Hello", to="ada@example.com"),
    Message(template=StoredTemplate("welcome", {"name": "Ada", "n": [1, None]}), to="ada@example.com"),
    Message(raw=RawMime(b"From: shop@example.com\nTo: ada@example.org\nBcc: b@example.org\n\nHello\n")),
)


@pytest.mark.parametrize("message", MESSAGES)
def test_message_is_the_same_after_the_database(message: Message):
    found, envelope = read(of_message(message))
    assert found == message
    assert envelope == {}
    assert isinstance(found, Message)
    assert found.template_name == message.template_name
    assert found.recipients == message.recipients
    assert (found.template and found.template.json) == (message.template and message.template.json)


def test_recipients_who_are_served_are_left_out():
    found, _ = read(without(of_message(FULL), {"ada@example.com", "bcc@example.com"}))
    assert isinstance(found, Message)
    assert [str(one) for one in found.recipients] == ["bob@example.com", "cc@example.com"]
    assert found.text == FULL.text


def test_template_keeps_its_fields_and_its_envelope():
    template = VerificationCode(code="424242")
    payload = of_template(template, FULL, "Another subject")
    found, envelope = read(payload)
    assert found == template
    assert isinstance(found, VerificationCode)
    assert str(found.code) == "***"
    assert (envelope["subject"], envelope["stream"], envelope["secret"]) == ("Another subject", "news", True)
    assert envelope["to"] == (Address("ada@example.com", "Ada Lovelace"), Address("bob@example.com"))
    assert "subject" not in read(of_template(template, FULL, None))[1]
    assert "Hello" not in payload


def test_template_keeps_its_language_and_time_zone():
    template = VerificationCode(code="424242").localized("es-MX", "fr", timezone="Asia/Kathmandu", second="en")
    payload = of_template(template, FULL, None)
    assert read(payload)[0] == template
    older = json.loads(payload)
    del older["later"]["localization"]
    assert read(json.dumps(older))[0] == VerificationCode(code="424242")


def test_template_that_no_process_could_import_is_refused():
    class Local(EmailTemplate):
        subject = "x"

    with pytest.raises(InvalidMessage, match='Define it at the top of a module, or use render="now"'):
        of_template(Local(), FULL, None)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("no_such_module:Welcome", "cannot be imported: ModuleNotFoundError"),
        ("mailer.catalog:NoSuch", "cannot be imported: AttributeError"),
        ("subprocess:Popen", "is not a template"),
        ("mailer.catalog:TEMPLATES", "is not a template"),
    ],
)
def test_only_templates_that_exist_are_rendered_later(place: str, said: str):
    given = json.loads(of_template(PasswordReset(reset_url="https://example.com/"), FULL, None))
    given["later"]["class"] = place
    with pytest.raises(TemplateError, match=said):
        read(json.dumps(given))


def test_form_of_a_newer_version_is_refused():
    given = {**json.loads(of_message(FULL)), "v": 2}
    with pytest.raises(InvalidMessage, match="in the form 2"):
        read(json.dumps(given))
