"""Hooks: code that runs before and after each message. Not for changing a message or its result."""

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mailer.message import Message
    from mailer.results import SendResult
    from mailer.transports.failover import BreakerChange

log = logging.getLogger("mailer")


class SendHook:
    """Subclass it, override what you need, and pass an object to `Mailer(hooks=[...])`. Threads share it.

    Example:
        >>> class CountSecrets(SendHook):
        ...     sent = 0
        ...
        ...     def after_send(self, message, result, seconds):
        ...         self.sent += message.secret and isinstance(result, SendResult) and result.ok
    """

    def before_send(self, message: "Message") -> None:
        """Called before recipients are checked. If it raises, nothing is sent, and `send` raises the error."""

    def after_send(self, message: "Message", result: "SendResult | BaseException", seconds: float) -> None:
        """Called when the message was handed over or not, for each hook whose `before_send` returned.

        Args:
            message: As `before_send` got it; `message.id` is the same.
            result: The result, or the error that `send` raises.
            seconds: How long it took. An exception that this method raises is logged and changes nothing.
        """

    def breaker_changed(self, transport: str, change: "BreakerChange") -> None:
        """Called when the circuit breaker of a `Failover` opens, probes or closes.

        Args:
            transport: The name of the transport that the breaker protects.
            change: `opened`, `probed` or `closed`. An exception that this method raises is logged and changes nothing.
        """


class Observation:
    """The hooks' two calls for one message; the last hook is the nearest to the message."""

    def __init__(self, hooks: "Iterable[SendHook]", message: "Message") -> None:
        self._hooks, self._message = hooks, message
        self._begun: list[SendHook] = []
        self._started = time.perf_counter()

    def begin(self) -> None:
        """Call `before_send` of each hook. If one raises, those before it get the error in `after_send`."""
        try:
            for hook in self._hooks:
                hook.before_send(self._message)
                self._begun.append(hook)
        except BaseException as error:
            self.end(error)
            raise

    def end(self, outcome: "SendResult | BaseException") -> None:
        """Call `after_send` of each hook whose `before_send` returned."""
        _after(self._begun, self._message, outcome, time.perf_counter() - self._started)


def observed(hooks: "Iterable[SendHook]", message: "Message", send: "Callable[[Message], SendResult]") -> "SendResult":
    """Send between the hooks' two calls."""
    observation = Observation(hooks, message)
    observation.begin()
    try:
        result = send(message)
    except BaseException as error:
        observation.end(error)
        raise
    observation.end(result)
    return result


def _after(
    begun: "Sequence[SendHook]", message: "Message", outcome: "SendResult | BaseException", seconds: float
) -> None:
    for hook in reversed(begun):
        try:
            hook.after_send(message, outcome, seconds)
        except Exception as error:  # noqa: BLE001 - the message is sent, whatever a hook does afterwards
            # Without a traceback, whose last line may be an address.
            log.error("%s.after_send raised %s: id=%s", type(hook).__name__, type(error).__name__, message.id)  # noqa: TRY400
