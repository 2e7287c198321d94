"""MAILSTACK["TRANSPORT"]: the project's mail goes another way, with store, outbox and hooks as before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from mailer import ConfigurationError, RecipientResult, SendHook, Status, Suppression, UnknownStream
from mailer.catalog import Welcome
from mailer.django import checks, process, send
from mailer.django.config import config, read
from mailer.django.models import OutboxMail
from mailer.django.signals import message_sent
from mailer.message import Message
from mailer.testing.outputs import stack_outputs
from tests.django_project import database as other_database
from tests.waiting import PATIENCE

ADA, SENDER = "ada@example.com", "Shop <shop@example.com>"
WELCOME = Welcome(name="Ada", dashboard_url="https://example.com/")
PATH = f"{__name__}.create_transport"
SENT = list[Message]()


class Kept:
    """A transport without SES."""

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        SENT.append(message)
        return tuple(RecipientResult(one, Status.SENT, message_id=message.id) for one in message.recipients)


class Counted(SendHook):
    before = 0

    def before_send(self, message: Message) -> None:
        type(self).before += 1


def create_transport() -> Kept:
    return Kept()


def no_transport() -> str:
    return "none"


@pytest.fixture(autouse=True)
def forgotten(database: None) -> Iterator[None]:
    SENT.clear()
    yield
    process.forget_mailer()


def project(**values: Any) -> Any:
    return override_settings(MAILSTACK={"TRANSPORT": PATH, **values}, DEFAULT_FROM_EMAIL=SENDER)


def test_transport_needs_no_stack():
    with project(BRAND={"name": "Shop"}):
        assert send(WELCOME, to=ADA).ok
    (mail,) = SENT
    assert (str(mail.sender), mail.stream, "Shop" in mail.subject) == (SENDER, "transactional", True)


def test_transport_keeps_store_outbox_hooks_and_signal(tmp_path: Path):
    told = list[Any]()

    def keep(result: Any, **_: Any) -> None:
        told.append(result)

    # A file: Django does not close a thread's connection to a database in memory.
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3", "OPTIONS": {"timeout": PATIENCE}}
    setting = {"STORE": "django", "DATABASE": "other", "OUTBOX": True, "HOOKS": [f"{__name__}.Counted"]}
    with other_database("other", **file), project(**setting):
        message_sent.connect(keep)
        process.stores_of(config()).suppressions.put(Suppression("bob@example.com", "bounce"))
        for address in (ADA, "bob@example.com"):
            send(WELCOME, to=address)
        call_command("mailer_outbox", "--drain", "--threads", "1")
        message_sent.disconnect(keep)
        statuses = OutboxMail.objects.using("other").values_list("status", flat=True)
        assert sorted(statuses) == ["sent", "suppressed"]
        process.forget_mailer()
    assert (len(SENT), Counted.before, len(told)) == (1, 2, 2)


def test_transport_keeps_the_streams_of_a_stack():
    with project(OUTPUTS=stack_outputs().to_json(), STORE="django"):
        assert send(WELCOME, to=ADA, stream="marketing").ok
        with pytest.raises(UnknownStream):
            send(WELCOME, to=ADA, stream="nonsense")
    assert [(str(one.sender), one.stream) for one in SENT] == [(stack_outputs().sender, "marketing")]


@pytest.mark.parametrize(
    ("path", "words"), [("no_transport", "returned a str"), ("nothing", "cannot be imported")], ids=["str", "nothing"]
)
def test_wrong_transport_is_an_error(path: str, words: str):
    with project(TRANSPORT=f"{__name__}.{path}"), pytest.raises(ConfigurationError, match=words):
        process.get_mailer()


def test_transport_is_checked_before_it_is_used():
    with project():
        assert [one.id for one in checks.check_settings() if one.id != "mailstack.W001"] == []
        assert checks.check_stack() == []
    with override_settings(MAILSTACK={"TRANSPORT": "shop.nothing"}):
        assert {one.id for one in checks.check_settings()} >= {"mailstack.E010", "mailstack.E014"}


def test_keys_of_a_stack_are_refused_beside_transport():
    assert [one.words for one in read({"TRANSPORT": PATH, "ROLE": "arn:aws:iam::1:role/a"})[1]] != []
    assert read({"TRANSPORT": PATH, "STACK": "prod", "ROLE": "arn:aws:iam::1:role/a"})[1] == []
