"""What becomes of a mail of the outbox: after an attempt, after an error, and by evidence. Pure functions of values.

Not for doing it: see `relay.py`.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from mailer.errors import (
    AccessDenied,
    AccountSuspended,
    ClaimLost,
    ClockSkewed,
    ConfigurationError,
    CredentialsInvalid,
    IdentityNotVerified,
    InvalidMessage,
    MailerError,
    ResourceNotFound,
    SendingPaused,
)
from mailer.message_id import time_of
from mailer.outbox.payload import without
from mailer.redaction import redact
from mailer.results import Status
from mailer.sending.outcome import DECIDED_AFTER, MailState
from mailer.stores.outbox import Change, OutboxStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mailer.results import RecipientResult, SendResult
    from mailer.sending.outcome import MessageOutcome
    from mailer.stores.outbox import Claim, OutboxMail

OnUnknown = Literal["evidence", "resend", "dead"]
# Seconds before the second attempt, and at most. Twice as long each time, with full jitter above the half.
_FIRST_DELAY, _MAX_DELAY = 2.0, 900.0
# Refusals that are about the account or the set-up, not about the mail: they end when a person fixes it.
_CURABLE = (
    *(SendingPaused, AccountSuspended, IdentityNotVerified, AccessDenied),
    *(CredentialsInvalid, ClockSkewed, ResourceNotFound),
)
NOT_ALIVE = "the message log has no event of this mail, nor of any that was sent after it"
_NOT_ACCEPTED = frozenset({Status.THROTTLED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """How relays send what is in the outbox.

    Attributes:
        unknown: What happens to a mail whose relay died or got no answer. `evidence`: it is sent again only if the
            message log shows that the service did not accept it; without a message log it waits for a person.
            `resend`: it is sent again at once, and may arrive twice. `dead`: it is never sent again by itself.
        decided_after: How long after an attempt the absence of a Send event means that the mail was not accepted.
        give_up_after: How long a mail is retried that cannot be sent for now, from `send_at` on.
        lease: How long a claim lasts. It is extended while the relay lives.
        keep: How long mails are kept that were sent, suppressed, cancelled or expired.
        keep_dead: How long dead mails are kept.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    unknown: OnUnknown = "evidence"
    decided_after: timedelta = DECIDED_AFTER
    give_up_after: timedelta = timedelta(days=1)
    lease: timedelta = timedelta(seconds=60)
    keep: timedelta = timedelta(days=7)
    keep_dead: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        spans = ("decided_after", "give_up_after", "lease", "keep", "keep_dead")
        wrong = [name for name in spans if getattr(self, name) <= timedelta(0)]
        if wrong or self.unknown not in {"evidence", "resend", "dead"}:
            problem = f"{wrong[0]} is {getattr(self, wrong[0])}" if wrong else f"unknown is {self.unknown!r}"
            hint = 'unknown is "evidence", "resend" or "dead"; times are above zero.'
            raise ConfigurationError(f"OutboxPolicy: {problem}.", hint=hint)


def delay(attempts: int, jitter: float) -> timedelta:
    """How long to wait after so many attempts. `jitter` is 0 to 1.

    Example:
        >>> delay(1, 1.0).total_seconds(), delay(3, 0.0).total_seconds(), delay(99, 1.0).total_seconds()
        (2.0, 4.0, 900.0)
    """
    longest = min(_MAX_DELAY, _FIRST_DELAY * 2 ** min(attempts - 1, 30))
    return timedelta(seconds=longest * (0.5 + jitter / 2))


def after_result(claim: "Claim", result: "SendResult", policy: OutboxPolicy, now: "datetime") -> Change:
    """What becomes of a mail by its result."""
    by = {status: result.with_status(status) for status in Status}
    open_ = [one for one in result if one.status is Status.UNKNOWN or _may_be_retried(one)]
    reason = _reason(result)
    if not open_:
        if by[Status.SENT]:
            return Change(status=OutboxStatus.SENT, message_id=result.message_id, reason=reason)
        all_suppressed = len(by[Status.SUPPRESSED]) == len(result)
        return Change(status=OutboxStatus.SUPPRESSED if all_suppressed else OutboxStatus.DEAD, reason=reason)
    left = Change(status=OutboxStatus.UNKNOWN)
    if len(open_) < len(result):
        keys = {one.address.key for one in result} - {one.address.key for one in open_}
        payload = without(claim.payload, keys)
        left = Change(status=OutboxStatus.UNKNOWN, payload=payload, recipients=tuple(one.address.key for one in open_))
    if by[Status.UNKNOWN]:
        return _unknown(claim.mail, policy, now, reason, left)
    return _later(claim.mail, policy, now, reason, left)


def after_error(claim: "Claim", error: BaseException, policy: OutboxPolicy, now: "datetime", *, asked: bool) -> Change:
    """What becomes of a mail whose `send` raised an error.

    Args:
        claim: The mail.
        error: The error.
        policy: How relays send.
        now: The time.
        asked: Whether the service may have been asked before.
    """
    reason = _words(error)
    if asked:
        return _unknown(claim.mail, policy, now, reason, Change(status=OutboxStatus.UNKNOWN))
    if isinstance(error, InvalidMessage | ConfigurationError):
        return Change(status=OutboxStatus.DEAD, reason=reason)
    return _later(claim.mail, policy, now, reason, Change(status=OutboxStatus.PENDING))


def after_lapse(mail: "OutboxMail", policy: OutboxPolicy, now: "datetime") -> Change | None:
    """What the policy decides about an `unknown` mail without evidence; None if evidence decides."""
    if policy.unknown == "evidence":
        return None
    return _unknown(mail, policy, now, mail.reason, Change(status=OutboxStatus.UNKNOWN))


def by_evidence(
    mail: "OutboxMail",
    outcome: "MessageOutcome",
    policy: OutboxPolicy,
    now: "datetime",
    *,
    log_is_alive: "Callable[[], bool]",
) -> Change | None:
    """What the message log decides about an `unknown` mail; None if it decides nothing yet.

    SES takes a mail for all its recipients or for none, so an event about one of them is evidence for all. Entries that
    say otherwise may be half of what a dying process wrote, so they decide nothing before the time has passed.

    Args:
        mail: The mail.
        outcome: What the message log tells of its last attempt.
        policy: How relays send.
        now: The time.
        log_is_alive: Whether the log has an event of a mail that was sent later. Without one, events may be late, or
            nobody may process them, and the absence of one says nothing.
    """
    if outcome.message_id or any(one.state.was_accepted for one in outcome.recipients):
        return Change(status=OutboxStatus.SENT, message_id=outcome.message_id, reason="the message log has its event")
    handed_over = time_of(mail.attempt_id)
    if handed_over is None or now < handed_over + policy.decided_after or outcome.state is MailState.UNKNOWN:
        return None
    if outcome.state is MailState.SUPPRESSED:
        return Change(status=OutboxStatus.SUPPRESSED, reason="the message log says so")
    if not log_is_alive():
        return None if mail.reason == NOT_ALIVE else Change(status=OutboxStatus.UNKNOWN, reason=NOT_ALIVE)
    reason = f"not accepted: the message log has no Send event of attempt {mail.attempts}"
    return _later(mail, policy, now, reason, Change(status=OutboxStatus.PENDING, due_at=now))


def is_about_service(result: "SendResult") -> bool:
    """Whether a result says that other mails would not be accepted now, either."""
    return all(one.status in {*_NOT_ACCEPTED, Status.UNKNOWN} or _may_be_retried(one) for one in result)


def _unknown(mail: "OutboxMail", policy: OutboxPolicy, now: "datetime", reason: str, left: Change) -> Change:
    if policy.unknown == "dead":
        return _with(left, OutboxStatus.DEAD, f"the outcome is unknown: {reason}")
    if policy.unknown == "resend":
        return _later(mail, policy, now, reason, left)
    return _with(left, OutboxStatus.UNKNOWN, reason, now + timedelta(seconds=1))


def _later(mail: "OutboxMail", policy: OutboxPolicy, now: "datetime", reason: str, left: Change) -> Change:
    """Try again later, or give up. An expired mail is marked when it is claimed again."""
    if now >= mail.send_at + policy.give_up_after:
        return _with(left, OutboxStatus.DEAD, f"gave up after {mail.attempts} attempts: {reason}")
    due = left.due_at or now + delay(mail.attempts, random.random())  # noqa: S311 - spreads load, guards nothing
    return _with(left, OutboxStatus.PENDING, reason, due)


def _with(left: Change, status: OutboxStatus, reason: str, due_at: "datetime | None" = None) -> Change:
    return Change(status=status, reason=reason, due_at=due_at, payload=left.payload, recipients=left.recipients)


def _may_be_retried(one: "RecipientResult") -> bool:
    return one.status in _NOT_ACCEPTED or isinstance(one.error, _CURABLE)


def _reason(result: "SendResult") -> str:
    """The reasons of those who were not sent to, each once, with their number."""
    reasons: dict[str, int] = {}
    for one in result.not_sent:
        words = f"{one.status}: {one.reason}" if one.reason else str(one.status)
        reasons[words] = reasons.get(words, 0) + 1
    many = len(result) > 1
    return redact("; ".join(f"{count} of {len(result)} {words}" if many else words for words, count in reasons.items()))


def _words(error: BaseException) -> str:
    if isinstance(error, ClaimLost):
        return error.message
    return redact(f"{type(error).__name__}: {error.message if isinstance(error, MailerError) else error}")
