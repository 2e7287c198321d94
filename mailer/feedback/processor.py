"""Stores the effects of an event, idempotently: duplicate and out-of-order deliveries end in the same state.

Not for deciding what an event means (`policy.py`), or for receiving it (`lambdas/feedback`).
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from mailer.address import mask
from mailer.errors import MalformedEvent, StoreError
from mailer.feedback.codes import status_code
from mailer.feedback.events import Bounce, Delivery, event_key
from mailer.feedback.log_entries import entries_of
from mailer.feedback.policy import decide
from mailer.stores.base import REMEMBERED, ProcessedEvent, PutOutcome, Suppression, utcnow
from mailer.stores.soft_bounces import Mailbox, SoftBounce

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mailer.feedback.events import Event, Recipient
    from mailer.feedback.policy import Decision
    from mailer.feedback.soft_bounces import SoftBounces
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


class Redelivery(Protocol):
    """What sends lost mail again: `mailer.outbox.redelivery`."""

    def learn(self, event: "Event", recipient: "Recipient", decision: "Decision") -> None:
        """Learn of one recipient's part of an event; idempotent. Raises `StoreError`."""
        ...


class Processor:
    """Applies the policy to events and stores the effects.

    Args:
        suppressions: Where addresses are suppressed.
        events: Where processed events are remembered.
        clock: The time now, with a zone.
        report: Called with each outcome as soon as it is final, whatever becomes of the event's other recipients.
        messages: The message log; None if the stack keeps none.
        soft_bounces: What suppresses mailboxes that bounce for now; None if nothing does.
        redelivery: What sends mail again that was lost to a soft bounce; None if nothing does.
    """

    def __init__(
        self,
        suppressions: "SuppressionStore",
        events: "EventStore",
        *,
        clock: "Callable[[], datetime]" = utcnow,
        report: "Callable[[Outcome], None] | None" = None,
        messages: "MessageLog | None" = None,
        soft_bounces: "SoftBounces | None" = None,
        redelivery: "Redelivery | None" = None,
    ) -> None:
        self._suppressions = suppressions
        self._messages = messages
        self._soft_bounces, self._redelivery = soft_bounces, redelivery
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
        for recipient, decision in decisions(event):
            try:
                outcome = self._process(event, recipient, decision)
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

    def _process(self, event: "Event", recipient: "Recipient", decision: "Decision") -> Outcome:
        if self._soft_bounces and isinstance(event, Delivery) and recipient.address:
            self._soft_bounces.learn(recipient.address, Mailbox(delivered_at=event.occurred_at))
        if self._redelivery:  # also of an event that another processor has done, which may have no outbox
            self._redelivery.learn(event, recipient, decision)
        if decision.action == "ignore":
            return _outcome(event, recipient, decision, "ignored", event_key(event, recipient))
        key = event_key(event, recipient)
        # Saves the writes below, and does not suppress an address again that a person deleted from the table by hand.
        if self._events.get(key):
            return _outcome(event, recipient, decision, "duplicate", key)
        status: Status = "recorded"
        if decision.reason:
            # Write the suppression first, which is idempotent, then mark the event as processed: a crash between the
            # two repeats a write and loses no suppression.
            put = self._suppressions.put(_suppression(event, recipient, decision, decision.reason))
            status = "superseded" if put is PutOutcome.REMOVED_SINCE else "suppressed"
        elif decision.soft and isinstance(event, Bounce) and self._is_bouncing_for_long(event, recipient):
            status, decision = "suppressed", replace(decision, reason="bounce")
        # If several workers process the same event, the store reports it as new to exactly one.
        if not self._events.record(self._mark(event, recipient, decision, status, key)):
            status = "duplicate"
        return _outcome(event, recipient, decision, status, key)

    def _is_bouncing_for_long(self, event: Bounce, recipient: "Recipient") -> bool:
        """Whether the mailbox gets no mail for a while, because of this bounce and those before it."""
        if not self._soft_bounces:
            return False
        category = f"{event.bounce_type} {event.sub_type}".strip()
        bounce = SoftBounce(event.occurred_at, category, status_code(recipient))
        return self._soft_bounces.learn(recipient.address, Mailbox(bounces=(bounce,))) is not None

    def _mark(
        self, event: "Event", recipient: "Recipient", decision: "Decision", status: "Status", key: str
    ) -> ProcessedEvent:
        return ProcessedEvent(
            key=key,
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


def decisions(event: "Event") -> "list[tuple[Recipient, Decision]]":
    """The decision about each address of an event: the strongest, where the report says several things about one."""
    grouped: dict[str, list[Recipient]] = {}
    for recipient in event.recipients:
        grouped.setdefault(recipient.address, []).append(recipient)
    return [_strongest(event, recipients) for recipients in grouped.values()]


def _strongest(event: "Event", recipients: "Sequence[Recipient]") -> "tuple[Recipient, Decision]":
    """The strongest decision about one address; the first among equals."""
    decided = ((recipient, decide(event, recipient)) for recipient in recipients)
    return max(decided, key=lambda found: (_ACTIONS.index(found[1].action), found[1].counts, found[1].soft))


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
    key: str,
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
        event_key=key,
    )
