"""`Mailer.outcome`: what the message log tells about a message, and what the absence of entries tells."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest

from mailer import ConfigurationError, InvalidMessageId, Mailer, MailState, Message, OutcomeExpired, StoreError
from mailer.errors import OutcomeUnknown, Refused
from mailer.message_id import new_id, time_of, was_logged
from mailer.results import RecipientResult, Status
from mailer.sending.outcome import DECIDED_AFTER, outcome_of
from mailer.stores.base import Suppression
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.stores.messages import LogEntry
from mailer.testing.memory import MemorySuppressions
from tests.contract.message_log import ADA, BOB, ID, NOW, entry
from tests.unit.mailer.stack_outputs import outputs

SOON, LATE = NOW + timedelta(minutes=5), NOW + DECIDED_AFTER
HELLO = Message(subject="Hello", text="Hello", to=[ADA, BOB])


def state(*entries: LogEntry, now: datetime = SOON) -> MailState:
    return outcome_of(ID, entries, handed_over=NOW, now=now).state


SEND, DELIVERY = entry("Send"), entry("Delivery", category="192.0.2.25", seconds=2)
DELAY = entry("DeliveryDelay", category="MailboxFull", seconds=1)
SOFT, HARD = (entry("Bounce", category=f"{kind} General", key=kind, seconds=3) for kind in ("Transient", "Permanent"))
SPAM, NOT_SPAM = (entry("Complaint", category=kind, key=kind, seconds=4) for kind in ("abuse", "not-spam"))
CASES: tuple[tuple[tuple[LogEntry, ...], MailState], ...] = (
    ((SEND,), MailState.SENT),
    ((DELIVERY,), MailState.DELIVERED),
    ((SEND, DELAY), MailState.DELAYED),
    ((SEND, DELAY, DELIVERY), MailState.DELIVERED),
    ((SEND, DELAY, SOFT), MailState.BOUNCED),
    ((SEND, DELIVERY, SOFT), MailState.DELIVERED),
    ((SEND, DELIVERY, HARD), MailState.BOUNCED),
    ((SEND, DELIVERY, SPAM), MailState.COMPLAINED),
    ((SEND, DELIVERY, NOT_SPAM), MailState.DELIVERED),
    ((SEND, entry("Reject")), MailState.REJECTED),
    ((entry("Rendering Failure"),), MailState.REJECTED),
    ((SEND, entry("Subscription")), MailState.SENT),
    ((entry("Attempt", category="unknown"), SEND), MailState.SENT),
    ((entry("Attempt", category="unknown"), entry("An event of tomorrow")), MailState.UNKNOWN),
    ((entry("Attempt", category="refused"),), MailState.NOT_ACCEPTED),
    ((entry("Attempt", category="suppressed"),), MailState.SUPPRESSED),
    ((entry("Attempt", category="sent"),), MailState.SENT),
)


@pytest.mark.parametrize(("entries", "expected"), CASES)
def test_events_in_any_order_and_doubled_give_one_state(entries: tuple[LogEntry, ...], expected: MailState):
    for order in permutations(entries * 2 if len(entries) < 3 else entries):
        assert state(*order) is expected


@pytest.mark.parametrize(
    ("entries", "now", "expected"),
    [
        ((), SOON, MailState.UNKNOWN),
        ((), LATE - timedelta(milliseconds=1), MailState.UNKNOWN),
        ((), LATE, MailState.NOT_ACCEPTED),
        ((entry("Attempt", category="unknown"),), SOON, MailState.UNKNOWN),
        ((entry("Attempt", category="unknown"),), LATE, MailState.NOT_ACCEPTED),
        ((SEND,), LATE, MailState.SENT),
    ],
)
def test_absence_of_events_decides_after_an_hour(entries: tuple[LogEntry, ...], now: datetime, expected: MailState):
    found = outcome_of(ID, entries, handed_over=NOW, now=now)
    assert found.state is expected
    assert found.until == (LATE if expected is MailState.UNKNOWN else None)
    assert found.state.was_accepted == (expected is MailState.SENT)


def test_absence_says_nothing_of_mail_sent_without_a_log():
    id_ = new_id(int(NOW.timestamp() * 1000))
    found = outcome_of(id_, (), handed_over=NOW, now=LATE)
    assert (found.state, found.until) == (MailState.UNKNOWN, None)
    assert outcome_of(id_, (SEND,), handed_over=NOW, now=LATE).state is MailState.SENT


def test_mailer_marks_ids_while_a_log_is_on(transport: "Scripted", log: MemoryMessageLog):
    with_log, without = (
        Mailer(outputs(), transport=transport, suppressions=MemorySuppressions(), message_log=one)
        for one in (log, None)
    )
    assert was_logged(with_log.send(HELLO).id)
    assert not was_logged(without.send(HELLO).id)


def test_message_state_is_the_worst_of_its_recipients():
    bounced = entry("Bounce", BOB, category="Permanent General", words="smtp; 550 5.1.1 unknown")
    found = outcome_of(ID, (SEND, DELIVERY, entry("Send", BOB), bounced), handed_over=NOW, now=SOON)
    assert found.state is MailState.BOUNCED
    assert {one.address: one.state for one in found.recipients} == {ADA: MailState.DELIVERED, BOB: MailState.BOUNCED}
    assert (found.recipients[1].words, found.message_id) == ("smtp; 550 5.1.1 unknown", "0100-example")
    assert "bob@" not in repr(found) + repr(found.recipients)


class Scripted:
    """A transport that answers as it is told, in the place of SES."""

    reports_events = True

    def __init__(self) -> None:
        self.answer: Any = OutcomeUnknown("No answer.")

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return tuple(RecipientResult(one, Status.SENT, "0100-example") for one in message.recipients)


@pytest.fixture
def transport() -> Scripted:
    return Scripted()


@pytest.fixture
def log() -> MemoryMessageLog:
    return MemoryMessageLog(30)


@pytest.fixture
def mail(transport: Scripted, log: MemoryMessageLog) -> Iterator[Mailer]:
    with Mailer(outputs(), transport=transport, suppressions=MemorySuppressions(), message_log=log) as mailer:
        yield mailer


def test_lost_answer_is_unknown_until_the_event_comes(mail: Mailer, log: MemoryMessageLog):
    result = mail.send(HELLO)
    assert [one.status for one in result] == [Status.UNKNOWN] * 2
    before = mail.outcome(result.id)
    handed_over = time_of(result.id)
    assert handed_over
    assert (before.state, before.until) == (MailState.UNKNOWN, handed_over + timedelta(hours=1))
    sent = datetime.now(UTC)
    log.add(entry("Send", one, id_=result.id, at=sent, sent_at=sent) for one in (ADA, BOB))
    assert mail.outcome(result.id).state is MailState.SENT


def test_lost_message_is_not_accepted_after_an_hour(mail: Mailer, monkeypatch: pytest.MonkeyPatch):
    earlier = datetime.now(UTC) - timedelta(minutes=61)
    monkeypatch.setattr(
        "mailer.sending.pipeline.new_id", lambda **_: new_id(int(earlier.timestamp() * 1000), logged=True)
    )
    found = mail.outcome(mail.send(HELLO).id)
    assert found.state is MailState.NOT_ACCEPTED
    assert not found.state.was_accepted


def test_message_that_was_sent_records_nothing(mail: Mailer, transport: Scripted, log: MemoryMessageLog):
    transport.answer = None
    result = mail.send(HELLO)
    assert result.ok
    assert log.of_message(result.id) == []


def test_unsent_message_is_recorded_for_each_recipient(transport: Scripted, log: MemoryMessageLog):
    suppressions = MemorySuppressions()
    suppressions.put(Suppression(BOB, "bounce"))
    mail = Mailer(outputs(), transport=transport, suppressions=suppressions, message_log=log)
    transport.answer = Refused("Address ada@example.org is not verified.")
    result = mail.send(HELLO, tags={"order": 7})
    found = {one.recipient: one for one in log.of_message(result.id)}
    assert {address: one.category for address, one in found.items()} == {ADA: "refused", BOB: "suppressed"}
    assert found[ADA].words == "Address *** is not verified."
    assert found[ADA].tags == (("order", "7"),)
    states = {one.address: one.state for one in mail.outcome(result.id).recipients}
    assert states == {ADA: MailState.NOT_ACCEPTED, BOB: MailState.SUPPRESSED}


def test_log_out_of_reach_changes_no_result(transport: Scripted, caplog: pytest.LogCaptureFixture):
    class Broken(MemoryMessageLog):
        def add(self, entries: object) -> None:
            raise StoreError("The table is throttled.")

    mail = Mailer(outputs(), transport=transport, suppressions=MemorySuppressions(), message_log=Broken())
    result = mail.send(HELLO)
    assert [one.status for one in result] == [Status.UNKNOWN] * 2
    assert f"Not recorded in the message log: id={result.id} The table is throttled." in caplog.text


def test_stack_without_a_log_names_the_setting(transport: Scripted):
    mail = Mailer(outputs(), transport=transport, suppressions=MemorySuppressions())
    with pytest.raises(ConfigurationError, match="keeps no message log") as raised:
        mail.outcome(mail.send(HELLO).id)
    assert "mailstack:messageLog.days" in raised.value.hint


@pytest.mark.parametrize("id_", ["", "0100-example", "0f" * 16, ADA])
def test_id_of_another_system_is_refused(mail: Mailer, id_: str):
    with pytest.raises(InvalidMessageId, match="UUIDv7") as raised:
        mail.outcome(id_)
    assert "mailer trace" in raised.value.hint
    assert isinstance(raised.value, ValueError)


def test_id_older_than_the_retention_is_refused(mail: Mailer):
    old = datetime.now(UTC) - timedelta(days=30)
    with pytest.raises(OutcomeExpired, match=f"handed over on {old:%Y-%m-%d}, and the message log keeps 30 days"):
        mail.outcome(new_id(int(old.timestamp() * 1000)))


def test_states_are_known_for_every_pair_of_recipients():
    kinds = {MailState.SENT: SEND, MailState.DELIVERED: DELIVERY, MailState.BOUNCED: HARD, MailState.COMPLAINED: SPAM}
    order = [MailState.DELIVERED, MailState.SENT, MailState.BOUNCED, MailState.COMPLAINED]
    for one, other in product(kinds, kinds):
        theirs = entry(kinds[other].kind, BOB, category=kinds[other].category)
        assert state(kinds[one], theirs) is max(one, other, key=order.index)
