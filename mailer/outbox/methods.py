"""The methods of `Mailer` that write into the outbox. Its relay is `mailer.outbox.relay`."""

from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.sending.methods import SendMethods
from mailer.unchanged import UNCHANGED, Unchanged

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mailer.address import Address
    from mailer.attachment import Attachment
    from mailer.message import Mailboxes, Message, Pairs
    from mailer.options import SendOptions
    from mailer.outbox.enqueueing import Render
    from mailer.results import SendResult
    from mailer.sending.methods import Content
    from mailer.sending.pipeline import Pipeline
    from mailer.stack import StackOutputs
    from mailer.stores.sql.outbox import SqlOutbox
    from mailer.templates.brand import Brand


class OutboxMethods(SendMethods):
    """Writes messages into the outbox. `mailer.mailer.Mailer` is the class that users create."""

    def __init__(
        self, outputs: "StackOutputs", brand: "Brand", pipeline: "Pipeline", outbox: "SqlOutbox | None"
    ) -> None:
        super().__init__(outputs, brand, pipeline)
        self._outbox = outbox

    def enqueue(  # noqa: PLR0913 - as `send`
        self,
        content: "Content",
        *,
        connection: object | None,
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
        send_at: "datetime | None" = None,
        expires_at: "datetime | None" = None,
        priority: int = 0,
        render: "Render" = "now",
    ) -> "SendResult":
        """Write one message into the outbox, in a transaction of the application. A relay sends it after the commit.

        The message leaves only if the transaction commits. See `OutboxRelay` and `mailer outbox run`. What `send` does
        besides (suppressions, guard, rate, hooks) is done when it is sent.

        Args:
            content: As for `send`.
            connection: What the transaction belongs to: a SQLAlchemy `Session` or `Connection`, a psycopg or `sqlite3`
                connection, `django.db.connection`. None: a transaction of its own, which is committed at once.
            subject: As for `send`.
            to: As for `send`.
            cc: As for `send`.
            bcc: As for `send`.
            reply_to: As for `send`.
            sender: As for `send`.
            headers: As for `send`.
            tags: As for `send`.
            attachments: As for `send`.
            stream: As for `send`.
            tenant: As for `send`.
            options: As for `send`.
            secret: As for `send`.
            idempotency_key: Names the event that the mail is about. A second mail with the same key is not written, as
                long as the outbox keeps the first; the result is that of the first.
            send_at: When to send it, at the earliest, with a time zone. Default: at once.
            expires_at: When it must not be sent any more, with a time zone. Default: never.
            priority: -100 to 100; mails of a larger number are sent first.
            render: `now`, or `later`: an `EmailTemplate` is rendered when it is sent, by the relay's code and brand.

        Returns:
            The status `queued` for each recipient. Its `id` is that of the mail in the outbox.

        Raises:
            ConfigurationError: There is no outbox, or the connection is of another kind.
            IdempotencyConflict: The key was used for another mail.
            InvalidMessage: SES would refuse the message, or a time or the priority is not valid.
            TemplateError: The template cannot be rendered.
            UnknownStream: The stack has no such stream.
        """
        from mailer.outbox.enqueueing import Queueing, queued
        from mailer.stores.sql.transactions import write

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
        queueing = Queueing(idempotency_key, send_at, expires_at, priority, render, subject)
        mail = queueing.mail(content, message, self.outbox.now())
        return queued(message, write(self.outbox, mail, connection))

    async def aenqueue(  # noqa: PLR0913 - as `send`
        self,
        content: "Content",
        *,
        connection: object | None,
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
        send_at: "datetime | None" = None,
        expires_at: "datetime | None" = None,
        priority: int = 0,
        render: "Render" = "now",
    ) -> "SendResult":
        """As `enqueue`, by an `AsyncSession` or `AsyncConnection` of SQLAlchemy, or one of psycopg."""
        from mailer.outbox.enqueueing import Queueing, queued
        from mailer.stores.sql.transactions import awrite

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
        queueing = Queueing(idempotency_key, send_at, expires_at, priority, render, subject)
        mail = queueing.mail(content, message, self.outbox.now())
        return queued(message, await awrite(self.outbox, mail, connection))

    @property
    def outbox(self) -> "SqlOutbox":
        """The outbox: find, count, cancel, retry and delete its mails.

        Raises:
            ConfigurationError: The mailer has none.
        """
        if self._outbox is None:
            hint = 'Pass outbox="postgresql://…" or "sqlite:///…", or set MAILSTACK_OUTBOX: docs/guides/outbox.md.'
            raise ConfigurationError("This mailer has no outbox.", hint=hint)
        return self._outbox

    def compose_again(self, payload: str) -> "Message":
        """Compose the message of a mail in the outbox. Errors: see `send`."""
        from mailer.outbox.payload import read

        content, envelope = read(payload)
        return self.compose(content, **envelope)
