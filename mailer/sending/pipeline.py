"""The pipeline: hooks, idempotency key, guard, suppressions, rate, transport, retries, log. One message at a time.

Not for composing a message (`mailer.templates.compose`), nor for many messages at once (`mailer.sending.senders`).
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from mailer.errors import StoreError, Throttled, TransportError
from mailer.message_id import new_id
from mailer.results import RecipientResult, SendResult
from mailer.sending.fence import pass_fence
from mailer.sending.hooks import observed
from mailer.sending.retry import RetryPolicy, retrying
from mailer.sending.screening import suppressed_results
from mailer.stores.base import scopes_of
from mailer.transports.reporting import is_reported, reported_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailer.message import Message
    from mailer.sending.hooks import SendHook
    from mailer.sending.idempotency import Once
    from mailer.sending.limiter import Limiter
    from mailer.sending.recipient_guard import RecipientGuard
    from mailer.stack import StackOutputs
    from mailer.stores.base import Suppression, SuppressionStore
    from mailer.stores.idempotency import IdempotencyStore
    from mailer.stores.messages import MessageLog
    from mailer.transports.base import Transport
    from mailer.unsubscribe import Unsubscribe

log = logging.getLogger("mailer")
# Seconds from the last retry's start until a send has ended, whatever the network does.
_LAST_ATTEMPT = 60
# The application decides what is logged. Without a handler, Python would print our warnings to stderr.
log.addHandler(logging.NullHandler())


@dataclass(slots=True, eq=False, kw_only=True)
class Pipeline:
    """Sends composed messages. Threads share it.

    Attributes:
        outputs: What the stack exported.
        transport: How messages reach a service.
        suppressions: The suppression list.
        idempotency: Where idempotency keys are recorded.
        message_log: What became of each message; None if the stack keeps no message log.
        retries: How often and how long a message that was not accepted is retried.
        guard: Who may get mail; None for everyone.
        limiter: The account's rate; None without.
        hooks: Called before and after each message.
        unsubscribe: The links of marketing mail; None without.
        send_on_store_error: Streams whose mail is sent when the suppression list cannot be read.
        is_reported: Whether SES publishes events of every message of the transport.
        reported: The values of `RecipientResult.transport` whose messages come back in events.
    """

    outputs: "StackOutputs"
    transport: "Transport"
    suppressions: "SuppressionStore"
    idempotency: "IdempotencyStore"
    message_log: "MessageLog | None"
    retries: RetryPolicy
    guard: "RecipientGuard | None"
    limiter: "Limiter | None"
    hooks: "tuple[SendHook, ...]"
    unsubscribe: "Unsubscribe | None"
    send_on_store_error: frozenset[str]
    is_reported: bool = field(init=False)
    reported: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.is_reported, self.reported = is_reported(self.transport), reported_names(self.transport)

    def identified(self, message: "Message") -> "Message":
        """The message with an id, which says whether the message log can tell its outcome."""
        return message.identified(new_id(logged=self.message_log is not None and self.is_reported))

    def send(self, message: "Message", key: str | None) -> SendResult:
        """Send a message that has an id, between the hooks' calls.

        Raises:
            IdempotencyConflict: The key was used for another message.
            RateExceeded: The limiter raises what it delayed too long. `QuotaExceeded` likewise.
        """
        return self.checked(observed(self.hooks, message, partial(self.send_unobserved, key=key)))

    def checked(self, result: SendResult) -> SendResult:
        """The result, or the error that the rate limit raises for it."""
        return self.limiter.checked(result) if self.limiter else result

    def send_unobserved(self, message: "Message", key: str | None) -> SendResult:
        """As `send`, without hooks and without the errors of the rate limit."""
        if key is None:
            result = SendResult.ordered(message, self._guarded(message))
        else:
            result = self.once().deliver(message, key)
        self.finish(message, result)
        return result

    def once(self) -> "Once":
        """Idempotency keys."""
        from mailer.sending.idempotency import Once  # loads hashlib and OpenSSL

        last = float(getattr(self.transport, "longest_attempt", _LAST_ATTEMPT))
        waits = self.limiter.max_wait if self.limiter else 0.0
        busy = timedelta(seconds=waits + self.retries.budget + last)
        return Once(self.idempotency, self._guarded, busy)

    def _guarded(self, message: "Message") -> list[RecipientResult]:
        return self.guard.deliver(message, self._deliver) if self.guard else self._deliver(message)

    def _deliver(self, message: "Message") -> list[RecipientResult]:
        """Send to everyone who is not suppressed."""
        try:
            found = self.suppressed((message,))
        except StoreError as error:
            return [RecipientResult.of_error(one, error) for one in message.recipients]
        allowed = message.without(found)
        return [*suppressed_results(message, found), *(self.hand_over(self.final(allowed)) if allowed else ())]

    def final(self, message: "Message") -> "Message":
        """The message to its final recipients, with what belongs to them."""
        return self.unsubscribe.apply(message) if self.unsubscribe else message

    def suppressed(self, messages: "Sequence[Message]") -> "Mapping[str, Suppression]":
        """The suppressions of the recipients of messages of one stream and tenant.

        Raises:
            StoreError: The suppressions are unknown, so nothing may be sent.
        """
        first = messages[0]
        keys = [address.key for message in messages for address in message.recipients]
        try:
            return self.suppressions.get_many(keys, scopes_of(first.stream, first.tenant))
        except StoreError as error:
            if first.stream not in self.send_on_store_error:
                raise
            for one in messages:
                log.warning("Sent without a suppression check: %s stream=%s id=%s", error, one.stream, one.id)
            return {}

    def hand_over(self, message: "Message") -> tuple[RecipientResult, ...]:
        """Hand a message over to the transport, with retries. Errors are in the results."""
        try:
            return retrying(partial(self.attempt, message), self.retries)
        except TransportError as error:
            return tuple(RecipientResult.of_error(address, error) for address in message.recipients)

    def attempt(self, message: "Message") -> tuple[RecipientResult, ...]:
        """Try once, when the account's sending rate has room for it."""
        if self.limiter is None:
            pass_fence()
            return self.transport.send(message)
        self.limiter.acquire(len(message.recipients))
        pass_fence()
        try:
            return self.transport.send(message)
        except Throttled:
            self.limiter.throttled()
            raise

    def finish(self, message: "Message", result: SendResult) -> None:
        """Log a result, and record it where SES publishes no event of it."""
        self._report(message, result)
        if self.message_log is None or result.replayed:
            return
        if not result.ok or not self.reported.issuperset(one.transport for one in result):
            self._record(self.message_log, message, result)

    def _report(self, message: "Message", result: SendResult) -> None:
        level = logging.INFO if result.ok else logging.WARNING
        if not log.isEnabledFor(level):
            return
        words = "%s stream=%s message_id=%s id=%s"
        facts = {"stream": message.stream, "template": message.template_name, **result.to_dict()}
        log.log(level, words, result, message.stream, result.message_id or "-", result.id, extra={"mailstack": facts})

    def _record(self, message_log: "MessageLog", message: "Message", result: SendResult) -> None:
        """Record what events of SES do not. The result is what counts, so a failure is only logged."""
        from mailer.sending.attempts import attempts_of
        from mailer.stores.base import utcnow

        sent_with = self.outputs.streams[message.stream].configuration_set
        try:
            message_log.add(attempts_of(message, result, configuration_set=sent_with, now=utcnow()))
        except StoreError as error:
            log.warning("Not recorded in the message log: id=%s %s", message.id, error.message)
