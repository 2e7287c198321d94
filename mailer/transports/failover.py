"""Two roads: the second where the first surely did not accept, and a split between them for a migration.

The second is never tried after `unknown`: the first may have accepted the message.
"""

import logging
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from mailer.errors import (
    AccountSuspended,
    ConfigurationError,
    CredentialsInvalid,
    CredentialsMissing,
    InvalidMessage,
    OutcomeUnknown,
    QuotaExceeded,
    Refused,
    SendingPaused,
    TemporaryFailure,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.results import RecipientResult, Status
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailer.message import Message
    from mailer.transports.base import Transport

# Errors about the provider, not about a message or a recipient. None of them says that the message may be accepted.
PROVIDER_ERRORS = (
    *(Unreachable, Throttled, QuotaExceeded, TemporaryFailure, CredentialsMissing),
    *(CredentialsInvalid, SendingPaused, AccountSuspended),
)
log = logging.getLogger("mailer")


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a circuit breaker opens, and when it probes.

    Attributes:
        failures: Provider errors in a row after which it opens.
        seconds: How long it stays open before one message probes the first road again.
    """

    failures: int = 5
    seconds: float = 30.0


class BreakerChange(StrEnum):
    """What a circuit breaker does. The set is closed."""

    OPENED = "opened"
    """Too many provider errors in a row: messages go to the second transport."""
    PROBED = "probed"
    """One message asks the first transport again. If it fails, the breaker stays open."""
    CLOSED = "closed"
    """The probe succeeded: messages go to the first transport."""


class BreakerHook(Protocol):
    """A change of a circuit breaker, as `SendHook` receives it in its third method."""

    def breaker_changed(self, transport: str, change: BreakerChange) -> None:
        """The breaker of a transport opened, probed or closed."""


class Breaker:
    """A circuit breaker: closed, open, or probing with one message. Thread-safe, one a process.

    Args:
        name: Of the transport that it protects.
        policy: When it opens and probes.
        clock: Seconds.
    """

    def __init__(self, name: str, policy: BreakerPolicy, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._name, self._policy, self._clock = name, policy, clock
        self._hooks: tuple[BreakerHook, ...] = ()
        self._lock, self._failures, self._until, self._is_probing = Lock(), 0, 0.0, False
        belongs_to_process(self)

    @property
    def is_open(self) -> bool:
        """Whether messages go to the second road without asking the first."""
        return self._failures >= self._policy.failures

    def allows_request(self) -> bool:
        """Whether this message may ask the first road. Each answer of true needs `succeeded` or `failed`."""
        with self._lock:
            if not self.is_open:
                return True
            if self._is_probing or self._clock() < self._until:
                return False
            self._is_probing = True
        self._notify(BreakerChange.PROBED, logging.INFO, "Circuit breaker of %s: probing", self._name)
        return True

    def succeeded(self) -> None:
        """The first road is in order."""
        with self._lock:
            was_open, self._failures, self._is_probing = self.is_open, 0, False
        if was_open:
            self._notify(BreakerChange.CLOSED, logging.WARNING, "Circuit breaker of %s: closed", self._name)

    def failed(self, error: TransportError) -> None:
        """The first road is not in order."""
        with self._lock:
            was_open = self.is_open
            self._failures, self._is_probing = self._failures + 1, False
            self._until = self._clock() + self._policy.seconds
            opens = self.is_open and not was_open
        if opens:
            words = "Circuit breaker of %s: open for %.0f s after %d errors in a row: %s"
            facts = (self._name, self._policy.seconds, self._policy.failures, error)
            self._notify(BreakerChange.OPENED, logging.WARNING, words, *facts)

    def abandoned(self) -> None:
        """Nothing was learnt of the first road."""
        with self._lock:
            self._is_probing = False

    def add_hooks(self, hooks: "Iterable[BreakerHook]") -> None:
        """Tell these hooks of changes, too."""
        self._hooks += tuple(hook for hook in hooks if hook not in self._hooks)

    def _notify(self, change: BreakerChange, level: int, words: str, *facts: object) -> None:
        log.log(level, words, *facts, extra={"mailstack": {"breaker": self._name, "change": str(change)}})
        for hook in self._hooks:
            try:
                hook.breaker_changed(self._name, change)
            except Exception as error:  # noqa: BLE001 - mail must leave, whatever a hook does
                log.error("%s.breaker_changed raised %s", type(hook).__name__, type(error).__name__)  # noqa: TRY400 - without values

    def after_fork(self) -> None:
        """The lock may be held by a thread that is not here; no probe of the parent's is this process's."""
        self._lock, self._is_probing = Lock(), False


class Failover:
    """A `mailer.transports.base.Transport` that tries the second where the first surely did not accept.

    The result's `transport` names the road that carried the message.

    Args:
        first: The usual transport.
        second: The one for when the provider of the first has problems.
        breaker: When to stop asking the first.
        clock: Seconds, for tests.

    Attributes:
        roads: Both transports.

    Example:
        >>> from mailer.transports.smtp import SmtpTransport
        >>> first, second = SmtpTransport("smtp.example.com"), SmtpTransport("smtp.example.org")
        >>> Failover(first, second).name
        'failover(smtp, smtp)'
    """

    def __init__(
        self,
        first: "Transport",
        second: "Transport",
        *,
        breaker: BreakerPolicy | None = None,
        clock: "Callable[[], float]" = time.monotonic,
    ) -> None:
        self.roads = (first, second)
        self.name = f"failover({name_of(first)}, {name_of(second)})"
        self.breaker = Breaker(name_of(first), breaker or BreakerPolicy(), clock)

    def add_hooks(self, hooks: "Iterable[BreakerHook]") -> None:
        """Tell these hooks when the circuit breaker opens, probes or closes. `Mailer` adds its own."""
        self.breaker.add_hooks(hooks)

    @property
    def longest_attempt(self) -> float:
        """Seconds after which an attempt has ended, whatever the servers do."""
        return sum(float(getattr(road, "longest_attempt", 60.0)) for road in self.roads)

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`."""
        first, second = self.roads
        if not self.breaker.allows_request():
            return _named(second, second.send(message))
        try:
            results = first.send(message)
        except PROVIDER_ERRORS as error:
            self.breaker.failed(error)
            log.warning("%s did not accept %s: %s", name_of(first), message.id or "a message", error)
            return self._second(message, error)
        except OutcomeUnknown as error:  # the second is not tried: the first may have accepted the message
            self.breaker.failed(error)
            raise
        except Refused:  # about the message: the provider is in order
            self.breaker.succeeded()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.succeeded()
        return _named(first, results)

    def _second(self, message: "Message", error: TransportError) -> tuple[RecipientResult, ...]:
        second = self.roads[1]
        try:
            return _named(second, second.send(message))
        except InvalidMessage as refusal:  # it cannot carry this message: what the first said holds
            log.warning("%s cannot carry it: %s", name_of(second), refusal)
            raise error from refusal

    def close(self) -> None:
        """Close the open connections of both."""
        _close(self.roads)


class Split:
    """A `mailer.transports.base.Transport` that shares mail between two, for a migration.

    A message goes the new way if its template is named, or by its first recipient: who is in a share of 0.1 is in each
    larger one.

    Args:
        old: The transport of the rest.
        new: The transport of the share.
        share: 0 to 1.
        templates: Names of templates whose mail goes the new way, whatever the share.

    Attributes:
        roads: Both transports.

    Raises:
        ConfigurationError: The share is not from 0 to 1.
    """

    def __init__(
        self, old: "Transport", new: "Transport", *, share: float = 0.0, templates: "Iterable[str]" = ()
    ) -> None:
        if not 0 <= share <= 1:
            raise ConfigurationError(f"Split: share is {share}.", hint="Pass a number from 0 to 1.")
        self.roads, self._share, self._templates = (old, new), share, frozenset(templates)
        self.name = f"split({name_of(old)}, {name_of(new)})"

    def add_hooks(self, hooks: "Iterable[BreakerHook]") -> None:
        """Hand these hooks to a `Failover` among the roads."""
        hooks = tuple(hooks)
        for road in self.roads:
            add: Callable[[Iterable[BreakerHook]], None] | None = getattr(road, "add_hooks", None)
            if add:
                add(hooks)

    @property
    def longest_attempt(self) -> float:
        """Seconds after which an attempt has ended, whatever the servers do."""
        return max(float(getattr(road, "longest_attempt", 60.0)) for road in self.roads)

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`."""
        road = self.roads[self._is_new(message)]
        return _named(road, road.send(message))

    def close(self) -> None:
        """Close the open connections of both."""
        _close(self.roads)

    def _is_new(self, message: "Message") -> bool:
        if message.template_name and message.template_name in self._templates:
            return True
        digest = sha256(message.recipients[0].key.encode()).digest()
        return int.from_bytes(digest[:8], "big") < self._share * 2**64


def name_of(transport: object) -> str:
    """The name of a transport in results and logs."""
    return str(getattr(transport, "name", "") or type(transport).__name__)


def _named(road: "Transport", results: tuple[RecipientResult, ...]) -> tuple[RecipientResult, ...]:
    """The results, with the name of the road that carried them where none is there."""
    return tuple(
        replace(one, transport=name_of(road)) if one.status is Status.SENT and not one.transport else one
        for one in results
    )


def _close(roads: "Iterable[Transport]") -> None:
    for road in roads:
        close = getattr(road, "close", None)
        if close:
            close()
