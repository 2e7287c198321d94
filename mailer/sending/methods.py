"""The methods of `Mailer` that send. Signatures and their documentation; see `mailer.sending.pipeline`."""

from functools import partial
from typing import TYPE_CHECKING, cast

from mailer.address import Address
from mailer.errors import InvalidMessageId
from mailer.sending.parts import checked_threads, known_stream
from mailer.unchanged import UNCHANGED, Unchanged, changed

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from mailer.attachment import Attachment
    from mailer.content import RawMime, StoredTemplate
    from mailer.message import Envelope, Mailboxes, Message, Pairs
    from mailer.options import SendOptions
    from mailer.results import SendResult
    from mailer.sending.engine import EngineChoice
    from mailer.sending.many import Mail, MailResult, Sender
    from mailer.sending.pipeline import Pipeline
    from mailer.sending.threads import Threads
    from mailer.stack import StackOutputs
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand

    Content = EmailTemplate | Message | StoredTemplate | RawMime


class SendMethods:
    """Composes messages and sends them. `mailer.mailer.Mailer` is the class that users create.

    Attributes:
        outputs: What the stack exported.
        brand: What templates show.
    """

    def __init__(self, outputs: "StackOutputs", brand: "Brand", pipeline: "Pipeline") -> None:
        self.outputs, self.brand, self._pipeline = outputs, brand, pipeline
        self._sender = Address.parse(outputs.sender)
        self._threads: Threads | None = None
        self._engine: EngineChoice | None = None

    def send(  # noqa: PLR0913 - the parts of a message, written out for help() and completion
        self,
        content: "Content",
        *,
        subject: "str | Unchanged" = UNCHANGED,
        to: "Mailboxes | Unchanged" = UNCHANGED,
        cc: "Mailboxes | Unchanged" = UNCHANGED,
        bcc: "Mailboxes | Unchanged" = UNCHANGED,
        reply_to: "Mailboxes | Unchanged" = UNCHANGED,
        sender: "str | Address | Unchanged | None" = UNCHANGED,
        headers: "Pairs | Unchanged" = UNCHANGED,
        tags: "Pairs | Unchanged" = UNCHANGED,
        attachments: "Attachment | Iterable[Attachment] | Unchanged | None" = UNCHANGED,
        stream: "str | Unchanged | None" = UNCHANGED,
        tenant: "str | Unchanged | None" = UNCHANGED,
        options: "SendOptions | Unchanged | None" = UNCHANGED,
        secret: "bool | Unchanged | None" = UNCHANGED,
        idempotency_key: str | None = None,
    ) -> "SendResult":
        """Send one message, which all its recipients share.

        A suppressed recipient is left out, and the others are sent to. Delivery problems (a suppression, a refusal, a
        paused stream, throttling, a lost answer) are reported in the result, with the error and its hint. Programming
        and configuration errors are raised, and nothing is sent.

        Arguments replace the values of a `Message`. The default keeps its value; None and `()` remove it.

        Args:
            content: A template with its fields, a whole message, a `StoredTemplate` or `RawMime`.
            subject: Replaces the subject of the template or message.
            to: One address or several: `ada@example.com`, `Ada <ada@example.com>` or `mailer.Address`.
            cc: As `to`.
            bcc: As `to`; other recipients do not see them.
            reply_to: Where replies go. Default: the sender.
            sender: The From address. Default: the sender of the stack.
            headers: Further headers in ASCII, 15 at most, as a mapping or pairs.
            tags: Names and values for SES's events and metrics: ASCII letters, digits, `_` and `-`.
            attachments: One `mailer.Attachment` or several.
            stream: The name of a stream of the stack. Default: the stack's default stream.
            tenant: The name of a tenant of the stack. Default: none.
            options: Further options of SES's `SendEmail`, as a `SendOptions`.
            secret: Whether the message contains a link or a code that is as good as a password, so that SES must not
                track it. Default: whether a field of the template is a `SecretText` or `SecretUrl`.
            idempotency_key: Names the event that the mail is about, such as `order-1042-shipped`. For 24 hours, a send
                with the same key and content returns the result of the first, from any worker, and sends nothing. It
                waits while the first is under way. If the first ended without a result, the status is `unknown`. A
                message that was not sent does not use the key up.

        Returns:
            One result per recipient.

        Raises:
            InvalidMessage: SES would refuse the message. `InvalidAddress` is a subclass.
            TemplateError: The template cannot be rendered.
            UnknownStream: The stack has no such stream.
            IdempotencyConflict: The key was used for a message with another content.
            RateExceeded: With `RateLimit(on_throttle="raise")`: the sending rate is used up. `QuotaExceeded` likewise.
        """
        message = self.compose(
            content,
            subject=subject,
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            sender=sender,
            headers=headers,
            tags=tags,
            attachments=attachments,
            stream=stream,
            tenant=tenant,
            options=options,
            secret=secret,
        )
        return self._pipeline.send(self._pipeline.identified(message), idempotency_key)

    async def asend(  # noqa: PLR0913 - as `send`
        self,
        content: "Content",
        *,
        subject: "str | Unchanged" = UNCHANGED,
        to: "Mailboxes | Unchanged" = UNCHANGED,
        cc: "Mailboxes | Unchanged" = UNCHANGED,
        bcc: "Mailboxes | Unchanged" = UNCHANGED,
        reply_to: "Mailboxes | Unchanged" = UNCHANGED,
        sender: "str | Address | Unchanged | None" = UNCHANGED,
        headers: "Pairs | Unchanged" = UNCHANGED,
        tags: "Pairs | Unchanged" = UNCHANGED,
        attachments: "Attachment | Iterable[Attachment] | Unchanged | None" = UNCHANGED,
        stream: "str | Unchanged | None" = UNCHANGED,
        tenant: "str | Unchanged | None" = UNCHANGED,
        options: "SendOptions | Unchanged | None" = UNCHANGED,
        secret: "bool | Unchanged | None" = UNCHANGED,
        idempotency_key: str | None = None,
    ) -> "SendResult":
        """Send one message from a coroutine of asyncio. Arguments, result and errors: see `send`.

        It runs in one of 50 threads of this mailer. If the caller is cancelled before a thread was free, nothing is
        sent, nor if the message still waits for the sending rate. If it is cancelled later, the send is completed in
        its thread and its result is logged; a retry with the same `idempotency_key` returns it.
        """
        return await self._pool.run(
            partial(
                self.send,
                content,
                subject=subject,
                to=to,
                cc=cc,
                bcc=bcc,
                reply_to=reply_to,
                sender=sender,
                headers=headers,
                tags=tags,
                attachments=attachments,
                stream=stream,
                tenant=tenant,
                options=options,
                secret=secret,
                idempotency_key=idempotency_key,
            )
        )

    def send_many(
        self, mails: "Iterable[Mail]", *, threads: int = 16, bulk: bool | None = None
    ) -> "Iterator[MailResult]":
        """Send many mails at once, in constant memory.

        Args:
            mails: Any number of `Mail` objects; a generator is read as fast as mails are sent.
            threads: How many requests are made at the same time, 64 at most.
            bulk: Whether up to 50 mails may go in one `SendBulkEmail` request while SES accepts such requests. Default:
                as the stack's setting `access.bulk` says. False: one request for each mail.

        Returns:
            The results, each as soon as it is there, not in the order of the mails. A mail that cannot be sent as it is
            has an error in its result, and the others go on. Mails are sent while you iterate: if you stop, those that
            have not begun are not sent.

        Raises:
            ConfigurationError: `threads` is not 1 to 64.
        """
        from mailer.sending.many import send_many

        return send_many(mails, self._sender_of_many(bulk), checked_threads(threads))

    def asend_many(
        self, mails: "Iterable[Mail] | AsyncIterable[Mail]", *, threads: int = 16, bulk: bool | None = None
    ) -> "AsyncIterator[MailResult]":
        """Send many mails from a coroutine: `async for result in mailer.asend_many(mails)`. See `send_many`."""
        from mailer.sending.many import asend_many

        return asend_many(mails, self._pool.run, self._sender_of_many(bulk), checked_threads(threads))

    def compose(  # noqa: PLR0913 - as `send`
        self,
        content: "Content",
        *,
        subject: "str | Unchanged" = UNCHANGED,
        to: "Mailboxes | Unchanged" = UNCHANGED,
        cc: "Mailboxes | Unchanged" = UNCHANGED,
        bcc: "Mailboxes | Unchanged" = UNCHANGED,
        reply_to: "Mailboxes | Unchanged" = UNCHANGED,
        sender: "str | Address | Unchanged | None" = UNCHANGED,
        headers: "Pairs | Unchanged" = UNCHANGED,
        tags: "Pairs | Unchanged" = UNCHANGED,
        attachments: "Attachment | Iterable[Attachment] | Unchanged | None" = UNCHANGED,
        stream: "str | Unchanged | None" = UNCHANGED,
        tenant: "str | Unchanged | None" = UNCHANGED,
        options: "SendOptions | Unchanged | None" = UNCHANGED,
        secret: "bool | Unchanged | None" = UNCHANGED,
    ) -> "Message":
        """Compose the message that `send` would send, with sender and stream. Arguments and errors: see `send`."""
        from mailer.templates.compose import compose

        envelope = changed(
            subject=subject,
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            sender=sender,
            headers=headers,
            tags=tags,
            attachments=attachments,
            stream=stream,
            tenant=tenant,
            options=options,
            secret=secret,
        )
        message = compose(content, self.brand, **cast("Envelope", envelope))
        stream = known_stream(self.outputs, message.stream or self.outputs.default_stream)
        filled = message.filled_in(sender=self._sender, stream=stream)
        self._pipeline.final(filled)  # raises what is wrong; the link is added when the recipient is final
        return filled

    def deliver(self, message: "Message") -> "SendResult":
        """Send a message that `compose` returned, under the id that it has. For relays and queues; see `send`.

        Raises:
            InvalidMessageId: It has no id: `message.identified(...)` gives it one.
        """
        if not message.id:
            raise InvalidMessageId("The message has no id.", hint="Use `send`, which gives it one.")
        return self._pipeline.send(message, None)

    @property
    def _pool(self) -> "Threads":
        """The threads of `asend`; an object without threads until they are needed."""
        from mailer.sending.threads import Threads

        self._threads = self._threads or Threads()
        return self._threads

    def _sender_of_many(self, bulk: bool | None) -> "Sender":
        from mailer.sending.senders import sender_of_many

        if self._engine is None:
            from mailer.sending.engine import EngineChoice

            self._engine = EngineChoice()
        return sender_of_many(self._pipeline, self.send, self.compose, self._engine, bulk=bulk)
