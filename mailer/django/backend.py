"""The e-mail backend: whatever a Django project sends goes through the stack."""

import inspect
import logging
from typing import TYPE_CHECKING, Any

from django.core.mail.backends.base import BaseEmailBackend

from mailer.address import Address
from mailer.django.config import Config, config
from mailer.django.convert import Converted, convert
from mailer.django.delivery import Order, failure
from mailer.django.process import get_mailer
from mailer.errors import MailerError, UnknownStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.mail import EmailMessage

    from mailer.mailer import Mailer
    from mailer.stack import StackOutputs

log = logging.getLogger("mailer")
# Django 6.1 gives a backend the alias of its entry in MAILERS, and refuses options that no class takes.
_KNOWS_ALIAS = "alias" in inspect.signature(BaseEmailBackend.__init__).parameters
# `send_mail` passes these as None where nobody gave them.
_NEVER_GIVEN = ("username", "password")


class EmailBackend(BaseEmailBackend):
    """Sends Django's messages through the stack of the setting `MAILSTACK`.

    `EMAIL_BACKEND = "mailer.django.EmailBackend"`, or from Django 6.1 the `BACKEND` of an entry in `MAILERS`, whose
    `OPTIONS` may hold the arguments. It reads no setting `EMAIL_*`.

    The message itself is only read. It gets the attribute `mailstack_result`, a `mailer.SendResult`, and the signal
    `message_sent` is sent. A message in a transaction waits for its commit.

    Args:
        fail_silently: Whether a message that was not sent raises no error. Messages that cannot be sent as they are,
            and errors of the configuration, are raised all the same.
        alias: The alias in `MAILERS`.
        stream: The stream of messages that name none.
        tenant: The tenant of messages that name none.
        on_commit: Whether messages wait for the commit. Default: what `MAILSTACK` says.
        **unknown: Refused.

    Attributes:
        alias: The alias in `MAILERS`; None without one.
        fail_silently: As given.
    """

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        alias: str | None = None,
        stream: str = "",
        tenant: str = "",
        on_commit: bool | None = None,
        **unknown: Any,
    ) -> None:
        unknown = {name: value for name, value in unknown.items() if name not in _NEVER_GIVEN or value is not None}
        if _KNOWS_ALIAS:
            base: Any = super()
            base.__init__(alias=alias, **unknown)
        elif unknown:
            names = ", ".join(map(repr, unknown))
            raise TypeError(f"{type(self).__qualname__} has no option {names}. It has: stream, tenant, on_commit.")
        else:
            super().__init__()
        self.fail_silently, self.alias = fail_silently, alias
        self._stream, self._tenant, self._on_commit = stream, tenant, on_commit

    def send_messages(self, email_messages: "Iterable[EmailMessage]") -> int:
        """Send messages, each by itself: one that fails does not stop the others.

        Returns:
            How many were handed over for at least one recipient, or wait for the commit.

        Raises:
            InvalidMessage: A message cannot be sent as it is; a `ValueError`.
            NotSent: A message was not sent to everyone, and it is not `fail_silently`. Suppressed recipients do not
                count. Of several errors, the first is raised, when all messages were tried.
        """
        sent, errors = 0, list[Exception]()
        for email in email_messages:
            if not email.recipients():
                continue
            try:
                sent += self._send(email)
            except Exception as error:  # noqa: BLE001 - raised below, when the others are sent
                errors.append(error)
        for error in errors[1:]:
            log.warning(
                "Not sent, and an earlier error is raised: %s",
                error if isinstance(error, MailerError) else type(error).__name__,
            )
        if errors:
            raise errors[0]
        return sent

    def _send(self, email: "EmailMessage") -> bool:
        found, mailer = config(), get_mailer()
        order = self._order(email, found, mailer)
        result = order.place(found, self._on_commit)
        error = None if self.fail_silently else failure(result)
        if error:
            raise error
        return any(one.ok for one in result)

    def _order(self, email: "EmailMessage", found: Config, mailer: "Mailer") -> Order:
        converted = convert(email, default_sender=Address.parse(mailer.outputs.sender))
        arguments = {**converted.arguments}
        if self._tenant and not arguments.get("tenant"):
            arguments["tenant"] = self._tenant
        sender = converted.content.sender
        stream = (
            converted.stream
            or _stream_of(converted, mailer.outputs)
            or self._stream
            or (stream_by_sender(sender, found) if sender else "")
            or found.stream
        )
        mail = mailer.compose(converted.content, stream=stream or None, **arguments)
        return Order(mailer=mailer, mail=mail, sender=type(self), email=email, key=converted.idempotency_key)


def stream_by_sender(sender: Address, found: Config) -> str:
    """The stream of a From address, or of its domain; empty for none."""
    streams = {name.lower(): stream for name, stream in found.streams_by_sender.items()}
    return streams.get(sender.email.lower()) or streams.get(f"@{sender.domain}", "")


def _stream_of(converted: Converted, outputs: "StackOutputs") -> str:
    """The stream of the configuration set that a header names."""
    named = converted.configuration_set
    if not named:
        return ""
    sets = {stream.configuration_set: name for name, stream in outputs.streams.items()}
    if named not in sets:
        hint = f"It has: {', '.join(sorted(sets))}. Or name a stream with X-Mailstack-Stream."
        raise UnknownStream(f"The stack {outputs.stack!r} has no configuration set {named!r}.", hint=hint)
    return sets[named]
