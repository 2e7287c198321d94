"""The outbox in Django's database: mail is a row of the page's transaction, and a relay sends it."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import override_settings

from mailer import Message, Status, Suppression
from mailer.catalog import Welcome
from mailer.django import EmailBackend, get_mailer, process, send
from mailer.django.config import config, read
from mailer.django.models import OutboxMail
from mailer.django.signals import message_sent
from mailer.outbox.relay import OutboxRelay
from tests.django_project import database as other_database
from tests.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from tests.postgresql import PostgreSQL

ADA = "ada@example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def alias(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A project without AWS, with its outbox in a file or on a server."""
    values: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3"}
    values |= {"OPTIONS": {"timeout": PATIENCE}}
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        server.execute("DROP SCHEMA IF EXISTS of_outbox CASCADE")
        server.execute("CREATE SCHEMA of_outbox")
        values = server.of_django("of_outbox")
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{tmp_path}/mails")
    process.forget_mailer()
    setting = {"STACK": "test", "STORE": "django", "DATABASE": "other", "OUTBOX": True}
    with other_database("other", **values), override_settings(MAILSTACK=setting):
        yield "other"
        process.forget_mailer()


@pytest.fixture
def announced() -> Iterator[list[tuple[Any, Any]]]:
    """Django's message and the result of each signal."""
    kept: list[tuple[Any, Any]] = []

    def keep(message: Any, result: Any, **_: Any) -> None:
        kept.append((message, result))

    message_sent.connect(keep)
    yield kept
    message_sent.disconnect(keep)


def drain() -> str:
    out = StringIO()
    call_command("mailer_outbox", "--drain", stdout=out)
    return out.getvalue()


def message() -> EmailMessage:
    return EmailMessage("Subject", "Content", "from@example.com", [ADA])


def test_mail_is_a_row_of_the_transaction(alias: str, announced: list[tuple[Any, Any]]):
    with transaction.atomic(alias):
        EmailBackend().send_messages([message()])
        transaction.set_rollback(True, alias)
    email = message()
    with transaction.atomic(alias):
        assert EmailBackend().send_messages([email]) == 1
    result = vars(email)["mailstack_result"]
    assert (result[ADA].status, announced) == (Status.QUEUED, [])
    row = OutboxMail.objects.using(alias).get()
    assert (row.id, row.status) == (result.id, "pending")
    assert drain() == "1 mails were tried.\n"
    row.refresh_from_db(using=alias)
    assert row.status == "sent"
    ((sent, outcome),) = announced
    assert (sent, outcome[ADA].status) == (None, Status.SENT)


def test_template_to_a_user_is_enqueued(alias: str):
    result = send(Welcome(name="Ada", dashboard_url="https://example.com"), to=ADA, idempotency_key="welcome-1")
    again = send(Welcome(name="Ada", dashboard_url="https://example.com"), to=ADA, idempotency_key="welcome-1")
    assert (result[ADA].status, again.id) == (Status.QUEUED, result.id)
    assert drain() == "1 mails were tried.\n"


def test_suppression_holds_when_the_relay_sends(alias: str):
    EmailBackend().send_messages([message()])
    process.stores_of(config()).suppressions.put(Suppression(ADA, "bounce"))
    drain()
    assert OutboxMail.objects.using(alias).get().status == "suppressed"


def test_mail_can_pass_the_outbox(alias: str, announced: list[tuple[Any, Any]]):
    email = message()
    EmailBackend(on_commit=False).send_messages([email])
    assert vars(email)["mailstack_result"][ADA].status is Status.SENT
    assert [one for one, _ in announced] == [email]
    assert OutboxMail.objects.using(alias).count() == 0


def test_raw_mime_passes_through_the_outbox(alias: str):
    EmailBackend().send_messages([EmailMessage(to=[ADA])])
    drain()
    assert OutboxMail.objects.using(alias).get().status == "sent"


def test_relay_runs_until_it_is_signalled(alias: str):
    sent = threading.Event()

    def stop() -> None:
        eventually(lambda: OutboxMail.objects.using(alias).get().status == "sent", "the relay sends nothing")
        connections[alias].close()
        sent.set()
        os.kill(os.getpid(), signal.SIGTERM)

    EmailBackend().send_messages([message()])
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    watcher = threading.Thread(target=stop)
    watcher.start()
    try:
        call_command("mailer_outbox", "--threads", "2", stdout=StringIO())
    finally:
        watcher.join()
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert sent.is_set()


def test_relays_that_drain_at_the_same_time_send_each_mail_once(alias: str):
    with transaction.atomic(alias):
        EmailBackend().send_messages([message() for _ in range(60)])

    def work() -> int:
        try:
            return OutboxRelay(get_mailer(), threads=4).drain()
        finally:
            connections[alias].close()

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(work) for _ in range(3)]
    assert sum(one.result() for one in futures) == 60
    assert set(OutboxMail.objects.using(alias).values_list("status", "attempts")) == {("sent", 1)}


def test_relay_needs_the_setting():
    with override_settings(MAILSTACK={"STACK": "test"}), pytest.raises(CommandError, match="OUTBOX"):
        call_command("mailer_outbox")


def test_outbox_needs_the_store_in_django():
    _, (problem,) = read({"STACK": "test", "OUTBOX": True})
    assert "STORE" in problem.words


def test_outbox_of_the_mailer_is_django_s(alias: str):
    get_mailer().enqueue(Message(subject="Subject", text="Text"), to=ADA, connection=connections[alias])
    assert OutboxMail.objects.using(alias).count() == 1
