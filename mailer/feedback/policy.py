"""The effect of an event on a recipient: pure functions and one table.

Not for storing it: `processor.py` does that. Guide: docs/guides/feedback.md.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mailer.feedback.codes import mailbox_full, message_at_fault, no_mail_can_arrive, sender_at_fault, status_code
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
Count = Literal["bounce", "complaint", "sender", ""]

# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html (mailbox simulator)
_SIMULATOR = "@simulator.amazonses.com"
# SES did not try, because the address is on the account's suppression list. That is no new bounce or complaint, and
# SES does not count it either. (The tenant's is seen in others' events; AWS's table of subtypes lacks it.)
_ON_OUR_LIST = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList"})
# SES did not try either, and it says nothing of the mailbox: its owner left a contact list of SES's, so that other mail
# may go there; or SES guesses that it is not valid (Auto Validation), which another threshold would judge otherwise.
_NOT_TRIED = frozenset({"EmailValidationSuppressed", "UnsubscribedRecipient"})
# Subtypes of bounces and complaints about mail that SES did not send; SES does not count them.
UNTRIED = _ON_OUR_LIST | _NOT_TRIED
# The mailbox exists, and would take another message or the same one later, whatever its code is.
# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
_NOT_THE_MAILBOX = frozenset({"MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected"})
# RFC 3464 §2.3.3: the message is still on its way, or it has arrived. Only "failed" is a failure.
_NOT_FAILED = frozenset({"delayed", "delivered", "relayed", "expanded"})
# Reports in which no recipient objects. RFC 6430: the recipient took the mail out of the spam folder. RFC 6591: a
# machine found that SPF, DKIM or DMARC failed. RFC 5965 §7.3: a machine found a virus.
NO_OBJECTION = frozenset({"not-spam", "auth-failure", "virus"})

_MAX_DETAIL, _MAX_WORDS = 400, 2_000
_FORWARDED = "An address bounced that the mail was forwarded to, by one of several recipients; nobody is suppressed."
_ATTRIBUTIONS = {"named": "", "forwarded": "(forwarded)", "stranger": "(forwarded by one of several)"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one recipient of one event.

    Attributes:
        action: `suppress` the address and record the event, only `record` it, or `ignore` it.
        reason: Why the address is suppressed; None where it is not.
        detail: The evidence, without any address.
        counts_as: What an application's own rates should count it as: a `bounce`, a `complaint`, or the `sender`'s
            problem (policy, authentication, reputation). Empty where it is none of these.
        simulator: Whether it comes from the SES mailbox simulator; then it acts and never counts.
        words: Why, as a sentence that a support person can read out.
        soft: Whether the mailbox bounced for now, which counts in `mailer.feedback.soft_bounces`.
    """

    action: Action
    reason: "Reason | None"
    detail: str
    counts_as: Count
    simulator: bool
    words: str = ""
    soft: bool = False

    @property
    def counts(self) -> bool:
        """Whether it counts as anything."""
        return self.counts_as != ""


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: type[Event]
    applies: "Callable[[Event, Recipient], bool]"
    action: Action
    words: str
    reason: "Reason | None" = None
    counts_as: Count = ""
    soft: bool = False


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
    action, reason, words = rule.action, rule.reason, rule.words
    if recipient.attribution == "stranger" and action == "suppress":
        # The mail was not sent to this address but forwarded there by one of several recipients; which one is unknown.
        action, reason, words = "record", None, _FORWARDED
    soft = rule.soft and recipient.attribution != "stranger"
    simulator = recipient.address.endswith(_SIMULATOR)
    counts_as = "" if simulator else rule.counts_as
    return Decision(action, reason, _detail(event, recipient), counts_as, simulator, words, soft)


def _always(_: Event, __: Recipient) -> bool:
    return True


def _not_failed(_: Event, recipient: Recipient) -> bool:
    return recipient.action in _NOT_FAILED


def _on_our_list(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce | Complaint) and event.sub_type in _ON_OUR_LIST


def _not_tried(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce) and event.sub_type in _NOT_TRIED


def _not_the_mailbox(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce) and event.sub_type in _NOT_THE_MAILBOX


def _full(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce) and event.sub_type == "MailboxFull"


def _permanent_and_full(event: Event, recipient: Recipient) -> bool:
    return _permanent(event, recipient) and mailbox_full(recipient)


def _passing(event: Event, recipient: Recipient) -> bool:
    """A mail server's report about the mailbox. An automatic answer, such as out of office, has no status code."""
    if not isinstance(event, Bounce) or event.bounce_type != "Transient" or not status_code(recipient):
        return False
    return mailbox_full(recipient) or not message_at_fault(recipient)


def _senders_problem(_: Event, recipient: Recipient) -> bool:
    return sender_at_fault(recipient)


def _permanent(event: Event, _: Recipient) -> bool:
    return isinstance(event, Bounce) and event.bounce_type == "Permanent"


def _permanent_for_the_message(event: Event, recipient: Recipient) -> bool:
    return _permanent(event, recipient) and message_at_fault(recipient)


def _transient_for_good(event: Event, recipient: Recipient) -> bool:
    return isinstance(event, Bounce) and event.bounce_type == "Transient" and no_mail_can_arrive(recipient)


def _no_objection(event: Event, _: Recipient) -> bool:
    return isinstance(event, Complaint) and event.feedback_type in NO_OBJECTION


# The first matching rule decides. The last one matches every event, so none is dropped. A rule without a source here
# has it with its constants or in `codes.py`, or follows SES's own class of the bounce: "Permanent" is "a hard
# bounce", which SES counts (notification-contents.html#bounce-types).
_RULES = (
    _Rule(Bounce, _not_failed, "record", "The mail is still on its way, or it arrived."),
    _Rule(
        Bounce,
        _on_our_list,
        "suppress",
        "The address is on SES's suppression list, because it bounced or complained before; SES did not try.",
        "bounce",
    ),
    _Rule(Bounce, _not_tried, "record", "SES did not try, and other mail may arrive."),
    _Rule(Bounce, _full, "record", "The mailbox is full.", soft=True),
    _Rule(Bounce, _not_the_mailbox, "record", "The mailbox works, and does not take this message."),
    _Rule(
        Bounce,
        _senders_problem,
        "record",
        "The mail server does not accept mail from this sender: policy, authentication or reputation.",
        counts_as="sender",
    ),
    _Rule(Bounce, _permanent_and_full, "record", "The mailbox is full.", counts_as="bounce", soft=True),
    _Rule(
        Bounce,
        _permanent_for_the_message,
        "record",
        "The mailbox works, and does not take this message.",
        counts_as="bounce",
    ),
    _Rule(Bounce, _permanent, "suppress", "The mailbox takes no mail for good.", "bounce", counts_as="bounce"),
    _Rule(
        Bounce,
        _transient_for_good,
        "suppress",
        "There is no such mailbox or domain, so no mail can arrive.",
        "bounce",
        counts_as="bounce",
    ),
    _Rule(Bounce, _passing, "record", "The mail did not arrive, and later mail may.", soft=True),
    _Rule(Bounce, _always, "record", "An automatic answer, or a bounce that SES cannot explain."),
    _Rule(Complaint, _no_objection, "record", "A report in which no recipient objects."),
    _Rule(
        Complaint,
        _on_our_list,
        "suppress",
        "The address is on SES's suppression list, because it complained before; SES did not try.",
        "complaint",
    ),
    _Rule(Complaint, _always, "suppress", "The recipient marked a mail as spam.", "complaint", counts_as="complaint"),
    _Rule(Delivery, _always, "ignore", "The mail server accepted the mail."),
    _Rule(Send, _always, "ignore", "SES accepted the mail."),
    _Rule(Open, _always, "ignore", "The mail was opened."),
    _Rule(Click, _always, "ignore", "A link in the mail was opened."),
    _Rule(Event, _always, "record", "Nothing follows from it."),
)


def _detail(event: Event, recipient: Recipient) -> str:
    match event:
        case Bounce():
            words: tuple[str, ...] = (event.bounce_type, event.sub_type, *_reported(recipient))
        case Complaint():
            words = (event.sub_type, event.feedback_type)
        case Reject():
            words = (event.reason,)
        case RenderingFailure():
            words = (event.template, event.error)
        case DeliveryDelay():
            words = (event.delay_type, *_reported(recipient))
        case Subscription():
            left = "unsubscribed from all topics" if event.unsubscribed_from_all else "changed topics"
            words = (event.contact_list, event.source, left)
        case _:
            words = ()
    return redact(" ".join(" ".join(map(_cut, words)).split()))[:_MAX_DETAIL]


def _cut(words: str) -> str:
    """A length that can be searched, because a server may write any amount.

    The last word may be the half of an address. It is completed so that it is redacted like a whole one.
    """
    return words if len(words) <= _MAX_WORDS else f"{words[:_MAX_WORDS]}@cut.invalid"


def _reported(recipient: Recipient) -> tuple[str, ...]:
    """The report's own words, and what is unusual about it."""
    action = "" if recipient.action == "failed" else recipient.action
    return recipient.status, action, _ATTRIBUTIONS[recipient.attribution], recipient.diagnostic
