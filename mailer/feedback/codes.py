"""The meaning of enhanced status codes in delivery reports. Not for their effects: `policy.py`.

Codes: RFC 3463, and IANA's "SMTP Enhanced Status Codes" registry (RFC 5248) for those that came later.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import KeysView

    from mailer.feedback.recipients import Recipient

# There is no such mailbox. RFC 3463 §3.2 unless noted:
NO_SUCH_MAILBOX = frozenset({
    "5.1.1",  # bad destination mailbox address
    "5.1.2",  # bad destination system address
    "5.1.3",  # bad destination mailbox address syntax
    "5.1.6",  # destination mailbox has moved, no forwarding address
    "5.1.10",  # recipient address has null MX: RFC 7505 §4.2
})  # fmt: skip
# Left out on purpose: 5.2.1, "mailbox disabled", which "exists" and may be enabled again (RFC 3463 §3.3).

# No mail can be routed to the domain.
NO_SUCH_DOMAIN = frozenset({
    "5.4.4",  # unable to route, RFC 3463 §3.5; SES says "550 5.4.4 Invalid domain" and calls it transient
    "5.4.310",  # "DNS domain does not exist": Exchange Online's non-delivery reports, which a forwarder passes on
})  # fmt: skip

# The sender is at fault: policy, authentication, reputation. Subject and detail; a whole subject ends with a dot.
_SENDER = (
    "7.",  # security or policy status: RFC 3463 §3.8, RFC 7372 (authentication), RFC 7505 §4.2 (5.7.27)
    "1.7", "1.8",  # bad sender's mailbox address syntax, bad sender's system address: RFC 3463 §3.2
)  # fmt: skip

# The message, or the room that is left for it, is at fault, and the mailbox exists.
_MESSAGE = (
    "2.2",  # mailbox full: "the recipient can delete messages to make more space available", RFC 3463 §3.3
    "2.3",  # message length exceeds administrative limit, RFC 3463 §3.3
    "3.4",  # message too big for system, RFC 3463 §3.4
    "6.",  # message content or media status, RFC 3463 §3.7
)

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_MAX_TEXT = 2_000
# RFC 7504 §4, RFC 7505 §4.2: "Domain does not accept mail". Some servers say so in words alone.
_NULL_MX_REPLY = re.compile(r"\A\s*(?:smtp\s?;\s?)?556(?!\d)", re.IGNORECASE)
_NULL_MX_WORDS = re.compile(r"\bnull[ -]?mx\b", re.IGNORECASE)
_SENDER_WORD = re.compile(r"\b(?:sender|from|envelope)\b", re.IGNORECASE)


def status_codes(recipient: "Recipient") -> "KeysView[str]":
    """The enhanced status codes that a report gives, each once; some servers name them in their words alone."""
    text = f"{recipient.status[:_MAX_TEXT]} {recipient.diagnostic[:_MAX_TEXT]}"
    return dict.fromkeys(_STATUS.findall(text)).keys()


def status_code(recipient: "Recipient") -> str:
    """The most specific code; empty if there is none.

    Detail 0 is "other or undefined" (RFC 3463 §3), so any code with another detail says more. Of those that say
    equally much, a permanent one counts, and the report's own before the receiving server's words.
    """
    return min(status_codes(recipient), key=_vagueness, default="")


def no_mail_can_arrive(recipient: "Recipient") -> bool:
    """Whether the report says that the mailbox or its domain takes no mail, now or later."""
    code = status_code(recipient)
    return code in NO_SUCH_MAILBOX or code in NO_SUCH_DOMAIN or (not sender_at_fault(recipient) and _null_mx(recipient))


def sender_at_fault(recipient: "Recipient") -> bool:
    """Whether the report is about the sender: their policy, authentication, reputation or address."""
    return _about(recipient, _SENDER)


def mailbox_full(recipient: "Recipient") -> bool:
    """Whether the report says that the mailbox is full."""
    return _about(recipient, ("2.2",))


def message_at_fault(recipient: "Recipient") -> bool:
    """Whether the report is about the message, or about the room that is left for it."""
    return _about(recipient, _MESSAGE)


def _about(recipient: "Recipient", what: tuple[str, ...]) -> bool:
    subject = status_code(recipient)[2:]
    return any(subject.startswith(one) if one.endswith(".") else subject == one for one in what)


def _vagueness(code: str) -> tuple[bool, bool, bool]:
    return code.endswith(".0.0"), code.endswith(".0"), not code.startswith("5")


def _null_mx(recipient: "Recipient") -> bool:
    words = recipient.diagnostic[:_MAX_TEXT]
    if _NULL_MX_REPLY.match(words):
        return True
    return bool(_NULL_MX_WORDS.search(words)) and not _SENDER_WORD.search(words)  # the sender's domain may have one
