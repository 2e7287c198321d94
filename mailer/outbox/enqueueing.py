"""From the arguments of `Mailer.enqueue` to a mail that the outbox keeps, and back to a result."""

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from mailer.errors import ConfigurationError, InvalidMessage
from mailer.message_id import new_id
from mailer.outbox.payload import of_message, of_template
from mailer.results import RecipientResult, SendResult, Status
from mailer.sending.idempotency import digest, fingerprint
from mailer.stores.outbox import NewMail
from mailer.unchanged import Unchanged

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.message import Message
    from mailer.stores.sql.transactions import Written

Render = Literal["now", "later"]
MAX_PRIORITY = 100


@dataclass(frozen=True, slots=True)
class Queueing:
    """The arguments of `Mailer.enqueue` besides those of `Mailer.compose`.

    Attributes:
        idempotency_key: Names the event that the mail is about; None without.
        send_at: When to send it, at the earliest, with a time zone; None for at once.
        expires_at: When it must not be sent any more, with a time zone; None for never.
        priority: -100 to 100; mails of a larger number are sent first.
        render: Whether a template is rendered now or when the mail is sent.
        subject: The subject that replaces a template's; `UNCHANGED` for its own.
    """

    idempotency_key: str | None
    send_at: "datetime | None"
    expires_at: "datetime | None"
    priority: int
    render: Render
    subject: "str | Unchanged"

    def mail(self, content: object, message: "Message", now: "datetime") -> NewMail:
        """The mail as it is written into the outbox.

        Args:
            content: What `enqueue` got.
            message: What that composes to now.
            now: The time.

        Raises:
            InvalidMessage: A time, the priority, the key or the template is not valid.
            ConfigurationError: `render` is neither.
        """
        from mailer.templates.base import EmailTemplate

        if self.render not in {"now", "later"}:
            raise ConfigurationError(f"render is {self.render!r}.", hint='Pass "now" or "later".')
        _check_times(now, self.send_at, self.expires_at)
        if not -MAX_PRIORITY <= self.priority <= MAX_PRIORITY:
            hint = f"Pass {-MAX_PRIORITY} to {MAX_PRIORITY}; 0 is usual."
            raise InvalidMessage(f"priority is {self.priority}.", hint=hint)
        send_at = self.send_at if self.send_at and self.send_at > now else now
        later = content if self.render == "later" and isinstance(content, EmailTemplate) else None
        subject = None if isinstance(self.subject, Unchanged) else str(self.subject)
        payload = of_template(later, message, subject) if later else of_message(message)
        return NewMail(
            id=new_id(int(now.timestamp() * 1000)),
            payload=payload,
            recipients=tuple(address.key for address in message.recipients),
            stream=message.stream,
            created_at=now,
            send_at=send_at,
            expires_at=self.expires_at,
            priority=self.priority,
            key=digest(self.idempotency_key) if self.idempotency_key is not None else "",
            fingerprint=sha256(payload.encode()).hexdigest() if later else fingerprint(message),
            redeliver_until=_redeliver_until(content, message, send_at, self.expires_at),
        )


def queued(message: "Message", written: "Written") -> SendResult:
    """The result of `enqueue`: the status `queued` for each recipient."""
    recipients = tuple(RecipientResult(address, Status.QUEUED) for address in message.recipients)
    return SendResult(recipients, written.id, written.replayed)


def _redeliver_until(
    content: object, message: "Message", send_at: "datetime", expires_at: "datetime | None"
) -> "datetime | None":
    """Until when the mail may be sent again after a soft bounce; None for never."""
    from mailer.templates.base import EmailTemplate

    wanted = content.redelivery if isinstance(content, EmailTemplate) else None
    if wanted is None:
        return None
    if message.secret:
        words = f"{type(content).__name__} asks for redelivery, but the mail is secret: it must not arrive days later."
        raise InvalidMessage(words, hint="Remove `redelivery` from the template, or `secret` from the mail.")
    return min(send_at + wanted, expires_at or send_at + wanted)


def _check_times(now: "datetime", send_at: "datetime | None", expires_at: "datetime | None") -> None:
    for name, moment in (("send_at", send_at), ("expires_at", expires_at)):
        if moment is not None and moment.tzinfo is None:
            raise InvalidMessage(f"{name} has no time zone.", hint="Pass datetime.now(UTC) + timedelta(...).")
    if expires_at is not None and expires_at <= max(now, send_at or now):
        raise InvalidMessage(
            f"expires_at is {expires_at:%Y-%m-%d %H:%M:%S %Z}: the mail would never be sent.",
            hint="Pass a time after now and after send_at.",
        )
