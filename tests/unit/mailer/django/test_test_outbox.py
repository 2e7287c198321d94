"""In a Django project's tests, mail of `mailer.django.send` ends in `mail.outbox`, and not at the stack."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

from mailer import Attachment, Message
from mailer.catalog import Welcome
from mailer.django import send
from mailer.django.checks import check_settings
from mailer.django.process import forget_mailer, get_mailer
from mailer.errors import UnknownStream
from mailer.stack import VARIABLE
from mailer.testing.outputs import stack_outputs

HELLO = Message(subject="Hello", text="Hello Ada")


@pytest.fixture(autouse=True)
def test_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What Django's test runner and pytest-django do around all tests."""
    monkeypatch.delenv(VARIABLE, raising=False)
    forget_mailer()
    setup_test_environment()
    try:
        yield
    finally:
        teardown_test_environment()
        forget_mailer()


def configured(**setting: object) -> Any:
    return override_settings(MAILSTACK={"STACK": "prod", "ON_COMMIT": False, **setting})


def test_mail_of_send_is_in_the_outbox():
    with configured():
        welcome = Welcome(name="Ada", dashboard_url="https://app.example.com")
        result = send(welcome, to="Ada <ada@example.com>", bcc="b@example.com", reply_to="help@example.com")
    kept: Any = mail.outbox[0]
    assert len(mail.outbox) == 1
    assert result.ok
    assert (kept.to, kept.bcc, kept.reply_to) == (["Ada <ada@example.com>"], ["b@example.com"], ["help@example.com"])
    assert "Hello Ada" in kept.body
    (html,) = [one for one, kind in kept.alternatives if kind == "text/html"]
    assert "https://app.example.com" in html
    assert kept.extra_headers["Auto-Submitted"] == "auto-generated"
    assert kept.mailstack_message.template_name == "welcome"
    assert kept.message()["Subject"] == kept.subject


def test_folder_of_a_developer_takes_no_mail_of_a_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(VARIABLE, f"local:{tmp_path}")
    with configured(STACK="local"):
        send(HELLO, to="ada@example.com")
    assert len(mail.outbox) == 1
    assert list(tmp_path.iterdir()) == []


def test_backend_of_the_test_runner_is_no_warning():
    with configured():
        assert [one.id for one in check_settings() if one.id == "mailstack.W001"] == []


def test_attachment_is_in_the_outbox():
    with configured():
        send(HELLO, to="ada@example.com", attachments=Attachment("a.txt", b"content"))
    assert [tuple(one) for one in mail.outbox[0].attachments] == [("a.txt", "content", "text/plain")]


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        ("webmaster@localhost", "Example <no-reply@example.test>"),
        ("Shop <shop@example.com>", "Shop <shop@example.com>"),
    ],
)
def test_sender_is_the_default_of_the_project(default: str, shown: str):
    with configured(), override_settings(DEFAULT_FROM_EMAIL=default):
        send(HELLO, to="ada@example.com")
    assert mail.outbox[0].from_email == shown


def test_refused_recipient_is_not_in_the_outbox():
    with configured(STACK="staging", GUARD={"allowed": ["*@example.org"]}):
        assert not send(HELLO, to="ada@example.com").ok
    assert mail.outbox == []


def test_stream_must_be_named_by_the_setting():
    with configured(STREAMS_BY_SENDER={"news@example.com": "news"}):
        send(HELLO, to="ada@example.com", sender="news@example.com")
        kept: Any = mail.outbox[0]
        assert kept.mailstack_message.stream == "news"
        with pytest.raises(UnknownStream):
            send(HELLO, to="ada@example.com", stream="orders")


def test_outputs_that_a_fixture_names_win(monkeypatch: pytest.MonkeyPatch):
    with configured():
        assert get_mailer().outputs.region == "us-east-1"
        outputs = stack_outputs().model_copy(update={"region": "eu-west-1", "stack": "prod"})
        monkeypatch.setenv(VARIABLE, outputs.to_json())
        assert get_mailer().outputs.region == "eu-west-1"
        monkeypatch.delenv(VARIABLE)
        send(HELLO, to="ada@example.com")
    assert len(mail.outbox) == 1
