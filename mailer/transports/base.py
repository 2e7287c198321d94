"""The interface of a transport: one attempt to send one message. Not for retries, suppressions or rates."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mailer.message import Message
    from mailer.results import RecipientResult


class Transport(Protocol):
    """Sends messages through a service. Thread-safe."""

    def send(self, message: "Message") -> "tuple[RecipientResult, ...]":
        """Try once, within a bounded time. The message has a sender and an existing stream.

        Returns:
            One result per recipient, in the order of the message.

        Raises:
            TransportError: The whole message was not accepted, or this is unknown. The class says which, and whether a
                retry is safe.
        """
        ...
