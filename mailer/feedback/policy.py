"""What an event means for a recipient: pure, and all of it in one table.

Not for writing anything down; `processor.py` does that. The guide to it is docs/feedback.md.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mailer.feedback.events import (
    Bounce,
    Click,
    Complaint,
    Delivery,
    DeliveryDelay,
    Event,
    Open,
    Recipient,
    Reject,
    RenderingFailure,
    Send,
    Subscription,
)
from mailer.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.stores.base import Reason

Action = Literal["suppress", "record", "ignore"]

# Status codes that say that there is no such mailbox, whatever SES calls the bounce. RFC 3463 §3.2 unless noted:
NO_SUCH_MAILBOX = frozenset({
    "5.1.1",  # bad destination mailbox address
    "5.1.2",  # bad destination system address
    "5.1.3",  # bad destination mailbox address syntax
    "5.1.6",  # destination mailbox has moved, no forwarding address
    "5.1.10",  # recipient address has null MX: RFC 7505 §4.2
})  # fmt: skip
# Left out on purpose: 5.2.1, "mailbox disabled", which "exists" and may be enabled again (RFC 3463 §3.3).
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")

# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html (mailbox simulator)
_SIMULATOR = "@simulator.amazonses.com"
# SES did not try, for the address stands on a list of the account's own. That is no new bounce or complaint,
# and SES does not count it either. (The tenant's is seen in others' events; AWS's table of subtypes lacks it.)
_ON_OUR_LIST = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList"})
# SES did not try either, and it says nothing of the mailbox: its owner left a contact list of SES's, so that other mail
# may go there; or SES guesses that it is not valid (Auto Validation), which another threshold would judge otherwise.
_NOT_TRIED = frozenset({"EmailValidationSuppressed", "UnsubscribedRecipient"})
# RFC 5965 §7.3 and RFC 6430: the recipient took the mail out of the spam folder.
_NOT_SPAM = "not-spam"

_MAX_DETAIL = 400


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one recipient of one event.

    Attributes:
        action: `suppress` the address and record the event, only `record` it, or `ignore` it.
        reason: Why the address is suppressed; None where it is not.
        detail: The evidence, without any address.
        counts: Whether it is a bounce or complaint that an application's own rates should count.
        simulator: Whether it comes from the SES mailbox simulator; then it acts and never counts.
    """

    action: Action
    reason: "Reason | None"
    detail: str
    counts: bool
    simulator: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: type[Event]
    applies: "Callable[[Event, Recipient], bool]"
    action: Action
    reason: "Reason | None" = None
    counts: bool = False


def decide(event: Event, recipient: Recipient) -> Decision:
    """What an event means for one of its recipients.

    Example:
        >>> from datetime import UTC, datetime
        >>> from mailer.feedback.events import parse
        >>> event = parse(
        ...     {
        ...         "eventType": "Bounce",
        ...         "mail": {"messageId": "1"},
        ...         "bounce": {
        ...             "bounceType": "Permanent",
        ...             "bounceSubType": "General",
        ...             "bouncedRecipients": [{"emailAddress": "ada@example.com", "status": "5.1.1"}],
        ...         },
        ...     },
        ...     datetime.now(UTC),
        ... )
        >>> decide(event, event.recipients[0]).reason
        'bounce'
    """
    rule = next(r for r in _RULES if isinstance(event, r.kind) and r.applies(event, recipient))
    simulator = recipient.address.endswith(_SIMULATOR)
    return Decision(rule.action, rule.reason, _detail(event, recipient), rule.counts and not simulator, simulator)


def status_codes(recipient: Recipient) -> frozenset[str]:
    """The enhanced status codes that a delivery report gives; some servers name them in their words alone."""
    return frozenset(_STATUS.findall(f"{recipient.status} {recipient.diagnostic}"))


def _always(_: Event, __: Recipient) -> bool:
    return True


def _on_our_list(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce | Complaint) and event.sub_type in _ON_OUR_LIST


def _not_tried(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce) and event.sub_type in _NOT_TRIED


def _permanent(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce) and event.bounce_type == "Permanent"


def _no_such_mailbox(event: Event, recipient: Recipient) -> bool:
    transient = isinstance(event, Bounce) and event.bounce_type == "Transient"
    return transient and not status_codes(recipient).isdisjoint(NO_SUCH_MAILBOX)


def _not_spam(event: Event, _: Recipient) -> bool:
    return isinstance(event, Complaint) and event.feedback_type == _NOT_SPAM


# The first that applies decides. The last takes every event, so none is dropped unseen.
_RULES = (
    _Rule(Bounce, _on_our_list, "suppress", "bounce"),
    _Rule(Bounce, _not_tried, "record"),
    _Rule(Bounce, _permanent, "suppress", "bounce", counts=True),
    _Rule(Bounce, _no_such_mailbox, "suppress", "bounce", counts=True),
    _Rule(Bounce, _always, "record"),
    _Rule(Complaint, _not_spam, "record"),
    _Rule(Complaint, _on_our_list, "suppress", "complaint"),
    _Rule(Complaint, _always, "suppress", "complaint", counts=True),
    _Rule(Delivery, _always, "ignore"),
    _Rule(Send, _always, "ignore"),
    _Rule(Open, _always, "ignore"),
    _Rule(Click, _always, "ignore"),
    _Rule(Event, _always, "record"),
)


def _detail(event: Event, recipient: Recipient) -> str:
    match event:
        case Bounce():
            words: tuple[str, ...] = (event.bounce_type, event.sub_type, recipient.status, recipient.diagnostic)
        case Complaint():
            words = (event.sub_type, event.feedback_type)
        case Reject():
            words = (event.reason,)
        case RenderingFailure():
            words = (event.template, event.error)
        case DeliveryDelay():
            words = (event.delay_type, recipient.status, recipient.diagnostic)
        case Subscription():
            left = "unsubscribed from all topics" if event.unsubscribed_from_all else "changed topics"
            words = (event.contact_list, event.source, left)
        case _:
            words = ()
    return redact(" ".join(" ".join(words).split()))[:_MAX_DETAIL]
