"""Hooks: the application's code that runs once for each recipient of an event. Not for what the store keeps."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import uuid4

from mailer.address import mask
from mailer.errors import HookFailed
from mailer.feedback.events import (
    Bounce,
    Click,
    Complaint,
    Delivery,
    DeliveryDelay,
    Event,
    Open,
    Reject,
    RenderingFailure,
    Send,
    Subscription,
    Unknown,
    event_key,
)
from mailer.feedback.processor import decisions
from mailer.stores.base import REMEMBERED, utcnow
from mailer.stores.idempotency import IdempotencyRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from mailer.feedback.policy import Decision
    from mailer.feedback.recipients import Recipient
    from mailer.stores.idempotency import IdempotencyStore
    from mailer.unsubscribe import Unsubscription

log = logging.getLogger("mailer")
# SNS waits 15 s for an answer and then sends the message again; what ran for longer than this has died.
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
LEASE = timedelta(seconds=30)
_DONE = "[]"
_Event = TypeVar("_Event", bound=Event, covariant=True)  # noqa: PLC0105 - private


@dataclass(frozen=True, slots=True, repr=False)
class Notice(Generic[_Event]):
    """What a hook gets: one recipient's part of one event.

    Attributes:
        event: The event, such as a `Bounce`.
        recipient: The recipient, with the status code and the remote server's words.
        decision: What the event means: whether the address was suppressed, why, and what it counts as.
        key: The same each time that the event arrives. Use it as the key of what the hook writes.
    """

    event: _Event
    recipient: "Recipient"
    decision: "Decision"
    key: str

    @property
    def address(self) -> str:
        """The recipient's address, in lower case."""
        return self.recipient.address

    def __repr__(self) -> str:
        return f"<Notice {self.event.kind} {mask(self.address)}>"


class FeedbackHook:
    """Subclass it, override what you need, and pass an object to `Webhook(hooks=[...])`. Threads share it.

    A method is called once for each recipient of an event, although SES, SNS and networks repeat events. If it raises
    an error, SNS sends the event again and the method is called again. If the process dies after the call and before
    that is recorded, the method is called again, too: use `notice.key` for what must never happen twice. Return within
    ten seconds, and leave long work to a task queue.

    Example:
        >>> class MarkBounced(FeedbackHook):
        ...     def on_bounce(self, notice):
        ...         if notice.decision.reason:
        ...             print(notice.address, "bounced for good")
    """

    name: str = ""
    """Names the hook in the store, which records what each hook was called for. Default: the class."""

    def on_send(self, notice: Notice[Send]) -> None:
        """SES accepted the mail."""

    def on_delivery(self, notice: Notice[Delivery]) -> None:
        """The recipient's server accepted the mail."""

    def on_bounce(self, notice: Notice[Bounce]) -> None:
        """The recipient's server refused the mail."""

    def on_complaint(self, notice: Notice[Complaint]) -> None:
        """The recipient marked the mail as spam."""

    def on_reject(self, notice: Notice[Reject]) -> None:
        """SES refused the mail because of its content."""

    def on_open(self, notice: Notice[Open]) -> None:
        """A mail program loaded the tracking image."""

    def on_click(self, notice: Notice[Click]) -> None:
        """A tracked link was opened."""

    def on_rendering_failure(self, notice: Notice[RenderingFailure]) -> None:
        """SES could not fill a stored template; nothing was sent."""

    def on_delivery_delay(self, notice: Notice[DeliveryDelay]) -> None:
        """SES could not deliver the mail yet."""

    def on_subscription(self, notice: Notice[Subscription]) -> None:
        """The recipient changed their subscriptions in a contact list of SES."""

    def on_unsubscribe(self, wish: "Unsubscription") -> None:
        """The recipient used the unsubscribe link of a stream. Called again if they use it again; errors are logged."""

    def on_other(self, notice: Notice[Unknown]) -> None:
        """An event of a kind that this library does not know."""


# The method of each event.
METHODS: "Mapping[type[Event], str]" = {
    Send: "on_send",
    Delivery: "on_delivery",
    Bounce: "on_bounce",
    Complaint: "on_complaint",
    Reject: "on_reject",
    Open: "on_open",
    Click: "on_click",
    RenderingFailure: "on_rendering_failure",
    DeliveryDelay: "on_delivery_delay",
    Subscription: "on_subscription",
    Unknown: "on_other",
}


class Hooks:
    """Calls hooks once in effect, across threads and processes.

    Args:
        hooks: The hooks, in the order of their calls.
        claims: Where it is recorded what each was called for.
        clock: The time now, with a zone.
    """

    def __init__(
        self,
        hooks: "Iterable[FeedbackHook]",
        claims: "IdempotencyStore",
        *,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        self._hooks, self._claims, self._clock = tuple(hooks), claims, clock

    def call(self, event: Event) -> None:
        """Call the hooks of an event for each recipient. A failure does not stop the others.

        Raises:
            HookFailed: A hook raised an error, or is running in another thread or process.
            StoreError: The store failed.
        """
        method = METHODS[type(event)]
        failures = list[Exception]()
        for hook in (one for one in self._hooks if _overrides(one, method)):
            for recipient, decision in decisions(event):
                notice = Notice(event, recipient, decision, event_key(event, recipient))
                try:
                    self._call_once(hook, method, notice)
                except Exception as error:  # noqa: BLE001 - raised below, when the others are done
                    failures.append(error)
        if failures:
            raise failures[0]

    def _call_once(self, hook: FeedbackHook, method: str, notice: Notice[Event]) -> None:
        name = hook.name or f"{type(hook).__module__}.{type(hook).__qualname__}"
        claim = self._claim(hashlib.sha256(f"hook\n{name}\n{notice.key}".encode()).hexdigest(), notice)
        if claim is None:
            return
        try:
            getattr(hook, method)(notice)
        except Exception as error:  # noqa: BLE001 - raised as HookFailed
            self._claims.release(claim)
            # Without the exception's own words and traceback, which may name the recipient.
            log.error("%s.%s raised %s: event=%s", name, method, type(error).__name__, notice.key)  # noqa: TRY400
            words = f"The hook {name}.{method} raised {type(error).__name__}."
            raise HookFailed(words, hint="SNS sends the event again.") from None
        self._claims.complete(_done(claim))

    def _claim(self, key: str, notice: Notice[Event]) -> IdempotencyRecord | None:
        """The right to call; None if the call was made."""
        now = self._clock()
        mine = IdempotencyRecord(key, notice.key, uuid4().hex, now + LEASE, now + REMEMBERED)
        held = self._claims.begin(mine)
        if held and not held.results and held.busy_until <= now:  # its process died
            self._claims.release(held)
            held = self._claims.begin(mine)
        if held is None:
            return mine
        if held.results:
            return None
        raise HookFailed("The hook is running for the same event elsewhere.", hint="SNS sends the event again.")


def _overrides(hook: FeedbackHook, method: str) -> bool:
    return getattr(type(hook), method) is not getattr(FeedbackHook, method)


def _done(claim: IdempotencyRecord) -> IdempotencyRecord:
    return IdempotencyRecord(claim.key, claim.fingerprint, claim.id, claim.busy_until, claim.expires_at, _DONE)
