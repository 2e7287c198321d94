"""The pipeline, on one screen: compose, check suppressions, hand over, say what became of each recipient.

What is decided on the way stands in `mailer.sending`; what goes over the wire in `mailer.transports`. What only a
`Mailer` that sends needs is imported where it is used, so that importing the class stays cheap.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING

from mailer.address import Address
from mailer.errors import TransportError, UnknownStream
from mailer.results import RecipientResult, SendResult
from mailer.sending.retry import RetryPolicy, retrying
from mailer.sending.screening import suppressed_results

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self, Unpack

    from boto3.session import Session

    from mailer.message import Envelope, Message
    from mailer.stack import StackOutputs
    from mailer.stores.base import SuppressionStore
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand
    from mailer.transports.base import Transport
    from mailer.wire.access import Access

log = logging.getLogger("mailer")
# What is logged is the application's to decide: without this, Python prints warnings of a library nobody configured.
log.addHandler(logging.NullHandler())


class Mailer:
    """Sends mail through a stack. Make one and keep it; it may be used from several threads.

    Args:
        outputs: What the stack exported.
        brand: Whose mail it is; the stack's domain and plain colours when left out.
        transport: SES in the stack's region when left out.
        suppressions: The stack's own list when left out.
        retries: How often and how long a message that was not accepted is handed over again.
        session: A boto3 session, whose credentials and profile are used; what boto3 finds by itself when left out.
        role: The ARN of a role to assume with those credentials, and to assume again before its session ends.

    Example:
        >>> from mailer.catalog import Welcome
        >>> mail = Mailer.from_stack("prod")  # doctest: +SKIP
        >>> mail.send(Welcome(name="Ada", dashboard_url="https://example.com"), to="ada@example.com")  # doctest: +SKIP
        SendResult(<a***@example.com: sent>)
    """

    def __init__(
        self,
        outputs: "StackOutputs",
        *,
        brand: "Brand | None" = None,
        transport: "Transport | None" = None,
        suppressions: "SuppressionStore | None" = None,
        retries: RetryPolicy | None = None,
        session: "Session | None" = None,
        role: str = "",
    ) -> None:
        from mailer.wire.access import Access

        self.outputs = outputs
        self.brand = brand or _default_brand(outputs)
        self._sender = Address.parse(outputs.sender)
        access = Access(session, role)
        # Compare with None: an empty store is falsy.
        self._transport = _ses(outputs, access) if transport is None else transport
        self._suppressions = _stack_suppressions(outputs, access) if suppressions is None else suppressions
        self._retries = retries or RetryPolicy()

    @classmethod
    def from_stack(
        cls,
        stack: str,
        *,
        outputs: "StackOutputs | str | Path | None" = None,
        brand: "Brand | None" = None,
        transport: "Transport | None" = None,
        suppressions: "SuppressionStore | None" = None,
        retries: RetryPolicy | None = None,
        session: "Session | None" = None,
        role: str = "",
    ) -> "Mailer":
        """A mailer that knows nothing but the stack's name; see `mailer.stack.load` for where its outputs are found.

        Arguments are those of `Mailer`.

        Raises:
            StackNotFound: They are nowhere.
            StackOutputsInvalid: They cannot be read.
        """
        from mailer.stack import load
        from mailer.wire.access import Access

        return cls(
            load(stack, outputs=outputs, access=Access(session, role)),
            brand=brand,
            transport=transport,
            suppressions=suppressions,
            retries=retries,
            session=session,
            role=role,
        )

    def send(self, content: "EmailTemplate | Message", **envelope: "Unpack[Envelope]") -> SendResult:
        """Send one message, which all its recipients share.

        A suppressed recipient is left out and the others are sent to. What the world does (a suppression, a refusal, a
        paused stream, throttling, a lost answer) stands in the result, with the error and its hint; what the program or
        its set-up does wrong is raised, and then nothing was sent.

        Args:
            content: A filled-in template, or a whole message, whose parts `envelope` then replaces.
            **envelope: `to`, `cc`, `bcc`, `reply_to`, `sender`, `headers`, `tags`, `attachments`, `stream`,
                `tenant`; see `mailer.message.Message` for each.

        Raises:
            InvalidMessage: SES would refuse the message; InvalidAddress is one of these.
            TemplateError: The template cannot be rendered.
            UnknownStream: The stack has no such stream.
        """
        from mailer.stores.base import StoreError

        message = self.compose(content, **envelope)
        try:
            found = self._suppressions.get_many([address.key for address in message.recipients])
        except StoreError as error:  # whether they may be sent to is not known, so they are not
            return self._told(message, [RecipientResult.of_error(one, error) for one in message.recipients])
        suppressed = suppressed_results(message, found)
        allowed = message.without(found)
        handed_over = self._hand_over(allowed) if allowed else ()
        return self._told(message, [*suppressed, *handed_over])

    def close(self) -> None:
        """Close the connections that are kept. A later `send` opens others."""
        for part in (self._transport, self._suppressions):
            close = getattr(part, "close", None)
            if close is not None:
                close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def compose(self, content: "EmailTemplate | Message", **envelope: "Unpack[Envelope]") -> "Message":
        """The message that `send` would send, with sender and stream filled in. Arguments and errors as there."""
        from mailer.templates.compose import compose

        message = compose(content, self.brand, **envelope)
        stream = message.stream or self.outputs.default_stream
        if stream not in self.outputs.streams:
            known = ", ".join(sorted(self.outputs.streams))
            raise UnknownStream(f"The stack {self.outputs.stack!r} has no stream {stream!r}.", hint=f"It has: {known}.")
        return message.filled_in(sender=self._sender, stream=stream)

    def _hand_over(self, message: "Message") -> tuple[RecipientResult, ...]:
        try:
            return retrying(partial(self._transport.send, message), self._retries)
        except TransportError as error:
            return tuple(RecipientResult.of_error(address, error) for address in message.recipients)

    def _told(self, message: "Message", results: list[RecipientResult]) -> SendResult:
        by_key = {result.address.key: result for result in results}
        result = SendResult(tuple(by_key[address.key] for address in message.recipients))
        level = logging.INFO if result.ok else logging.WARNING
        log.log(level, "%s stream=%s message_id=%s", result, message.stream, result.message_id or "-")
        return result


def _default_brand(outputs: "StackOutputs") -> "Brand":
    from mailer.templates.brand import Brand

    return Brand(name=outputs.domain[:64])


def _ses(outputs: "StackOutputs", access: "Access") -> "Transport":
    from mailer.transports.ses import SesTransport

    return SesTransport(outputs, access=access)


def _stack_suppressions(outputs: "StackOutputs", access: "Access") -> "SuppressionStore":
    """The stack's table, in the stack's region, whichever region the process is set to."""
    from mailer.stores.dynamodb import DynamoDBSuppressions, dynamodb_api

    return DynamoDBSuppressions(outputs.table, dynamodb_api(outputs.region, access))
