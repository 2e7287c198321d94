"""A transport that keeps every message. For tests of an application alone, without a cloud."""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, overload

from mailer.results import RecipientResult, Status
from mailer.testing.memory import MemorySuppressions

if TYPE_CHECKING:
    from mailer.errors import TransportError
    from mailer.mailer import Mailer
    from mailer.message import Message


class Outbox(Sequence["Message"]):
    """The messages that were sent, oldest first: a sequence, and a `mailer.transports.base.Transport`.

    Attributes:
        suppressions: The suppression list of `mailer`, in memory.
        reports_events: As that of `SesTransport`, which it replaces.

    Example:
        >>> from mailer import Message
        >>> outbox = Outbox()
        >>> result = outbox.mailer.send(Message(subject="Hello", text="Hello Ada", to="ada@example.com"))
        >>> result.ok, [message.subject for message in outbox]
        (True, ['Hello'])
    """

    reports_events = True

    def __init__(self) -> None:
        self.suppressions = MemorySuppressions()
        self._messages: list[Message] = []
        self._errors: list[TransportError] = []
        self._lock = Lock()
        self._mailer: Mailer | None = None

    @property
    def mailer(self) -> "Mailer":
        """A mailer of a stack that was never deployed, whose mail ends here. It does not wait between attempts."""
        if self._mailer is None:
            from mailer.mailer import Mailer
            from mailer.sending.retry import RetryPolicy
            from mailer.stores.bundle import memory_stores
            from mailer.testing.outputs import stack_outputs

            at_once = RetryPolicy(first_delay=0)
            self._mailer = Mailer(
                stack_outputs(),
                transport=self,
                suppressions=self.suppressions,
                retries=at_once,
                store=memory_stores(),
            )
        return self._mailer

    def fail(self, error: "TransportError", *, times: int = 1) -> None:
        """Have the next attempts end in an error, e.g. `outbox.fail(Throttled("too fast"), times=2)`.

        An `OutcomeUnknown` is kept as sent nevertheless: it is the case in which the mail may have arrived.
        """
        with self._lock:
            self._errors += [error] * times

    def clear(self) -> None:
        """Forget every message and every error to come."""
        with self._lock:
            self._messages.clear()
            self._errors.clear()

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`."""
        from mailer.errors import OutcomeUnknown

        with self._lock:
            error = self._errors.pop(0) if self._errors else None
            if error is None or isinstance(error, OutcomeUnknown):
                self._messages.append(message)
            message_id = f"outbox-{len(self._messages)}"
        if error:
            raise error
        return tuple(RecipientResult(address, Status.SENT, message_id) for address in message.recipients)

    @overload
    def __getitem__(self, index: int) -> "Message": ...
    @overload
    def __getitem__(self, index: slice) -> "list[Message]": ...
    def __getitem__(self, index: int | slice) -> "Message | list[Message]":
        return self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    def __repr__(self) -> str:
        return f"<Outbox {self._messages!r}>"
