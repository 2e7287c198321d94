"""What a transport is: one attempt to hand one message over. Not for retries, suppressions or rates."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mailer.message import Message
    from mailer.results import RecipientResult


class Transport(Protocol):
    """Hands messages to a service. Safe to use from several threads."""

    def send(self, message: "Message") -> "tuple[RecipientResult, ...]":
        """Try once, within a bounded time. The message has a sender and the name of a stream that exists.

        Returns:
            One result for each recipient, in the message's order.

        Raises:
            TransportError: The whole message was not accepted, or it is not known whether it was; the class says which,
                and whether another attempt is safe.
        """
        ...
