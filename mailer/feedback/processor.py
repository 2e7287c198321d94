"""From an event to the store, exactly once in effect: delivered twice or out of order, it leaves the same behind.

Not for deciding what an event means (`policy.py`), nor for where it comes from (`lambdas/feedback`).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from mailer.address import mask
from mailer.feedback.events import event_key
from mailer.feedback.policy import decide
from mailer.stores.base import ProcessedEvent, Suppression, utcnow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mailer.feedback.events import Event, Recipient
    from mailer.feedback.policy import Decision
    from mailer.stores.base import EventStore, Reason, SuppressionStore

Status = Literal["suppressed", "recorded", "ignored", "duplicate"]
# A message lives 14 days at most in a queue and, moved there, 14 more in its DLQ; a redrive after that starts afresh.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
REMEMBERED = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient's part of an event; fit for a log line.

    Attributes:
        recipient: The address, masked.
        status: `suppressed`, `recorded`, `ignored`, or `duplicate` when it had been dealt with before.
    """

    kind: str
    message_id: str
    configuration_set: str
    recipient: str
    status: "Status"
    reason: str
    detail: str
    counts: bool
    simulator: bool


class Processor:
    """Applies the policy to events and keeps what follows.

    Args:
        suppressions: Where addresses are suppressed.
        events: Where processed events are remembered.
        clock: The time now, with a zone.
    """

    def __init__(
        self, suppressions: "SuppressionStore", events: "EventStore", *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._suppressions = suppressions
        self._events = events
        self._clock = clock

    def process(self, event: "Event") -> list[Outcome]:
        """Deal with one event, recipient by recipient.

        Raises:
            StoreError: The store failed; what was done so far stands, and processing the event again completes it.
        """
        return [self._process(event, recipient) for recipient in event.recipients]

    def _process(self, event: "Event", recipient: "Recipient") -> Outcome:
        decision = decide(event, recipient)
        if decision.action == "ignore":
            return _outcome(event, recipient, decision, "ignored")
        key = event_key(event, recipient)
        # Without this, an old event delivered again would put back an address that a person has taken off the list.
        if self._events.get(key):
            return _outcome(event, recipient, decision, "duplicate")
        status: Status = "recorded"
        if decision.reason:
            # First the suppression, which may be written any number of times, then the mark that it was: a crash
            # between the two costs a repetition, never a suppression.
            self._suppressions.put(_suppression(event, recipient, decision, decision.reason))
            status = "suppressed"
        self._events.record(
            ProcessedEvent(
                key=key,
                kind=event.kind,
                outcome=status,
                detail=decision.detail,
                recipient=mask(recipient.address),
                message_id=event.mail.message_id,
                simulator=decision.simulator,
                occurred_at=event.occurred_at,
                expires_at=self._clock() + REMEMBERED,
            )
        )
        return _outcome(event, recipient, decision, status)


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
        simulator=decision.simulator,
    )
