"""Mails in the background: all are sent, none is waited for, and no log shows a code."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mailer import ConfigurationError, Mail, Mailer, Message, OutboxRelay, Refused, TemporaryFailure
from mailer.stores.base import utcnow
from mailer.stores.sql.stores import SqlStores
from mailer.testing.outbox import Outbox
from mailer.verification.delivery import BackgroundDelivery
from mailer.verification.policy import SIGN_IN
from tests.waiting import PATIENCE, eventually

from .kit import ADA, Kit


def mail(number: int = 0) -> Mail:
    return Mail(Message(subject=f"Code {number}", text="424242"), to=ADA)


def deliver(delivery: BackgroundDelivery, one: Mail | None) -> None:
    delivery.deliver(one, expires_at=utcnow() + timedelta(minutes=10))


class Held(Outbox):
    """Sends nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_send = Event()

    def send(self, message: Message):
        assert self.may_send.wait(PATIENCE)
        return super().send(message)


def test_every_mail_is_sent_before_close_returns():
    outbox = Outbox()
    with BackgroundDelivery(outbox.mailer) as delivery:
        for number in range(20):
            deliver(delivery, mail(number))
            deliver(delivery, None)
    assert sorted(one.subject for one in outbox) == sorted(f"Code {number}" for number in range(20))


def test_caller_does_not_wait_for_the_mail():
    outbox = Held()
    delivery = BackgroundDelivery(outbox.mailer, threads=1)
    for number in range(3):
        deliver(delivery, mail(number))
    assert len(outbox) == 0
    outbox.may_send.set()
    delivery.close()
    assert [one.subject for one in outbox] == ["Code 0", "Code 1", "Code 2"]


@pytest.mark.parametrize("last", [mail(9), None])
def test_queue_that_is_full_is_a_temporary_failure(last: Mail | None):
    outbox = Held()
    delivery = BackgroundDelivery(outbox.mailer, threads=1, waiting=2)
    deliver(delivery, mail())
    eventually(delivery._queue.empty, "the thread takes no mail")
    for one in (mail(), None):
        deliver(delivery, one)
    with pytest.raises(TemporaryFailure, match="2 verification mails wait"):
        deliver(delivery, last)
    outbox.may_send.set()
    delivery.close()


def test_mail_that_cannot_be_sent_stops_no_other(caplog: pytest.LogCaptureFixture):
    outbox = Outbox()
    outbox.fail(Refused("550 no such user"))
    with BackgroundDelivery(outbox.mailer, threads=1) as delivery:
        deliver(delivery, mail(1))
        deliver(delivery, Mail(Message(subject="s", text="t"), to="nobody"))
        deliver(delivery, Mail(Message(subject="s", text="t"), to=ADA, stream="unknown"))
        deliver(delivery, mail(2))
    assert [one.subject for one in outbox] == ["Code 2"]
    assert caplog.text.count("A verification mail was not sent") == 2
    assert ADA not in caplog.text


def test_unexpected_error_is_logged_without_its_traceback(caplog: pytest.LogCaptureFixture):
    class Broken(Outbox):
        def send(self, message: Message) -> Any:
            raise RuntimeError(f"cannot handle ada@example.org with {len(message.text)} characters")

    with BackgroundDelivery(Broken().mailer) as delivery:
        deliver(delivery, mail())
    assert "RuntimeError: cannot handle *** with" in caplog.text
    assert "Traceback" not in caplog.text
    assert "424242" not in caplog.text


def test_delivery_works_again_after_close():
    outbox = Outbox()
    delivery = BackgroundDelivery(outbox.mailer)
    for number in range(2):
        deliver(delivery, mail(number))
        delivery.close()
    assert len(outbox) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_forked_child_sends_its_own_mails_alone():
    outbox = Held()
    delivery = BackgroundDelivery(outbox.mailer, threads=1)
    deliver(delivery, mail(1))
    child = os.fork()
    if child == 0:
        outbox.may_send.set()
        deliver(delivery, mail(2))
        delivery.close()
        os._exit(0 if [one.subject for one in outbox] == ["Code 2"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    outbox.may_send.set()
    delivery.close()
    assert [one.subject for one in outbox] == ["Code 1"]


def test_process_that_ends_sends_what_waits(tmp_path: Path):
    program = f"""
from datetime import UTC, datetime, timedelta
from mailer import Mail, Mailer, Message
from mailer.verification import BackgroundDelivery
delivery = BackgroundDelivery(Mailer.local({str(tmp_path)!r}, console=False), threads=1)
for number in range(5):
    mail = Mail(Message(subject=f"Code {{number}}", text="x"), to="ada@example.org")
    delivery.deliver(mail, expires_at=datetime.now(UTC) + timedelta(minutes=10))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE, capture_output=True)
    index = (tmp_path / "index.html").read_text()
    assert all(f"Code {number}" in index for number in range(5))


def test_verification_closes_the_delivery_that_it_made():
    from mailer.verification.keys import VerificationKeys
    from mailer.verification.service import Verification

    outbox, kit = Outbox(), Kit()
    verification = Verification(outbox.mailer, store=kit.store, keys=VerificationKeys.parse(kit.keys))
    verification.send_code(SIGN_IN, ADA)
    verification.close()
    assert len(outbox) == 1
    assert outbox[0].secret


def test_mails_in_the_outbox_wait_for_its_relay(tmp_path: Path):
    ends = utcnow().replace(microsecond=0) + timedelta(minutes=10)
    with SqlStores(f"sqlite:///{tmp_path}/mail.db", keys=()) as stores:
        mailer = Mailer.local(tmp_path / "mails", outbox=stores, console=False)
        with BackgroundDelivery(mailer, outbox=True) as delivery:
            delivery.deliver(mail(1), expires_at=ends)
            delivery.deliver(None, expires_at=ends)
        assert [(row.status.value, row.expires_at) for row in mailer.outbox.find()] == [("pending", ends)]
        assert OutboxRelay(mailer).drain() == 1
        assert [row.status.value for row in mailer.outbox.find()] == ["sent"]


def test_outbox_that_is_missing_is_a_configuration_error(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="outbox"):
        BackgroundDelivery(Mailer.local(tmp_path, console=False), outbox=True)
