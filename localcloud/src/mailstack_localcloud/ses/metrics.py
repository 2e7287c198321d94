"""SES's CloudWatch metrics: counts as mail is sent, reputation on a timer so that alarms see it."""

from collections.abc import Iterable

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.ses.events import HARD_BOUNCES, KEPT_BACK, KINDS, ON_A_LIST
from mailstack_localcloud.ses.rules import is_simulator
from mailstack_localcloud.ses.state import ConfigurationSet, Occurrence, Reputation, State, StoredMessage

NAMESPACE = "AWS/SES"
SET_DIMENSION = "ses:configuration-set"
_NO_COMPLAINT = ON_A_LIST | {"not-spam"}


def count(backend: Backend, mails: Iterable[tuple[State, StoredMessage, list[Occurrence]]]) -> None:
    """Add to the account's `Send`, `Delivery`, `Bounce`, …, by recipient.

    A configuration set has such counts only where an event destination asks for them.
    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html
    """
    counts: dict[str, int] = {}
    for _, message, occurrences in mails:
        for occurrence in occurrences:
            recipients = len(message.recipients) if occurrence.kind == "Send" else 1
            counts[occurrence.kind] = counts.get(occurrence.kind, 0) + recipients
    for kind, value in counts.items():
        backend.cloudwatch.count(NAMESPACE, KINDS[kind][1], value, {})


def count_feedback(reputations: Iterable[Reputation], sent: int, feedback: Iterable[Occurrence]) -> None:
    """Add to reputations: recipients that a mail was sent to, without the simulator's, and bounces and complaints.

    The simulator's, and what was never sent, stay out.
    """
    bounces = complaints = 0
    for occurrence in feedback:
        if not is_simulator(occurrence.recipient):
            sent -= occurrence.detail in KEPT_BACK
            bounces += is_hard_bounce(occurrence)
            complaints += is_complaint(occurrence)
    for reputation in reputations:
        reputation.sent += sent
        reputation.hard_bounces += bounces
        reputation.complaints += complaints


def is_hard_bounce(occurrence: Occurrence) -> bool:
    """A new hard bounce: not one of an address that SES kept the mail back from."""
    return occurrence.kind == "Bounce" and occurrence.detail in HARD_BOUNCES


def is_complaint(occurrence: Occurrence) -> bool:
    """A new complaint: `not-spam` is the opposite of one, and who is on a list was sent nothing to complain about."""
    return occurrence.kind == "Complaint" and occurrence.detail not in _NO_COMPLAINT


def publish_reputation(backend: Backend, state: State) -> None:
    """Put `Reputation.BounceRate` and `Reputation.ComplaintRate`, as fractions, where something was sent."""
    watched = [s for s in state.configuration_sets.values() if _measured(s)]
    measured = [(state.account.reputation, dict[str, str]())]
    measured += [(s.reputation, {SET_DIMENSION: s.name}) for s in watched]
    with backend.scope(state.account_id, state.region):
        for reputation, dimensions in measured:
            if reputation.sent:
                for what, number in (("Bounce", reputation.hard_bounces), ("Complaint", reputation.complaints)):
                    rate = number / reputation.sent
                    backend.cloudwatch.gauge(NAMESPACE, f"Reputation.{what}Rate", rate, dimensions)


def _measured(configuration_set: ConfigurationSet) -> bool:
    return bool(configuration_set.option("ReputationOptions", "ReputationMetricsEnabled", False))
