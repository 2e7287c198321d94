"""The result of sending a message: one status per recipient."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mailer.errors import MailerError, OutcomeUnknown, Refused, Throttled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.address import Address
    from mailer.message import Message


class Status(StrEnum):
    """The status of a message for one recipient. The set is closed."""

    SENT = "sent"
    """Accepted by the service. Delivery, bounce or complaint follow as events."""
    QUEUED = "queued"
    """In the outbox, to be sent later (`Mailer.enqueue`)."""
    SUPPRESSED = "suppressed"
    """On the suppression list, so it was not sent."""
    REFUSED = "refused"
    """The service refused the message and would refuse it again."""
    THROTTLED = "throttled"
    """Over the sending rate after all retries, or over the daily quota; not accepted."""
    FAILED = "failed"
    """The service was not reached; not accepted."""
    UNKNOWN = "unknown"
    """No answer came, so the service may have accepted it. Sending again may send twice."""


# The nearest class in an error's ancestry decides; whatever is not here failed before it was accepted.
_STATUS_OF: dict[type[BaseException], Status] = {
    Throttled: Status.THROTTLED,
    OutcomeUnknown: Status.UNKNOWN,
    Refused: Status.REFUSED,
}


def status_of(error: MailerError) -> Status:
    """The status of a recipient after this error.

    Example:
        >>> str(status_of(Throttled("Maximum sending rate exceeded.")))
        'throttled'
    """
    return next((_STATUS_OF[kind] for kind in type(error).__mro__ if kind in _STATUS_OF), Status.FAILED)


@dataclass(frozen=True, slots=True, repr=False)
class RecipientResult:
    """The result for one recipient.

    Attributes:
        address: The recipient.
        status: The status.
        message_id: The message id of the service, if it accepted the message. Feedback events carry the same id.
        error: The error, with its hint; None if there was none.
        reason: The reason in a few words: that of the suppression, or the message of the error.
        message_id_header: The `Message-ID` that SES writes into the message, for `In-Reply-To` and `References` of
            later ones. Empty if it is not known: not sent, or sent through a multi-region endpoint.
        transport: The transport that carried the message, where there are several (`Failover`, `Split`).
    """

    address: "Address"
    status: Status
    message_id: str = ""
    error: MailerError | None = None
    reason: str = ""
    message_id_header: str = ""
    transport: str = ""

    @classmethod
    def of_error(cls, address: "Address", error: MailerError) -> "RecipientResult":
        """The result for a recipient after this error."""
        return cls(address, status_of(error), error=error, reason=error.message)

    @property
    def ok(self) -> bool:
        """Whether the message is on its way: sent or queued."""
        return self.status in {Status.SENT, Status.QUEUED}

    def to_dict(self) -> dict[str, str]:
        """JSON-able, with the address masked; empty values are left out."""
        hint = self.error.hint if self.error else ""
        values = {"address": self.address.masked, "status": str(self.status), "message_id": self.message_id}
        values |= {"reason": self.reason, "hint": hint, "transport": self.transport}
        return {key: text for key, text in values.items() if text}

    def __repr__(self) -> str:
        return f"<{self.address.masked}: {self.status}{f', {self.reason}' if self.reason else ''}>"


@dataclass(frozen=True, slots=True, repr=False)
class SendResult:
    """What became of a message: one `RecipientResult` for each recipient, in the message's order.

    Attributes:
        recipients: The results.
        id: The id that this library gave the message before it was sent. SES's events carry it as the tag
            `mailstack-id`, so that a message whose outcome is unknown can be found in them.
        replayed: Whether this is the result of an earlier send with the same idempotency key; nothing was sent now.

    Example:
        >>> from mailer.address import Address
        >>> result = SendResult((RecipientResult(Address("ada@example.com"), Status.SENT, "0100-example"),))
        >>> result.ok, result.message_id, result["ada@example.com"].status.value
        (True, '0100-example', 'sent')
        >>> result
        SendResult(<a***@example.com: sent>)
    """

    recipients: "tuple[RecipientResult, ...]"
    id: str = ""
    replayed: bool = False

    @classmethod
    def ordered(cls, message: "Message", results: "Iterable[RecipientResult]") -> "SendResult":
        """The result of a message from those of its recipients, in any order."""
        results = tuple(results)
        if len(results) == 1:
            return cls(results, message.id)
        by_key = {result.address.key: result for result in results}
        return cls(tuple(by_key[address.key] for address in message.recipients), message.id)

    @property
    def ok(self) -> bool:
        """Whether the message was sent to every recipient."""
        return all(recipient.ok for recipient in self.recipients)

    @property
    def message_id(self) -> str:
        """The message id of the service; empty if the message was not sent."""
        return next((recipient.message_id for recipient in self.recipients if recipient.message_id), "")

    @property
    def message_id_header(self) -> str:
        """The `Message-ID` header that SES writes; see `RecipientResult`. Empty if it is not known."""
        return next((one.message_id_header for one in self.recipients if one.message_id_header), "")

    @property
    def not_sent(self) -> "tuple[RecipientResult, ...]":
        """The results of the recipients who were not sent to."""
        return tuple(recipient for recipient in self.recipients if not recipient.ok)

    def with_status(self, *statuses: Status) -> "tuple[RecipientResult, ...]":
        """The recipients with one of these statuses."""
        return tuple(recipient for recipient in self.recipients if recipient.status in statuses)

    def raise_if_not_sent(self) -> "SendResult":
        """Return the result if every recipient was sent to.

        Raises:
            NotSent: A recipient was not. Its `result` is this one, its cause the first error.
        """
        if self.ok:
            return self
        error = next((recipient.error for recipient in self.not_sent if recipient.error), None)
        raise NotSent(self) from error

    def to_dict(self) -> dict[str, object]:
        """JSON-able, with addresses masked."""
        return {
            "ok": self.ok,
            "id": self.id,
            "replayed": self.replayed,
            "recipients": [recipient.to_dict() for recipient in self.recipients],
        }

    def __iter__(self) -> "Iterator[RecipientResult]":
        return iter(self.recipients)

    def __len__(self) -> int:
        return len(self.recipients)

    def __getitem__(self, address: str) -> RecipientResult:
        from mailer.address import address_key, mask

        key = address_key(address)
        for recipient in self.recipients:
            if recipient.address.key == key:
                return recipient
        raise KeyError(mask(address))

    def __repr__(self) -> str:
        return f"SendResult({', '.join(map(repr, self.recipients))})"


class NotSent(MailerError):  # noqa: N818 - as in mailer.errors
    """A recipient was not sent to.

    Attributes:
        result: The whole result, one entry per recipient.
    """

    def __init__(self, result: SendResult) -> None:
        failed = result.not_sent
        listed = "; ".join(f"{one.address.masked} {one.status}: {one.reason}" for one in failed)
        hints = dict.fromkeys(one.error.hint for one in failed if one.error and one.error.hint)
        super().__init__(f"Not sent to {len(failed)} of {len(result)}: {listed}", hint=" ".join(hints))
        self.result = result
