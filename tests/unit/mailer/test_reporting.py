"""The message log of mail that SES publishes no events of: SMTP, files, and the second transport of a failover."""

from datetime import timedelta
from pathlib import Path

import pytest

from mailer import Failover, Mailer, MailState, Message, Split, SqlStores, Suppression
from mailer.errors import OutcomeUnknown, Refused, Unreachable
from mailer.message_id import time_of, was_logged
from mailer.results import RecipientResult, Status
from mailer.sending.outcome import DECIDED_AFTER, outcome_of
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.transports.base import Transport
from mailer.transports.reporting import is_reported, reported_names

ADA, BOB = "ada@example.com", "bob@example.com"
HELLO = Message(subject="Hello", text="Hello", to=ADA)


class Smtp:
    """A transport whose next errors are written down; it accepts afterwards."""

    name = "smtp"

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        if self.errors:
            raise self.errors.pop(0)
        return tuple(RecipientResult(one, Status.SENT, "queue-1") for one in message.recipients)


class Ses(Smtp):
    name, reports_events = "ses", True


@pytest.fixture
def log() -> MemoryMessageLog:
    return MemoryMessageLog(30)


def over(transport: Transport, log: MemoryMessageLog) -> Mailer:
    return Mailer.over(transport, sender="shop@example.com", message_log=log)


def test_mail_over_smtp_is_recorded_for_each_recipient(log: MemoryMessageLog):
    mail = over(Smtp(), log)
    result = mail.send(HELLO, cc=BOB)
    assert {(one.recipient, one.category, one.message_id) for one in log.of_message(result.id)} == {
        (ADA, "sent", "queue-1"),
        (BOB, "sent", "queue-1"),
    }
    outcome = mail.outcome(result.id)
    assert (outcome.state, outcome.message_id) == (MailState.SENT, "queue-1")


@pytest.mark.parametrize(
    ("error", "state"), [(Refused("no"), MailState.NOT_ACCEPTED), (OutcomeUnknown("lost"), MailState.UNKNOWN)]
)
def test_failure_over_smtp_is_recorded(log: MemoryMessageLog, error: Exception, state: MailState):
    mail = over(Smtp(error), log)
    assert mail.outcome(mail.send(HELLO).id).state is state


@pytest.mark.parametrize("transport", [Smtp, lambda error: Failover(Ses(Unreachable("no")), Smtp(error))])
def test_unknown_without_events_is_never_taken_for_not_accepted(log: MemoryMessageLog, transport: type[Smtp]):
    mail = over(transport(OutcomeUnknown("lost")), log)
    id_ = mail.send(HELLO).id
    handed_over = time_of(id_)
    assert handed_over
    assert not was_logged(id_)
    late = handed_over + DECIDED_AFTER + timedelta(days=1)
    outcome = outcome_of(id_, log.of_message(id_), handed_over=handed_over, now=late)
    assert (outcome.state, outcome.until) == (MailState.UNKNOWN, None)


def test_failover_records_what_ses_did_not_carry(log: MemoryMessageLog):
    mail = over(Failover(Ses(Unreachable("no")), Smtp()), log)
    by_smtp, by_ses = mail.send(HELLO), mail.send(HELLO)
    assert [one.transport for one in (*by_smtp, *by_ses)] == ["smtp", "ses"]
    assert [one.category for one in log.of_message(by_smtp.id)] == ["sent"]
    assert list(log.of_message(by_ses.id)) == []


def test_ids_of_mail_over_ses_alone_wait_for_events(log: MemoryMessageLog):
    result = over(Ses(), log).send(HELLO)
    assert was_logged(result.id)
    assert list(log.of_message(result.id)) == []


def test_local_mail_is_recorded_in_its_store(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/mail.db?log_days=30"
    with SqlStores(url) as stores:
        stores.suppressions.put(Suppression(BOB, "bounce"))
    with Mailer.local(tmp_path / "mails", store=url, console=False) as mail:
        result = mail.send(HELLO, cc=BOB)
        found = {one.address: one.state for one in mail.outcome(result.id).recipients}
        assert found == {ADA: MailState.SENT, BOB: MailState.SUPPRESSED}


def test_local_mail_is_recorded_in_a_given_log(tmp_path: Path, log: MemoryMessageLog):
    mail = Mailer.local(tmp_path, message_log=log, console=False)
    assert mail.outcome(mail.send(HELLO).id).state is MailState.SENT


def test_mailer_over_smtp_keeps_everything_in_its_store(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/mail.db?log_days=30"
    with Mailer.over(Smtp(), sender="shop@example.com", store=url) as mail:
        first = mail.send(HELLO, idempotency_key="hello-1")
    with Mailer.over(Smtp(), sender="shop@example.com", store=url) as mail:
        again = mail.send(HELLO, idempotency_key="hello-1")
        assert (again.replayed, again.id) == (True, first.id)
        assert mail.outcome(first.id).state is MailState.SENT


def test_nested_transports_are_reported_by_their_own_names():
    nested = Split(Failover(Ses(), Smtp()), Ses())
    assert reported_names(nested) == {"ses"}
    assert not is_reported(nested)
    assert is_reported(Split(Ses(), Ses()))
    assert reported_names(Ses()) == {""}
