from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from mailer.errors import MalformedEvent, StoreError
from mailer.feedback.events import Event, parse
from mailer.feedback.processor import Outcome, Processor
from mailer.stores.base import REMEMBERED, ProcessedEvent, PutOutcome, Suppression
from mailer.testing.memory import MemoryEvents, MemorySuppressions

from .payloads import RECEIVED, bounce, bounced, changed, load, parsed

ADA = "ada@example.org"


class Loop:
    """A processor, the stores behind it, and their clock."""

    def __init__(self) -> None:
        self.now = RECEIVED
        self.suppressions = MemorySuppressions(self.clock)
        self.events = MemoryEvents(self.clock)
        self.reported: list[Outcome] = []
        self.processor = Processor(self.suppressions, self.events, clock=self.clock, report=self.reported.append)

    def clock(self) -> datetime:
        return self.now

    def take(self, *events: Event) -> list[str]:
        return [outcome.status for event in events for outcome in self.processor.process(event)]


def test_a_bounce_suppresses_its_recipient_with_the_evidence():
    loop = Loop()
    assert loop.take(parsed(load("bounce"))) == ["suppressed"]
    assert loop.suppressions.rows[ADA] == Suppression(
        address=ADA,
        reason="bounce",
        detail="Permanent General 5.1.1 smtp; 550 5.1.1 <***>... User unknown",
        created_at=datetime(2026, 3, 2, 9, 15, 6, 100_000, tzinfo=UTC),
        message_id="EXAMPLE0-5d1cf2c8-91a6-4a3e-b7f0-2c64a1f0e5d9-000000",
        feedback_id="EXAMPLE0-b0b0-4f0d-9e0b-6c1d2a3b4c5d-000000",
    )


def test_every_recipient_of_an_event_is_processed():
    loop = Loop()
    assert loop.take(parsed(load("notification-bounce"))) == ["suppressed", "suppressed"]
    assert set(loop.suppressions.rows) == {ADA, "alan@example.org"}


def test_event_without_suppression_is_recorded_for_a_while():
    loop = Loop()
    troubles = ("reject", "rendering-failure", "delivery-delay", "subscription")
    assert loop.take(*(parsed(load(name)) for name in troubles)) == ["recorded"] * 4
    assert {row.kind for row in loop.events.rows.values()} == {
        "Reject",
        "Rendering Failure",
        "DeliveryDelay",
        "Subscription",
    }
    assert {row.expires_at for row in loop.events.rows.values()} == {RECEIVED + REMEMBERED}
    assert not loop.suppressions.rows


def test_everyday_events_leave_nothing_behind():
    loop = Loop()
    assert set(loop.take(*(parsed(load(name)) for name in ("send", "delivery", "open", "click")))) == {"ignored"}
    assert not loop.events.rows


def test_recorded_event_contains_no_address():
    loop = Loop()
    loop.take(parsed(load("bounce")), parsed(load("delivery-delay")))
    assert all("ada@" not in repr(row) for row in loop.events.rows.values())
    assert {row.recipient for row in loop.events.rows.values()} == {"a***@example.org"}


def test_the_same_event_again_changes_nothing():
    loop = Loop()
    assert loop.take(*[parsed(load("bounce"))] * 3) == ["suppressed", "duplicate", "duplicate"]
    assert len(loop.events.rows) == 1


def test_redelivered_event_keeps_a_manual_removal():
    loop = Loop()
    loop.take(parsed(load("bounce")))
    assert loop.suppressions.remove(ADA)
    assert loop.take(parsed(load("bounce"))) == ["duplicate"]
    assert not loop.suppressions.rows


def test_late_bounce_keeps_a_manual_removal():
    loop = Loop()
    loop.take(bounce(feedbackId="f1"))
    loop.suppressions.remove(ADA)
    assert loop.take(bounce(feedbackId="f0"), parsed(load("complaint"))) == ["superseded", "superseded"]
    assert not loop.suppressions.rows
    assert [(line.counts_as, line.counts) for line in loop.reported[1:]] == [("bounce", True), ("complaint", True)]


def test_a_new_bounce_after_a_persons_decision_suppresses_again():
    loop = Loop()
    loop.take(bounce(feedbackId="f1"))
    loop.suppressions.remove(ADA)
    loop.now += timedelta(hours=2)
    later = changed("bounce", "bounce", feedbackId="f2", timestamp=(loop.now - timedelta(hours=1)).isoformat())
    assert loop.take(parse(later, loop.now)) == ["suppressed"]
    assert ADA in loop.suppressions.rows


def test_manual_removal_between_crash_and_retry_is_kept():
    loop = Loop()
    processor = Processor(loop.suppressions, _Crashing(loop.clock), clock=loop.clock)
    with pytest.raises(StoreError):
        processor.process(parsed(load("bounce")))
    assert loop.suppressions.remove(ADA)
    assert [outcome.status for outcome in processor.process(parsed(load("bounce")))] == ["superseded"]
    assert not loop.suppressions.rows


def test_duplicate_event_does_not_restore_a_deleted_row():
    loop = Loop()
    loop.take(parsed(load("bounce")))
    del loop.suppressions.rows[ADA]
    assert loop.take(parsed(load("bounce"))) == ["duplicate"]
    assert not loop.suppressions.rows


def test_one_bad_recipient_does_not_hold_up_the_others():
    loop = Loop()
    listed = [{"emailAddress": "<a@b.test> <c@d.test>"}, *bounced(ADA), {"emailAddress": "?"}]
    for expected in ("suppressed", "duplicate"):
        with pytest.raises(MalformedEvent, match=r"several addresses.*no address"):
            loop.take(bounce(bouncedRecipients=listed))
        assert loop.reported[-1].status == expected
    assert set(loop.suppressions.rows) == {ADA}


@pytest.mark.parametrize("error", [StoreError("Throttled."), KeyError("a defect")])
def test_store_failure_of_one_recipient_spares_the_others(error: Exception):
    class Picky(MemorySuppressions):
        def put(self, suppression: Suppression) -> PutOutcome:
            if suppression.address == ADA:
                raise error
            return super().put(suppression)

    reported: list[Outcome] = []
    processor = Processor(store := Picky(), MemoryEvents(), report=reported.append)
    event = parsed(load("notification-bounce"))
    with pytest.raises(type(error)):
        processor.process(event)
    assert set(store.rows) == {"alan@example.org"}
    assert [line.recipient for line in reported] == ["a***@example.org"]


def test_worst_report_of_an_address_counts():
    loop = Loop()
    said = [*bounced(ADA, status="5.7.1"), *bounced(ADA, status="5.1.1"), *bounced("stranger@example.com")]
    assert loop.take(bounce(bouncedRecipients=said)) == ["suppressed"]
    assert "5.1.1" in loop.suppressions.rows[ADA].detail
    assert [line.counts_as for line in loop.reported] == ["bounce"]


def test_bounce_of_forwarded_mail_suppresses_the_recipient():
    loop = Loop()
    assert loop.take(bounce(bouncedRecipients=bounced("stranger@example.com"))) == ["suppressed"]
    assert set(loop.suppressions.rows) == {ADA}


def test_a_bounce_of_a_stranger_among_several_is_on_record():
    loop = Loop()
    event = bounce(bouncedRecipients=bounced("stranger@example.com"), destination=[ADA, "alan@example.org"])
    assert loop.take(event) == ["recorded"]
    assert not loop.suppressions.rows
    assert [row.recipient for row in loop.events.rows.values()] == ["s***@example.com"]


def test_an_impossible_time_does_not_lose_a_suppression():
    loop = Loop()
    loop.suppressions.remove(ADA)
    loop.now += timedelta(days=1)
    for number, time in enumerate(
        ["1969-12-31T00:00:00Z", "9999-12-31T23:59:59-12:00", "", "0001-01-01T00:00:00+14:00"]
    ):
        event = changed("bounce", "bounce", timestamp=time, feedbackId=f"f{number}")
        event["mail"]["timestamp"] = time
        assert loop.take(parse(event, loop.now)) == ["suppressed"]
        loop.suppressions.remove(ADA)
        loop.now += timedelta(days=1)


STORY = (
    parsed(load("complaint")),
    bounce(feedbackId="f1", timestamp="2026-03-01T00:00:00Z"),
    bounce(feedbackId="f2", timestamp="2026-03-03T00:00:00Z"),
    parsed(changed("complaint", "complaint", complaintFeedbackType="not-spam", feedbackId="f3")),
    bounce(feedbackId="f4", bounceType="Transient", bouncedRecipients=bounced(ADA, status="4.2.2")),
)


@pytest.mark.parametrize("order", list(permutations(STORY)))
def test_event_order_does_not_change_the_result(order: Sequence[Event]):
    loop, reference = Loop(), Loop()
    reference.take(*STORY)
    loop.take(*order, *order)
    assert loop.suppressions.rows == reference.suppressions.rows
    assert loop.events.rows == reference.events.rows
    assert loop.suppressions.rows[ADA].reason == "complaint"


def test_a_suppression_by_hand_outlasts_every_event():
    loop = Loop()
    by_hand = Suppression(ADA, "manual", "asked by telephone", created_at=datetime(2020, 1, 1, tzinfo=UTC))
    loop.suppressions.put(by_hand)
    loop.take(*STORY)
    assert loop.suppressions.rows[ADA] == by_hand


class _Crashing(MemoryEvents):
    """Fails once, after the suppression was written and before the event is marked."""

    crashed = False

    def record(self, event: ProcessedEvent) -> bool:
        if not self.crashed:
            self.crashed = True
            raise StoreError("The power went out.")
        return super().record(event)


def test_a_crash_between_the_two_writes_loses_nothing():
    loop = Loop()
    processor = Processor(loop.suppressions, events := _Crashing())
    with pytest.raises(StoreError):
        processor.process(parsed(load("bounce")))
    assert ADA in loop.suppressions.rows
    assert [outcome.status for outcome in processor.process(parsed(load("bounce")))] == ["suppressed"]
    assert len(events.rows) == 1


def test_duplicates_and_the_simulator_do_not_count_in_rates():
    loop = Loop()
    address = "bounce@simulator.amazonses.com"
    simulated = bounce(feedbackId="f9", bouncedRecipients=bounced(address), destination=[address])
    outcomes = [
        outcome
        for event in (parsed(load("bounce")), parsed(load("bounce")), simulated)
        for outcome in loop.processor.process(event)
    ]
    assert [(outcome.status, outcome.counts) for outcome in outcomes] == [
        ("suppressed", True),
        ("duplicate", False),
        ("suppressed", False),
    ]
    assert address in loop.suppressions.rows
    assert [(outcome.counts_as, outcome.event_key) for outcome in outcomes[:2]] == [
        ("bounce", outcomes[0].event_key)
    ] * 2


def test_an_outcome_is_fit_for_a_log_line():
    (outcome,) = Loop().processor.process(parsed(load("bounce")))
    assert outcome.recipient == "a***@example.org"
    assert outcome.configuration_set == "mailstack-prod-transactional"
    assert "ada@" not in repr(outcome)
