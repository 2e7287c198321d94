"""What a relay makes of each result, and how it decides about a mail whose outcome is unknown."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from mailer import Mailer, Message, OutboxMail, OutboxPolicy, OutboxRelay, OutboxStatus, SendHook, SqlStores
from mailer.errors import (
    ConfigurationError,
    MailerError,
    OutcomeUnknown,
    QuotaExceeded,
    Refused,
    SendingPaused,
    StoreError,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.message_id import time_of, was_logged
from mailer.results import RecipientResult, Status
from mailer.stores.base import Suppression
from mailer.stores.memory import MemorySuppressions
from mailer.stores.messages import LogEntry
from mailer.testing import Outbox
from tests.contract.suppression_store import NOW, Clock
from tests.waiting import eventually

HELLO = Message(subject="Hello", text="Hello", to="ada@example.com")
TWO = Message(subject="Hello", text="Hello", to=["ada@example.com", "bob@example.com"])
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
Drain = Callable[..., int]


def only(mailer: Mailer) -> OutboxMail:
    (found,) = mailer.outbox.find()
    return found


def put(mailer: Mailer, message: Message = HELLO, **options: Any) -> str:
    return mailer.enqueue(message, connection=None, **options).id


def event(kind: str, mail: OutboxMail, address: str = "ada@example.com", **parts: Any) -> LogEntry:
    given = LogEntry(key=f"{kind} {address}", kind=kind, recipient=address, at=NOW, sent_at=NOW, id=mail.attempt_id)
    return replace(given, **parts)


def test_mail_is_sent_under_the_id_of_its_attempt(mailer: Mailer, sent: Outbox, drain: Drain):
    id_ = put(mailer)
    assert drain() == 1
    (message,), mail = sent, only(mailer)
    assert (message.subject, message.id) == ("Hello", mail.attempt_id)
    assert (mail.id, mail.status, mail.message_id, mail.attempts) == (id_, OutboxStatus.SENT, "outbox-1", 1)
    assert time_of(mail.attempt_id) == NOW
    assert was_logged(mail.attempt_id)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Throttled("too fast"), OutboxStatus.PENDING, "throttled: too fast"),
        (QuotaExceeded("used up"), OutboxStatus.PENDING, "throttled: used up"),
        (Unreachable("no route"), OutboxStatus.PENDING, "failed: no route"),
        (SendingPaused("paused"), OutboxStatus.PENDING, "refused: paused"),
        (Refused("550 <ada@example.com> no"), OutboxStatus.DEAD, "refused: 550 <***> no"),
        (OutcomeUnknown("no answer"), OutboxStatus.UNKNOWN, "unknown: no answer"),
    ],
)
def test_result_decides_what_becomes_of_a_mail(
    mailer: Mailer, sent: Outbox, drain: Drain, error: TransportError, status: OutboxStatus, said: str
):
    put(mailer)
    sent.fail(error)
    assert drain() == 1
    mail = only(mailer)
    assert (mail.status, mail.reason) == (status, said)
    assert mail.due_at > NOW or status is OutboxStatus.DEAD


def test_mail_that_was_not_accepted_is_tried_again(mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock):
    put(mailer)
    sent.fail(Throttled("too fast"), times=2)
    for _ in range(3):
        drain()
        clock.now += timedelta(minutes=1)
    assert (only(mailer).status, only(mailer).attempts, len(sent)) == (OutboxStatus.SENT, 3, 1)


def test_relay_gives_up_after_the_time_of_the_policy(mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock):
    put(mailer)
    sent.fail(Throttled("too fast"), times=9)
    drain(give_up_after=HOUR)
    clock.now += HOUR
    drain(give_up_after=HOUR)
    assert (only(mailer).status, only(mailer).reason) == (
        OutboxStatus.DEAD,
        "gave up after 2 attempts: throttled: too fast",
    )


def test_mail_expires_while_it_is_retried(mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock):
    put(mailer, expires_at=NOW + HOUR)
    sent.fail(Throttled("too fast"))
    drain()
    clock.now += HOUR
    assert drain() == 0
    assert only(mailer).status is OutboxStatus.EXPIRED
    assert not sent


def test_suppressed_mail_is_no_dead_letter(make: Callable[..., Mailer], sent: Outbox, drain: Drain):
    suppressions = MemorySuppressions()
    suppressions.put(Suppression("ada@example.com", "complaint"))
    mailer = make(suppressions=suppressions)
    put(mailer)
    drain(mailer)
    assert only(mailer).status is OutboxStatus.SUPPRESSED
    put(mailer, TWO)
    drain(mailer)
    (mail,) = mailer.outbox.find(status="sent")
    assert mail.reason.startswith("1 of 2 suppressed")


class SomeRecipients:
    """A service that takes a mail for some of its recipients, as SMTP servers do."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        self.sent.append([address.email for address in message.recipients])
        first, *others = message.recipients
        later = (RecipientResult.of_error(one, Throttled("450 later")) for one in others)
        return (RecipientResult(first, Status.SENT, "1"), *later)


def test_recipients_who_are_served_do_not_get_it_again(make: Callable[..., Mailer], drain: Drain, clock: Clock):
    service = SomeRecipients()
    mailer = make(transport=service)
    put(mailer, TWO)
    drain(mailer)
    assert (only(mailer).status, only(mailer).reason) == (OutboxStatus.PENDING, "1 of 2 throttled: 450 later")
    clock.now += timedelta(minutes=1)
    drain(mailer)
    assert service.sent == [["ada@example.com", "bob@example.com"], ["bob@example.com"]]
    assert only(mailer).status is OutboxStatus.SENT


class Failing(SendHook):
    """A hook that does not let a message through."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error

    def before_send(self, message: Message) -> None:
        if self.error:
            raise self.error


def test_hook_that_raises_delays_the_mail(make: Callable[..., Mailer], sent: Outbox, drain: Drain, clock: Clock):
    hook = Failing(RuntimeError("no mail to ada@example.com on Sunday"))
    mailer = make(hooks=[hook])
    put(mailer)
    drain(mailer)
    assert (only(mailer).status, only(mailer).reason) == (
        OutboxStatus.PENDING,
        "RuntimeError: no mail to *** on Sunday",
    )
    hook.error = None
    clock.now += timedelta(minutes=1)
    drain(mailer)
    assert len(sent) == 1


class Crashing:
    """A transport with a defect: it raises what no transport may."""

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        raise ValueError("a defect")


def test_unexpected_error_after_the_call_is_unknown(make: Callable[..., Mailer], drain: Drain):
    mailer = make(transport=Crashing())
    put(mailer)
    drain(mailer)
    assert (only(mailer).status, only(mailer).reason) == (OutboxStatus.UNKNOWN, "ValueError: a defect")


def test_template_that_is_gone_is_a_dead_letter(mailer: Mailer, sent: Outbox, drain: Drain, stores: SqlStores):
    put(mailer)
    table = stores._database.tables.outbox
    with stores._database.write("change") as connection:
        row = connection.execute(table.select()).one()
        changed = row.payload.replace(
            '"subject"', '"later": {"class": "gone:Mail", "fields": "{}", "subject": null}, "s"'
        )
        connection.execute(table.update().values(payload=changed))
    drain()
    assert only(mailer).status is OutboxStatus.DEAD
    assert "gone:Mail cannot be imported" in only(mailer).reason


def lost(mailer: Mailer, sent: Outbox, drain: Drain, message: Message = HELLO) -> OutboxMail:
    """A mail whose answer was lost."""
    put(mailer, message)
    sent.fail(OutcomeUnknown("no answer"))
    drain()
    assert only(mailer).status is OutboxStatus.UNKNOWN
    return only(mailer)


def test_event_of_the_attempt_proves_that_it_was_sent(
    mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock, stores: SqlStores
):
    mail = lost(mailer, sent, drain)
    assert stores.messages
    stores.messages.add([event("Send", mail, message_id="0100-example")])
    clock.now += SECOND
    assert drain() == 0
    assert (only(mailer).status, only(mailer).message_id) == (OutboxStatus.SENT, "0100-example")


def sent_later(mailer: Mailer, drain: Drain, clock: Clock, stores: SqlStores, *, has_event: bool = True) -> str:
    """Another mail, sent a second later, and its event."""
    clock.now += SECOND
    id_ = put(mailer, to="eve@example.com")
    drain()
    (mail,) = mailer.outbox.find(id_)
    assert stores.messages
    if has_event:
        stores.messages.add([event("Send", mail, "eve@example.com", message_id="0100-later")])
    return id_


def test_absence_of_an_event_decides_only_after_the_time(
    mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock, stores: SqlStores
):
    id_ = lost(mailer, sent, drain).id
    sent_later(mailer, drain, clock, stores)
    clock.now = NOW + HOUR - SECOND
    assert drain() == 0
    assert mailer.outbox.find(id_)[0].status is OutboxStatus.UNKNOWN
    clock.now = NOW + HOUR + timedelta(seconds=30)
    assert drain() == 1
    assert (mailer.outbox.find(id_)[0].status, mailer.outbox.find(id_)[0].attempts) == (OutboxStatus.SENT, 2)


def test_absence_in_a_log_without_any_event_decides_nothing(
    mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock, stores: SqlStores
):
    """Nobody processes the events, or they are late: the log was on, and has no event of later mails, either."""
    id_ = lost(mailer, sent, drain).id
    later = sent_later(mailer, drain, clock, stores, has_event=False)
    clock.now = NOW + HOUR * 12
    drain()
    (mail,) = mailer.outbox.find(id_)
    assert (mail.status, len(sent)) == (OutboxStatus.UNKNOWN, 2)
    assert mail.reason == "the message log has no event of this mail, nor of any that was sent after it"
    assert stores.messages
    stores.messages.add([event("Send", mailer.outbox.find(later)[0], "eve@example.com", message_id="0100-later")])
    clock.now += timedelta(minutes=1)
    assert drain() == 1
    assert len(sent) == 3


def test_event_of_an_earlier_mail_proves_nothing(
    mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock, stores: SqlStores
):
    sent_later(mailer, drain, clock, stores)
    clock.now += SECOND
    id_ = put(mailer)
    sent.fail(OutcomeUnknown("no answer"))
    drain()
    clock.now = NOW + timedelta(days=2)
    drain()
    assert mailer.outbox.find(id_)[0].status is OutboxStatus.UNKNOWN


def test_event_about_one_recipient_is_evidence_for_all(
    mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock, stores: SqlStores
):
    mail = lost(mailer, sent, drain, TWO)
    assert stores.messages
    refused = event("Attempt", mail, category="refused")
    stores.messages.add([refused, event("Send", mail, "bob@example.com", message_id="0100-example")])
    clock.now += HOUR * 2
    drain()
    assert (only(mailer).status, len(sent)) == (OutboxStatus.SENT, 1)


def test_half_of_what_a_dying_process_wrote_decides_nothing(
    mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock, stores: SqlStores
):
    mail = lost(mailer, sent, drain, TWO)
    assert stores.messages
    with stores._database.write("forget") as connection:
        connection.execute(stores._database.tables.messages.delete())
    stores.messages.add([event("Attempt", mail, category="refused")])
    clock.now += timedelta(minutes=1)
    drain()
    assert only(mailer).status is OutboxStatus.UNKNOWN


@pytest.mark.parametrize("log", [False, True])
def test_without_a_message_log_an_unknown_mail_waits(
    make: Callable[..., Mailer], sent: Outbox, drain: Drain, clock: Clock, stores: SqlStores, *, log: bool
):
    """And so does one that was sent before there was one."""
    mailer = make(message_log=None)
    put(mailer)
    sent.fail(OutcomeUnknown("no answer"))
    drain(mailer)
    clock.now += timedelta(days=2)
    drain(make() if log else mailer)
    assert only(mailer).status is OutboxStatus.UNKNOWN
    assert mailer.outbox.retry(only(mailer).id, unknown=True) == 1
    assert drain(mailer) == 1
    assert only(mailer).status is OutboxStatus.SENT


def test_mail_older_than_the_message_log_is_dead(mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock):
    lost(mailer, sent, drain)
    clock.now += timedelta(days=31)
    drain()
    assert only(mailer).status is OutboxStatus.DEAD
    assert only(mailer).reason.startswith("the outcome is unknown: The message was handed over on 2026-03-02")


@pytest.mark.parametrize(
    ("policy", "status", "messages"), [("resend", OutboxStatus.SENT, 2), ("dead", OutboxStatus.DEAD, 1)]
)
def test_policy_decides_about_a_lost_answer(
    mailer: Mailer, sent: Outbox, drain: Drain, clock: Clock, policy: str, status: OutboxStatus, messages: int
):
    put(mailer)
    sent.fail(OutcomeUnknown("no answer"))
    drain(unknown=policy)
    clock.now += timedelta(minutes=1)
    drain(unknown=policy)
    assert (only(mailer).status, len(sent)) == (status, messages)


@pytest.mark.parametrize(("policy", "status"), [("resend", OutboxStatus.SENT), ("dead", OutboxStatus.DEAD)])
def test_policy_decides_about_a_dead_relay_s_mail(
    mailer: Mailer, drain: Drain, clock: Clock, policy: str, status: OutboxStatus
):
    put(mailer)
    mailer.outbox.claim("dead", ["0" * 32], SECOND)
    clock.now += timedelta(minutes=1)
    drain(unknown=policy)
    clock.now += timedelta(minutes=1)
    drain(unknown=policy)
    assert only(mailer).status is status


class Slow:
    """A hook during which time passes: the wait for the sending rate, a suspended machine."""

    def __init__(self, clock: Clock, wait: timedelta) -> None:
        self.clock, self.wait = clock, wait

    def get_many(self, *_: object) -> dict[str, Suppression]:
        self.clock.now += self.wait
        return {}


@pytest.mark.parametrize("wait", [timedelta(seconds=60), HOUR])
def test_relay_that_lost_its_claim_does_not_send(
    make: Callable[..., Mailer], sent: Outbox, drain: Drain, clock: Clock, wait: timedelta
):
    slow = Slow(clock, wait)
    mailer = make(suppressions=slow)
    put(mailer)
    drain(mailer)
    assert not sent
    assert only(mailer).status is OutboxStatus.PENDING
    assert "lost its claim" in only(mailer).reason
    slow.wait = timedelta(0)
    clock.now += timedelta(minutes=1)
    drain(mailer)
    assert len(sent) == 1


def test_claim_bounds_how_long_a_mail_may_wait_to_be_sent(make: Callable[..., Mailer], sent: Outbox, clock: Clock):
    """However often a claim is extended: the absence of an event must still decide."""
    mailer = make()
    relay = OutboxRelay(mailer, OutboxPolicy(decided_after=HOUR))

    class Extending(Slow):
        def get_many(self, *_: object) -> dict[str, Suppression]:
            for _turn in range(20):
                self.clock.now += timedelta(seconds=50)
                relay._claims.extend()
            return {}

    mailer._pipeline.suppressions = cast("Any", Extending(clock, HOUR))
    put(mailer)
    relay.drain()
    assert not sent
    assert "lost its claim" in only(mailer).reason


def test_outcome_is_recorded_when_the_database_is_back(
    mailer: Mailer, sent: Outbox, drain: Drain, monkeypatch: pytest.MonkeyPatch
):
    put(mailer)
    finish, failures = mailer.outbox.finish, [StoreError("away"), StoreError("away")]

    def unsteady(*given: Any) -> bool:
        if failures:
            raise failures.pop()
        return finish(*given)

    monkeypatch.setattr(mailer.outbox, "finish", unsteady)
    monkeypatch.setattr("mailer.outbox.relay._PAUSE", 0.01)
    drain()
    assert (only(mailer).status, len(sent)) == (OutboxStatus.SENT, 1)


def test_embedded_relay_sends_until_the_end_of_its_block(mailer: Mailer, sent: Outbox):
    with OutboxRelay(mailer, threads=3, poll=0.02):
        put(mailer)
        eventually(lambda: len(sent) == 1, "nothing is sent")
        put(mailer)
        eventually(lambda: len(sent) == 2, "nothing more is sent")
    put(mailer)
    assert len(sent) == 2
    assert mailer.outbox.counts()[OutboxStatus.SENT].count == 2


def test_relay_pauses_while_the_service_takes_nothing(
    mailer: Mailer, sent: Outbox, monkeypatch: pytest.MonkeyPatch, clock: Clock
):
    monkeypatch.setattr("mailer.outbox.relay._FIRST_BRAKE", 0.01)
    relay = OutboxRelay(mailer, threads=1, poll=0.01)
    for _ in range(4):
        put(mailer)
    sent.fail(Unreachable("no route"), times=2)
    with relay:
        eventually(lambda: len(sent) == 2, "the others are not sent")
    assert relay._brake == 0
    assert sorted(mail.status for mail in mailer.outbox.find()) == ["pending", "pending", "sent", "sent"]


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"threads": 65}, {"poll": 0.0}, {"poll": 9999.0}])
def test_relay_outside_of_its_range_is_refused(mailer: Mailer, wrong: dict[str, Any]):
    with pytest.raises(ConfigurationError, match="OutboxRelay: "):
        OutboxRelay(mailer, **wrong)


@pytest.mark.parametrize("wrong", [{"unknown": "perhaps"}, {"lease": timedelta(0)}, {"keep": -HOUR}])
def test_policy_outside_of_its_range_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ConfigurationError, match="OutboxPolicy: ") as raised:
        OutboxPolicy(**wrong)
    assert isinstance(raised.value, MailerError)


def test_clock_that_is_set_back_does_not_extend_a_claim(make: Callable[..., Mailer], monkeypatch: pytest.MonkeyPatch):
    """The monotonic clock goes on."""
    seconds, mailer = [0.0], make()
    put(mailer)
    monkeypatch.setattr("mailer.outbox.claims.time.monotonic", lambda: seconds[0])
    claims = OutboxRelay(mailer)._claims
    (claim,) = mailer.outbox.claim("relay", ["0" * 32], timedelta(seconds=60))
    claims.add([claim], NOW, 0.0)
    assert claims._is_held("0" * 32)
    seconds[0] = 60.0
    assert not claims._is_held("0" * 32)
