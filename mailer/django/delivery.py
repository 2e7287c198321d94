"""Hands a message to the mailer: now, or when the transaction commits. Sets results and sends the signal."""

import logging
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from mailer.django.signals import announce, message_sent
from mailer.errors import RecipientNotAllowed, TransportError
from mailer.results import NotSent, RecipientResult, SendResult, Status
from mailer.sending.hooks import SendHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.mail import EmailMessage

    from mailer.django.config import Config
    from mailer.mailer import Mailer
    from mailer.message import Message

log = logging.getLogger("mailer")
# The attribute of Django's message that holds the `SendResult`.
RESULT = "mailstack_result"
# Whether the caller of the mailer sends the signal.
_is_announced = ContextVar("mailstack_is_announced", default=False)
_WAITS = "waits for the commit of the transaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One message to hand over.

    Attributes:
        mailer: What sends it.
        mail: The composed message.
        sender: The class that the signal names as its sender.
        email: Django's message that it came from, which gets the result; None for none.
        key: Its idempotency key.
    """

    mailer: "Mailer"
    mail: "Message"
    sender: type
    email: "EmailMessage | None" = None
    key: str | None = None

    def place(self, found: "Config", on_commit: bool | None) -> SendResult:
        """Send it as the setting says: by the outbox, after the commit, or now.

        Args:
            found: The setting.
            on_commit: Whether it waits for the commit; None for what the setting says. False also passes the outbox.
        """
        waits = found.on_commit if on_commit is None else on_commit
        if not waits:
            return self.deliver()
        return self.enqueue(found.database) if found.outbox else self.after_commit(found.database)

    def enqueue(self, database: str) -> SendResult:
        """Write it into the outbox, in the transaction of a database. A relay sends it after the commit."""
        connection = transaction.get_connection(database)
        result = self.mailer.enqueue(self.mail, connection=connection, idempotency_key=self.key)
        self._keep(result)
        return result

    def deliver(self) -> SendResult:
        """Send it now."""
        token = _is_announced.set(True)
        try:
            result = self.mailer.send(self.mail, idempotency_key=self.key)
        except TransportError as error:  # RateLimit(on_throttle="raise"): here it is a result, as every other problem
            result = SendResult(tuple(RecipientResult.of_error(one, error) for one in self.mail.recipients))
        finally:
            _is_announced.reset(token)
        self._keep(result)
        announce(message_sent, self.sender, message=self.email, mail=self.mail, result=result)
        return result

    def after_commit(self, database: str) -> SendResult:
        """Send it when the transaction of a database commits; now, where there is none.

        A rollback, also of the savepoint that it was sent in, sends nothing.

        Returns:
            The result; `queued` for each recipient of a message that waits.
        """
        connection = transaction.get_connection(database)
        if not connection.in_atomic_block:
            return self.deliver()
        # Robust: the page that sent it has done its work, and other mail waits, too. Django logs what is raised.
        connection.on_commit(_without_result(self.deliver), robust=True)
        waiting = (RecipientResult(one, Status.QUEUED, reason=_WAITS) for one in self.mail.recipients)
        result = SendResult(tuple(waiting))
        self._keep(result)
        return result

    def _keep(self, result: SendResult) -> None:
        if self.email is not None:
            with suppress(AttributeError):  # a subclass with slots
                setattr(self.email, RESULT, result)


class AnnounceHook(SendHook):
    """Sends the signal `message_sent` for mail that a relay sends."""

    def after_send(self, message: "Message", result: "SendResult | BaseException", seconds: float) -> None:  # noqa: ARG002 - the signature is the hook's
        """See `SendHook`."""
        if isinstance(result, SendResult) and not _is_announced.get():
            announce(message_sent, type(self), message=None, mail=message, result=result)


def failure(result: SendResult) -> NotSent | None:
    """The error of a message that should have been sent and was not to everyone.

    A suppressed recipient, and one that the guard of a stack outside production does not allow, are left out on
    purpose: a page must not break because its user's address bounced.
    """
    failed = [
        one
        for one in result.not_sent
        if one.status is not Status.SUPPRESSED and not isinstance(one.error, RecipientNotAllowed)
    ]
    if not failed:
        return None
    error = NotSent(result)
    error.__cause__ = next((one.error for one in failed if one.error), None)
    return error


def _without_result(deliver: "Callable[[], object]") -> "Callable[[], None]":
    def run() -> None:
        deliver()

    return run
