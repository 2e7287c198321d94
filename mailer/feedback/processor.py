"""Stores the effects of an event, idempotently: duplicate and out-of-order deliveries end in the same state.

Not for deciding what an event means (`policy.py`), or for receiving it (`lambdas/feedback`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mailer.address import mask
from mailer.errors import MalformedEvent, StoreError
from mailer.feedback.events import event_key
from mailer.feedback.log_entries import entries_of
from mailer.feedback.policy import decide
from mailer.stores.base import REMEMBERED, ProcessedEvent, PutOutcome, Suppression, utcnow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mailer.feedback.events import Event, Recipient
    from mailer.feedback.policy import Decision
    from mailer.stores.base import EventStore, Reason, SuppressionStore
    from mailer.stores.messages import MessageLog

Status = Literal["suppressed", "superseded", "recorded", "ignored", "duplicate"]
_ACTIONS = ("ignore", "record", "suppress")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient's part of an event; fit for a log line.

    Attributes:
        recipient: The address, masked.
        status: `suppressed`: the address is suppressed. `superseded`: it would be, and a person put it back after this
            happened. `recorded`, `ignored`, or `duplicate` when it had been dealt with before.
        counts: Whether it is to be counted now; a duplicate never is.
        counts_as: What it counts as, a duplicate too; see `mailer.feedback.policy.Decision`.
        event_key: The same for every delivery of the event, so that lines can be counted once each.
    """

    kind: str
    message_id: str
    configuration_set: str
    recipient: str
    status: "Status"
    reason: str
    detail: str
    counts: bool
    counts_as: str
    simulator: bool
    event_key: str


class Processor:
    """Applies the policy to events and stores the effects.

    Args:
        suppressions: Where addresses are suppressed.
        events: Where processed events are remembered.
        clock: The time now, with a zone.
        report: Called with each outcome as soon as it is final, whatever becomes of the event's other recipients.
        messages: The message log; None if the stack keeps none.
    """

    def __init__(
        self,
        suppressions: "SuppressionStore",
        events: "EventStore",
        *,
        clock: "Callable[[], datetime]" = utcnow,
        report: "Callable[[Outcome], None] | None" = None,
        messages: "MessageLog | None" = None,
    ) -> None:
        self._suppressions = suppressions
        self._messages = messages
        self._events = events
        self._clock = clock
        self._report = report

    def process(self, event: "Event") -> list[Outcome]:
        """Process one event, recipient by recipient; a failure does not stop the others.

        Raises:
            StoreError: The store failed; finished writes are kept, and processing the event again completes it.
            MalformedEvent: Not every recipient could be parsed; the others are processed.
        """
        outcomes, failures = list[Outcome](), list[Exception]()
        for recipients in _by_address(event):
            try:
                outcome = self._process(event, recipients)
            except Exception as error:  # noqa: BLE001 - raised below, when the others are done
                failures.append(error)
                continue
            outcomes.append(outcome)
            if self._report:
                self._report(outcome)
        if self._messages:
            try:  # last: suppressions matter more, and an event that fails here is processed again
                self._messages.add(entries_of(event))
            except StoreError as error:
                failures.append(error)
        if event.unreadable:
            failures.append(MalformedEvent(" ".join(event.unreadable)))
        if failures:
            raise failures[0]
        return outcomes

    def _process(self, event: "Event", recipients: "Sequence[Recipient]") -> Outcome:
        recipient, decision = _strongest(event, recipients)
        if decision.action == "ignore":
            return _outcome(event, recipient, decision, "ignored")
        # Saves the writes below, and does not suppress an address again that a person deleted from the table by hand.
        if self._events.get(event_key(event, recipient)):
            return _outcome(event, recipient, decision, "duplicate")
        status: Status = "recorded"
        if decision.reason:
            # Write the suppression first, which is idempotent, then mark the event as processed: a crash between the
            # two repeats a write and loses no suppression.
            put = self._suppressions.put(_suppression(event, recipient, decision, decision.reason))
            status = "superseded" if put is PutOutcome.REMOVED_SINCE else "suppressed"
        # If several workers process the same event, the store reports it as new to exactly one.
        if not self._events.record(self._mark(event, recipient, decision, status)):
            status = "duplicate"
        return _outcome(event, recipient, decision, status)

    def _mark(self, event: "Event", recipient: "Recipient", decision: "Decision", status: "Status") -> ProcessedEvent:
        return ProcessedEvent(
            key=event_key(event, recipient),
            kind=event.kind,
            outcome=status,
            detail=decision.detail,
            recipient=mask(recipient.address),
            message_id=event.mail.message_id,
            simulator=decision.simulator,
            occurred_at=event.occurred_at,
            expires_at=self._clock() + REMEMBERED,
            counts_as=decision.counts_as,
        )


def _by_address(event: "Event") -> "list[list[Recipient]]":
    grouped: dict[str, list[Recipient]] = {}
    for recipient in event.recipients:
        grouped.setdefault(recipient.address, []).append(recipient)
    return list(grouped.values())


def _strongest(event: "Event", recipients: "Sequence[Recipient]") -> "tuple[Recipient, Decision]":
    """The strongest decision about one address; the first among equals."""
    decisions = ((recipient, decide(event, recipient)) for recipient in recipients)
    return max(decisions, key=lambda found: (_ACTIONS.index(found[1].action), found[1].counts))


def _suppression(event: "Event", recipient: "Recipient", decision: "Decision", reason: "Reason") -> Suppression:
    return Suppression(
        address=recipient.address,
        reason=reason,
        detail=decision.detail,
        created_at=event.occurred_at,
        message_id=event.mail.message_id,
        feedback_id=event.feedback_id,
    )


def _outcome(
    event: "Event",
    recipient: "Recipient",
    decision: "Decision",
    status: "Status",
) -> Outcome:
    return Outcome(
        kind=event.kind,
        message_id=event.mail.message_id,
        configuration_set=event.mail.configuration_set,
        recipient=mask(recipient.address),
        status=status,
        reason=decision.reason or "",
        detail=decision.detail,
        counts=decision.counts and status != "duplicate",
        counts_as=decision.counts_as,
        simulator=decision.simulator,
        event_key=event_key(event, recipient),
    )
