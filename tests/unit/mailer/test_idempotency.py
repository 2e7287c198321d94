"""A key is spent by one message, whatever happens between the store's two writes."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.attachment import Attachment
from mailer.content import RawMime, StoredTemplate
from mailer.errors import (
    IdempotencyConflict,
    InvalidMessage,
    OutcomeUnknown,
    Refused,
    StoreError,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.message import Message
from mailer.options import SendOptions
from mailer.results import RecipientResult, SendResult, Status
from mailer.sending.idempotency import Once, digest, fingerprint
from mailer.stores.idempotency import IdempotencyRecord
from mailer.stores.memory import MemoryIdempotency
from mailer.testing.outbox import Outbox
from tests.contract.suppression_store import NOW, Clock

KEY = "order-1042-shipped"
MAIL = Message(subject="Shipped", text="It is on its way.", to=["ada@example.com", "bob@example.com"])


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def statuses(result: SendResult) -> list[Status]:
    return [one.status for one in result]


def test_second_send_with_a_key_returns_the_first_result(outbox: Outbox):
    first = outbox.mailer.send(MAIL, idempotency_key=KEY)
    second = outbox.mailer.send(MAIL, idempotency_key=KEY)
    assert (first.replayed, second.replayed) == (False, True)
    assert replace(second, replayed=False) == first
    assert len(outbox) == 1


def test_send_without_a_key_is_not_deduplicated(outbox: Outbox):
    outbox.mailer.send(MAIL)
    outbox.mailer.send(MAIL)
    assert len(outbox) == 2


def test_suppressed_recipients_are_replayed_too(outbox: Outbox):
    from mailer.stores.base import Suppression

    outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
    first = outbox.mailer.send(MAIL, idempotency_key=KEY)
    assert statuses(outbox.mailer.send(MAIL, idempotency_key=KEY)) == statuses(first)
    assert statuses(first) == [Status.SENT, Status.SUPPRESSED]


@pytest.mark.parametrize("error", [Throttled("slow"), Unreachable("gone"), Refused("no")])
def test_message_that_was_not_sent_leaves_the_key_usable(outbox: Outbox, error: TransportError):
    outbox.fail(error, times=4)
    assert not outbox.mailer.send(MAIL, idempotency_key=KEY).ok
    outbox.clear()
    result = outbox.mailer.send(MAIL, idempotency_key=KEY)
    assert result.ok
    assert not result.replayed


def test_lost_answer_spends_the_key(outbox: Outbox):
    outbox.fail(OutcomeUnknown("No answer."))
    first = outbox.mailer.send(MAIL, idempotency_key=KEY)
    second = outbox.mailer.send(MAIL, idempotency_key=KEY)
    assert statuses(first) == statuses(second) == [Status.UNKNOWN] * 2
    assert (second.id, len(outbox)) == (first.id, 1)
    assert isinstance(second.recipients[0].error, OutcomeUnknown)


DIFFERENT = {
    "subject": {"subject": "Shipped!"},
    "text": {"text": "It has arrived."},
    "html": {"html": "<p>It is on its way.</p>"},
    "order of recipients": {"to": ["bob@example.com", "ada@example.com"]},
    "kind of recipients": {"to": "ada@example.com", "bcc": "bob@example.com"},
    "display name": {"to": ["Ada <ada@example.com>", "bob@example.com"]},
    "reply to": {"reply_to": "help@example.com"},
    "sender": {"sender": "shop@example.com"},
    "headers": {"headers": {"X-Order": "1042"}},
    "tags": {"tags": {"order": "1042"}},
    "stream": {"stream": "marketing"},
    "tenant": {"tenant": "acme"},
    "options": {"options": SendOptions(track_opens=True)},
    "secret": {"secret": True},
    "attachment": {"attachments": Attachment("a.txt", b"one")},
    "content of an attachment": {"attachments": Attachment("a.txt", b"two")},
    "name of an attachment": {"attachments": Attachment("b.txt", b"one")},
}


def test_fingerprint_covers_every_part_of_a_message():
    messages = [MAIL, *(replace(MAIL, **parts) for parts in DIFFERENT.values())]
    messages += [
        Message(template=StoredTemplate("welcome", {"name": name}), to="ada@example.com") for name in ("Ada", "Bob")
    ]
    messages += [
        Message(raw=RawMime(f"From: shop@example.com\nTo: ada@example.com\n\n{text}\n".encode())) for text in "ab"
    ]
    prints = [fingerprint(message) for message in messages]
    assert len(set(prints)) == len(messages)
    assert fingerprint(MAIL.identified("another id")) == prints[0]


@pytest.mark.parametrize("parts", [DIFFERENT["subject"], DIFFERENT["order of recipients"]])
def test_same_key_with_other_content_is_a_conflict(outbox: Outbox, parts: dict[str, object]):
    first = outbox.mailer.send(MAIL, idempotency_key=KEY)
    with pytest.raises(IdempotencyConflict, match=first.id):
        outbox.mailer.send(replace(MAIL, **parts), idempotency_key=KEY)
    assert len(outbox) == 1


@pytest.mark.parametrize("key", ["", "k" * 256, 1042, b"order"])
def test_invalid_key_is_refused_before_sending(outbox: Outbox, key: str):
    with pytest.raises(InvalidMessage, match="1 to 255"):
        outbox.mailer.send(MAIL, idempotency_key=key)
    assert not len(outbox)


def test_stored_key_does_not_contain_the_key():
    assert "ada@example.com" not in digest("welcome-ada@example.com")
    assert digest("a\udc80") != digest("a\udc81")


def test_threads_with_one_key_send_once():
    release = threading.Event()

    class Slow(Outbox):
        def send(self, message: Message) -> tuple[RecipientResult, ...]:
            release.wait()
            return super().send(message)

    sent = Slow()
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(sent.mailer.send, MAIL, idempotency_key=KEY) for _ in range(8)]
        release.set()
        results = [future.result() for future in futures]
    assert len(sent) == 1
    assert {result.id for result in results} == {results[0].id}
    assert sum(result.replayed for result in results) == 7
    assert all(result.ok for result in results)


def once(store: MemoryIdempotency, clock: Clock, sent: list[Message]) -> Once:
    """Sleeping moves the clock, so that waiting takes no time."""

    def sleep(seconds: float) -> None:
        clock.now += timedelta(seconds=seconds)

    def send(message: Message) -> list[RecipientResult]:
        sent.append(message)
        return list(Outbox().send(message))

    return Once(store, send, busy=timedelta(seconds=80), clock=lambda: clock.now, sleep=sleep)


def begun(clock: Clock, message: Message = MAIL) -> IdempotencyRecord:
    busy, end = clock.now + timedelta(seconds=80), clock.now + timedelta(hours=24)
    return IdempotencyRecord(digest(KEY), fingerprint(message), "first-id", busy, end)


def test_sender_that_died_leaves_unknown_and_no_second_mail():
    clock, sent = Clock(), list[Message]()
    store = MemoryIdempotency(clock=lambda: clock.now)
    store.begin(begun(clock))
    result = once(store, clock, sent).deliver(MAIL.identified("second-id"), KEY)
    assert statuses(result) == [Status.UNKNOWN] * 2
    assert (result.id, result.replayed, sent) == ("first-id", True, [])
    assert clock.now >= NOW + timedelta(seconds=80)
    assert "mailstack-id" in str(result.recipients[0].error)


def test_concurrent_send_waits_for_the_first_result():
    clock, sent = Clock(), list[Message]()
    store = MemoryIdempotency(clock=lambda: clock.now)
    record = begun(clock)
    store.begin(record)
    second = once(store, clock, sent)

    def sleep(seconds: float) -> None:
        clock.now += timedelta(seconds=seconds)
        if clock.now > NOW + timedelta(seconds=1):
            results = '[["sent", "0100", "", ""], ["suppressed", "", "bounce on 2026-03-01", ""]]'
            store.complete(replace(record, results=results))

    result = replace(second, sleep=sleep).deliver(MAIL.identified("second-id"), KEY)
    assert statuses(result) == [Status.SENT, Status.SUPPRESSED]
    assert (result.id, result.message_id, sent) == ("first-id", "0100", [])


def test_concurrent_send_takes_over_a_released_key():
    clock, sent = Clock(), list[Message]()
    store = MemoryIdempotency(clock=lambda: clock.now)
    record = begun(clock)
    store.begin(record)

    def sleep(_: float) -> None:
        store.release(record)

    result = replace(once(store, clock, sent), sleep=sleep).deliver(MAIL.identified("second-id"), KEY)
    assert result.ok
    assert (result.id, result.replayed, len(sent)) == ("second-id", False, 1)


class Failing(MemoryIdempotency):
    """Raises at one of its methods."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.method = method

    def __getattribute__(self, name: str) -> object:
        if name == object.__getattribute__(self, "__dict__").get("method"):
            raise StoreError("The table cannot be reached.", hint="Try again.")
        return super().__getattribute__(name)


def failing_mailer(method: str) -> Outbox:
    outbox = Outbox()
    outbox.mailer._pipeline.idempotency = Failing(method)
    return outbox


def test_nothing_is_sent_when_the_key_cannot_be_recorded():
    outbox = failing_mailer("begin")
    result = outbox.mailer.send(MAIL, idempotency_key=KEY)
    assert statuses(result) == [Status.FAILED] * 2
    assert isinstance(result.recipients[0].error, StoreError)
    assert not len(outbox)


@pytest.mark.parametrize(("method", "error"), [("complete", None), ("release", Refused("no"))])
def test_failing_second_write_is_logged_and_keeps_the_result(
    method: str, error: TransportError | None, caplog: pytest.LogCaptureFixture
):
    outbox = failing_mailer(method)
    if error:
        outbox.fail(error)
    with caplog.at_level(logging.WARNING, "mailer"):
        result = outbox.mailer.send(MAIL, idempotency_key=KEY)
    assert result.ok is (error is None)
    assert "idempotency key" in caplog.text
    assert "ada@example.com" not in caplog.text
    again = outbox.mailer.send(MAIL, idempotency_key="another key, which works the same")
    assert again.ok


def test_addresses_are_not_stored():
    stored: list[str] = []

    class Spy(MemoryIdempotency):
        def complete(self, record: IdempotencyRecord) -> None:
            stored.append(record.results)

    outbox = Outbox()
    outbox.mailer._pipeline.idempotency = Spy()
    outbox.mailer.send(MAIL, idempotency_key=KEY)
    assert len(stored) == 1
    assert "example.com" not in stored[0]
