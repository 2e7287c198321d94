"""The interface of a transport: one attempt to send one message. Not for retries, suppressions or rates."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.errors import TransportError
    from mailer.message import Message
    from mailer.results import RecipientResult
    from mailer.transports.ses_bulk import BulkEntry


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


@runtime_checkable
class BulkTransport(Protocol):
    """A `Transport` that can also hand over many messages in one request. Thread-safe."""

    def send(self, message: "Message") -> "tuple[RecipientResult, ...]":
        """See `Transport.send`."""
        ...

    def bulk_entry(self, message: "Message") -> "BulkEntry | None":
        """The message as a part of a request; None for a message that must be sent by itself."""
        ...

    def send_bulk(self, entries: "Sequence[BulkEntry]") -> "list[tuple[RecipientResult, ...] | TransportError]":
        """Try once to hand over entries that share `BulkEntry.shared` and fit into a request (`ses_bulk.split`).

        Returns:
            For each entry its results, as of `send`, or the error that the whole message was not accepted with.

        Raises:
            TransportError: No entry was accepted, or this is unknown.
        """
        ...
