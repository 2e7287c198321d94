from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations

import pytest

from mailer.feedback.events import Event
from mailer.feedback.processor import REMEMBERED, Processor
from mailer.stores.base import ProcessedEvent, StoreError, Suppression

from .memory import MemoryEvents, MemorySuppressions
from .payloads import RECEIVED, bounce, bounced, changed, load, parsed

ADA = "ada@example.org"


class Loop:
    """A processor and the stores behind it."""

    def __init__(self) -> None:
        self.suppressions = MemorySuppressions()
        self.events = MemoryEvents(clock=lambda: RECEIVED)
        self.processor = Processor(self.suppressions, self.events, clock=lambda: RECEIVED)

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


def test_every_recipient_of_one_event_is_dealt_with_and_nobody_else():
    loop = Loop()
    assert loop.take(parsed(load("notification-bounce"))) == ["suppressed", "suppressed"]
    assert set(loop.suppressions.rows) == {ADA, "alan@example.org"}


def test_trouble_that_suppresses_nobody_is_on_record_for_a_while():
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


def test_what_is_kept_of_an_event_names_no_address():
    loop = Loop()
    loop.take(parsed(load("bounce")), parsed(load("delivery-delay")))
    assert all("ada@" not in repr(row) for row in loop.events.rows.values())
    assert {row.recipient for row in loop.events.rows.values()} == {"a***@example.org"}


def test_the_same_event_again_changes_nothing():
    loop = Loop()
    assert loop.take(*[parsed(load("bounce"))] * 3) == ["suppressed", "duplicate", "duplicate"]
    assert len(loop.events.rows) == 1


def test_an_old_event_delivered_again_does_not_undo_a_persons_decision():
    loop = Loop()
    loop.take(parsed(load("bounce")))
    assert loop.suppressions.remove(ADA)
    assert loop.take(parsed(load("bounce"))) == ["duplicate"]
    assert not loop.suppressions.rows


def test_a_new_bounce_after_a_persons_decision_suppresses_again():
    loop = Loop()
    loop.take(bounce(feedbackId="f1"))
    loop.suppressions.remove(ADA)
    assert loop.take(bounce(feedbackId="f2")) == ["suppressed"]
    assert ADA in loop.suppressions.rows


STORY = (
    parsed(load("complaint")),
    bounce(feedbackId="f1", timestamp="2026-03-01T00:00:00Z"),
    bounce(feedbackId="f2", timestamp="2026-03-03T00:00:00Z"),
    parsed(changed("complaint", "complaint", complaintFeedbackType="not-spam", feedbackId="f3")),
    bounce(feedbackId="f4", bounceType="Transient", bouncedRecipients=bounced(ADA, status="4.2.2")),
)


@pytest.mark.parametrize("order", list(permutations(STORY)))
def test_in_whatever_order_events_arrive_the_same_is_left_behind(order: Sequence[Event]):
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
    simulated = bounce(feedbackId="f9", bouncedRecipients=bounced("bounce@simulator.amazonses.com"))
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
    assert "bounce@simulator.amazonses.com" in loop.suppressions.rows


def test_an_outcome_is_fit_for_a_log_line():
    (outcome,) = Loop().processor.process(parsed(load("bounce")))
    assert outcome.recipient == "a***@example.org"
    assert outcome.configuration_set == "mailstack-prod-transactional"
    assert "ada@" not in repr(outcome)
