"""Behaviour of recipients: the mailbox simulator's addresses, and patterns that the control plane sets. Pure."""

import fnmatch
from collections.abc import Mapping, Sequence

from mailstack_localcloud.ses.events import BOUNCES, DELAYS, FEEDBACK_TYPES, HARD_BOUNCES
from mailstack_localcloud.ses.rules import is_simulator
from mailstack_localcloud.ses.state import Account, Occurrence

# (kind, detail) of each event that follows the Send, in order.
# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
Outcome = tuple[tuple[str, str], ...]
# Bounces, complaints and delays of each type that AWS documents, under AWS's own names: `delay:MailboxFull`.
VARIANTS: dict[str, tuple[str, str]] = {
    f"{name}:{detail}": (kind, detail)
    for name, kind, details in (
        ("bounce", "Bounce", BOUNCES),
        ("complaint", "Complaint", (*FEEDBACK_TYPES, "OnAccountSuppressionList")),
        ("delay", "DeliveryDelay", DELAYS),
    )
    for detail in details
}
OUTCOMES: dict[str, Outcome] = {
    "delivery": (("Delivery", ""),),
    "bounce": (("Bounce", "General"),),
    "soft-bounce": (("Bounce", "MailboxFull"),),
    "suppressed": (("Bounce", "Suppressed"),),
    "ooto": (("Delivery", ""), ("Bounce", "AutoReply")),
    "complaint": (("Delivery", ""), ("Complaint", "abuse")),
    "not-spam": (("Delivery", ""), ("Complaint", "not-spam")),
    "delay": (("DeliveryDelay", "TransientCommunicationFailure"),),
    "delay-then-delivery": (("DeliveryDelay", "TransientCommunicationFailure"), ("Delivery", "")),
    "reject": (("Reject", "Bad content"),),
    "silence": (),
    # A recipient who complains, or whose mailbox replies automatically, has received the mail.
    **{
        name: ((("Delivery", ""),) if detail in {*FEEDBACK_TYPES, "AutoReply"} else ()) + ((kind, detail),)
        for name, (kind, detail) in VARIANTS.items()
    },
}
UNSUBSCRIBED: Outcome = (("Bounce", "UnsubscribedRecipient"),)
# By the reason why an address is on the list: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Complaint.html
ON_ACCOUNT_LIST: dict[str, Outcome] = {
    "BOUNCE": (("Bounce", "OnAccountSuppressionList"),),
    "COMPLAINT": (("Complaint", "OnAccountSuppressionList"),),
}
NOT_VALID: Outcome = (("Bounce", "EmailValidationSuppressed"),)
ON_TENANT_LIST: Outcome = (("Bounce", "OnTenantSuppressionList"),)

# Domains of these never receive mail (RFC 2606, RFC 6761).
_NOWHERE = (".invalid", ".localhost")
_SIMULATOR = {
    "success": "delivery",
    "bounce": "bounce",
    "ooto": "ooto",
    "complaint": "complaint",
    "suppressionlist": "suppressed",
}


def leads_nowhere(address: str) -> bool:
    """Whether the domain never receives mail."""
    return address.lower().endswith(_NOWHERE)


def seems_valid(address: str, patterns: Mapping[str, str]) -> bool:
    """Whether SES would think that mail to the address arrives."""
    happens = outcome(address, patterns)
    return not leads_nowhere(address) and not any(k == "Bounce" and detail in HARD_BOUNCES for k, detail in happens)


def disordered(occurrences: Sequence[Occurrence], account: Account) -> list[Occurrence]:
    """The occurrences of a mail in the order, and as often, as the account's settings publish them."""
    ordered = reversed(occurrences) if account.reverse_events else occurrences
    times = 2 if account.duplicate_events else 1
    return [occurrence for occurrence in ordered for _ in range(times)]


def outcome(address: str, patterns: Mapping[str, str]) -> Outcome:
    """The outcome of a mail to the address. The newest matching pattern decides; the default is delivery.

    Example:
        >>> outcome("bounce+42@simulator.amazonses.com", {})
        (('Bounce', 'General'),)
    """
    key = address.lower()
    if is_simulator(key):
        return OUTCOMES[_SIMULATOR.get(key.partition("@")[0].partition("+")[0], "delivery")]
    matching = (name for pattern, name in reversed([*patterns.items()]) if fnmatch.fnmatchcase(key, pattern.lower()))
    return OUTCOMES[next(matching, "delivery")]
