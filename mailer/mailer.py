"""The pipeline: compose, check the idempotency key and suppressions, hand over to the transport, report the result.

Decisions are in `mailer.sending`, requests in `mailer.transports`. Functions import what only sending needs, so that
importing the class stays cheap.
"""

import logging
from datetime import timedelta
from functools import partial
from os import environ
from typing import TYPE_CHECKING, Literal, cast

from mailer.address import Address
from mailer.errors import ConfigurationError, StoreError, Throttled, TransportError, UnknownStream
from mailer.message_id import new_id
from mailer.results import RecipientResult, SendResult
from mailer.sending.hooks import observed
from mailer.sending.retry import RetryPolicy, retrying
from mailer.sending.screening import suppressed_results
from mailer.stores.base import scopes_of
from mailer.unchanged import UNCHANGED, Unchanged

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
    from pathlib import Path
    from typing import Self

    from boto3.session import Session

    from mailer.attachment import Attachment
    from mailer.content import RawMime, StoredTemplate
    from mailer.local import Place
    from mailer.message import Envelope, Mailboxes, Message, Pairs
    from mailer.options import SendOptions
    from mailer.sending.hooks import SendHook
    from mailer.sending.limiter import Limiter, RateLimit
    from mailer.sending.many import Mail, MailResult
    from mailer.sending.outcome import MessageOutcome
    from mailer.sending.recipient_guard import RecipientGuard
    from mailer.sending.threads import Threads
    from mailer.stack import StackOutputs
    from mailer.stores.base import SuppressionStore
    from mailer.stores.idempotency import IdempotencyStore
    from mailer.stores.messages import MessageLog
    from mailer.stores.rate import RateStore
    from mailer.stores.sql.stores import SqlStores
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand
    from mailer.transports.base import Transport
    from mailer.wire.access import Access

    Content = EmailTemplate | Message | StoredTemplate | RawMime

log = logging.getLogger("mailer")
# Seconds from the last retry's start until a send has ended, whatever the network does.
_LAST_ATTEMPT = 60
# As many connections as are kept open: `mailer.wire.pool`.
_MAX_THREADS = 64
# The application decides what is logged. Without a handler, Python would print our warnings to stderr.
log.addHandler(logging.NullHandler())


class Mailer:
    """Sends mail through a stack. Create one and keep it; threads may share it.

    Args:
        outputs: What the stack exported. `Mailer.from_stack("prod")` finds them by the stack's name.
        brand: The name, colours and addresses that templates show. Default: the stack's domain and plain colours.
        transport: How messages reach a service. Default: SES in the stack's region.
        suppressions: The suppression list. Default: that of `store`.
        retries: How often and how long a message that was not accepted is retried.
        session: A boto3 session, whose credentials and profile are used, or a `mailer.Access`. Default: what boto3
            finds by itself.
        role: The ARN of a role to assume with those credentials. It is assumed again before its session expires. Not
            with an `Access`, which has its own.
        guard: Who may get mail, for stacks outside production. Default: what the variables
            `MAILSTACK_ALLOWED_RECIPIENTS` and `MAILSTACK_REDIRECT_TO` say; without them, everyone.
        idempotency: Where idempotency keys are recorded. Default: in `store`.
        hooks: `SendHook` objects, called before and after each message.
        send_on_store_error: Streams whose mail is sent when the suppression list cannot be read. SES's own list still
            holds. Default: none, and nobody gets mail then.
        message_log: What became of each message. Default: the stack's own, if the stack keeps one.
        rate: How the account's sending rate and quota are kept. Default: `RateLimit()`, each process by itself; False
            to leave it to SES. A `transport` that is passed in has no limit by default.
        store: The URL of a SQL database that keeps everything (`postgresql://…` or `sqlite:///mail.db`), or a
            `SqlStores`. Default: the database that `MAILSTACK_STORE` names; without it, the stack's DynamoDB table.

    Raises:
        ConfigurationError: `outputs` is not a `StackOutputs`, or a guard is set in a production stack.

    Example:
        >>> from mailer.catalog import Welcome
        >>> mail = Mailer.from_stack("prod")  # doctest: +SKIP
        >>> mail.send(Welcome(name="Ada", dashboard_url="https://example.com"), to="ada@example.com")  # doctest: +SKIP
        SendResult(<a***@example.com: sent>)
    """

    def __init__(  # noqa: PLR0913 - the parts of a mailer, written out for help() and completion
        self,
        outputs: "StackOutputs",
        *,
        brand: "Brand | None" = None,
        transport: "Transport | None" = None,
        suppressions: "SuppressionStore | None" = None,
        retries: RetryPolicy | None = None,
        session: "Session | Access | None" = None,
        role: str = "",
        guard: "RecipientGuard | None" = None,
        idempotency: "IdempotencyStore | None" = None,
        hooks: "Iterable[SendHook]" = (),
        send_on_store_error: "Iterable[str]" = (),
        message_log: "MessageLog | None" = None,
        rate: "RateLimit | Literal[False] | None" = None,
        store: "str | SqlStores | None" = None,
    ) -> None:
        from mailer.sending.recipient_guard import guard_from_environment
        from mailer.stores.bundle import chosen_stores
        from mailer.wire.access import Access

        self.outputs = _checked_outputs(outputs)
        self.brand = brand or _default_brand(outputs)
        self._sender = Address.parse(outputs.sender)
        access = session if isinstance(session, Access) else Access(session, role)
        # Compare with None: an empty store is falsy.
        self._transport = _ses(outputs, access) if transport is None else transport
        self._stores = chosen_stores(store, outputs, access)
        self._suppressions = self._stores.suppressions if suppressions is None else suppressions
        self._idempotency = self._stores.idempotency if idempotency is None else idempotency
        self._message_log = self._stores.messages if message_log is None else message_log
        self._retries = retries or RetryPolicy()
        self._guard = guard_from_environment() if guard is None else guard
        if self._guard:
            self._guard.check_stack(outputs.stack)
        has_limit = transport is None if rate is None else rate
        self._limiter = _limiter(rate or None, outputs, access, self._stores.rate) if has_limit else None
        self._hooks = tuple(hooks)
        self._send_on_store_error = frozenset(map(self._known_stream, send_on_store_error))
        self._threads: Threads | None = None

    @classmethod
    def local(  # noqa: PLR0913 - as the constructor
        cls,
        folder: "str | Path" = "mails",
        *,
        stack: str = "local",
        streams: "Iterable[str]" = ("transactional", "marketing"),
        sender: str = "Example <no-reply@example.test>",
        brand: "Brand | None" = None,
        suppressions: "SuppressionStore | None" = None,
        idempotency: "IdempotencyStore | None" = None,
        hooks: "Iterable[SendHook]" = (),
        store: "str | SqlStores | None" = None,
        console: bool = True,
    ) -> "Mailer":
        """Create a mailer that needs no AWS and sends nothing: each mail becomes a file on this machine.

        The environment variable `MAILSTACK_OUTPUTS=local:///folder` makes `from_stack` return one, so that an
        application needs no `if`.

        Args:
            folder: Where the mails are written, with an `index.html`.
            stack: The name of the stack that it stands for.
            streams: The names of its streams; the first is the default.
            sender: The default From address.
            brand: See `Mailer`.
            suppressions: The suppression list. Default: an empty one in memory.
            idempotency: Where idempotency keys are recorded. Default: in memory.
            hooks: See `Mailer`.
            store: See `Mailer`. Default: suppressions and keys in memory.
            console: Whether to print each mail to standard error.

        Raises:
            ConfigurationError: There is no stream. `InvalidAddress` is raised for an invalid sender.
        """
        from mailer.local import folder_of, local_outputs
        from mailer.stores.memory import MemoryIdempotency, MemorySuppressions
        from mailer.transports.files import FileTransport

        transport = FileTransport(folder_of(folder), console=console)
        log.warning("Mail is not sent: it is written to %s", transport.folder)
        return cls(
            local_outputs(stack, streams, sender),
            brand=brand,
            transport=transport,
            suppressions=MemorySuppressions() if suppressions is None and store is None else suppressions,
            idempotency=MemoryIdempotency() if idempotency is None and store is None else idempotency,
            hooks=hooks,
            store=store or "",  # not that of the environment
        )

    @classmethod
    def over(  # noqa: PLR0913 - as the constructor
        cls,
        transport: "Transport",
        *,
        sender: str,
        name: str = "app",
        streams: "Iterable[str]" = ("transactional", "marketing"),
        brand: "Brand | None" = None,
        suppressions: "SuppressionStore | None" = None,
        retries: RetryPolicy | None = None,
        guard: "RecipientGuard | None" = None,
        idempotency: "IdempotencyStore | None" = None,
        hooks: "Iterable[SendHook]" = (),
    ) -> "Mailer":
        """Create a mailer without a stack, for an application that has SMTP or Microsoft 365 and no AWS.

        Args:
            transport: How messages reach a service, such as `SmtpTransport`.
            sender: The default From address.
            name: The application's name, for errors and logs.
            streams: The names of streams; the first is the default.
            brand: See `Mailer`.
            suppressions: The suppression list. Default: an empty one in memory, which a restart forgets.
            retries: See `Mailer`.
            guard: See `Mailer`.
            idempotency: Where idempotency keys are recorded. Default: in memory, for this process alone.
            hooks: See `Mailer`.

        Raises:
            ConfigurationError: There is no stream. `InvalidAddress` is raised for an invalid sender.

        Example:
            >>> from mailer import SmtpTransport
            >>> mail = Mailer.over(SmtpTransport("smtp.example.com"), sender="Shop <shop@example.com>")
        """
        from mailer.local import local_outputs
        from mailer.stores.memory import MemoryIdempotency, MemorySuppressions

        return cls(
            local_outputs(name, streams, sender),
            brand=brand,
            transport=transport,
            suppressions=MemorySuppressions() if suppressions is None else suppressions,
            retries=retries,
            guard=guard,
            idempotency=MemoryIdempotency() if idempotency is None else idempotency,
            hooks=hooks,
        )

    @classmethod
    def from_stack(  # noqa: PLR0913 - as the constructor
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
        guard: "RecipientGuard | None" = None,
        idempotency: "IdempotencyStore | None" = None,
        hooks: "Iterable[SendHook]" = (),
        send_on_store_error: "Iterable[str]" = (),
        message_log: "MessageLog | None" = None,
        rate: "RateLimit | Literal[False] | None" = None,
        store: "str | SqlStores | None" = None,
    ) -> "Mailer":
        """Create a mailer from the name of a stack. `mailer.load` documents where the outputs are found.

        Args:
            stack: The name of the stack.
            outputs: The outputs, their JSON, or the path of a file. Default: `MAILSTACK_OUTPUTS`, then the Systems
                Manager parameter of the stack. `MAILSTACK_OUTPUTS=local:///folder` creates a `Mailer.local`.
            brand: See `Mailer`.
            transport: See `Mailer`.
            suppressions: See `Mailer`.
            retries: See `Mailer`.
            session: See `Mailer`.
            role: See `Mailer`.
            guard: See `Mailer`.
            idempotency: See `Mailer`.
            hooks: See `Mailer`.
            send_on_store_error: See `Mailer`.
            message_log: See `Mailer`.
            rate: See `Mailer`.
            store: See `Mailer`.

        Raises:
            StackNotFound: The outputs were not found.
            StackOutputsInvalid: The outputs cannot be read.
        """
        from mailer.stack import load
        from mailer.wire.access import Access

        local = _local_place() if outputs is None else None
        if local:
            mailer = cls.local(local.folder, stack=stack, streams=local.streams, sender=local.sender, brand=brand)
            found, transport = mailer.outputs, transport or mailer._transport  # noqa: SLF001 - our own
            if store is None:
                suppressions = mailer._suppressions if suppressions is None else suppressions  # noqa: SLF001
                idempotency = mailer._idempotency if idempotency is None else idempotency  # noqa: SLF001
            return cls(
                found,
                brand=brand,
                transport=transport,
                suppressions=suppressions,
                retries=retries,
                guard=guard,
                idempotency=idempotency,
                hooks=hooks,
                send_on_store_error=send_on_store_error,
                message_log=message_log,
                rate=rate,
                store=store or "",
            )
        access = Access(session, role)
        return cls(
            load(stack, outputs=outputs, access=access),
            brand=brand,
            transport=transport,
            suppressions=suppressions,
            retries=retries,
            guard=guard,
            idempotency=idempotency,
            hooks=hooks,
            send_on_store_error=send_on_store_error,
            message_log=message_log,
            rate=rate,
            store=store,
            session=access,  # which has a session open already, where the outputs were read from AWS
        )

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
    ) -> SendResult:
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
        ).identified(new_id(logged=self._message_log is not None))
        result = observed(self._hooks, message, partial(self._send_message, key=idempotency_key))
        return self._limiter.checked(result) if self._limiter else result

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
    ) -> SendResult:
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

    def send_many(self, mails: "Iterable[Mail]", *, threads: int = 16) -> "Iterator[MailResult]":
        """Send many mails at once, in constant memory.

        Args:
            mails: Any number of `Mail` objects; a generator is read as fast as mails are sent.
            threads: How many mails are sent at the same time, 64 at most.

        Returns:
            The results, each as soon as it is there, not in the order of the mails. A mail that cannot be sent as it is
            has an error in its result, and the others go on. Mails are sent while you iterate: if you stop, those that
            have not begun are not sent.

        Raises:
            ConfigurationError: `threads` is not 1 to 64.
        """
        from mailer.sending.many import send_many

        return send_many(mails, self.send, _checked_threads(threads))

    def asend_many(
        self, mails: "Iterable[Mail] | AsyncIterable[Mail]", *, threads: int = 16
    ) -> "AsyncIterator[MailResult]":
        """Send many mails from a coroutine: `async for result in mailer.asend_many(mails)`. See `send_many`."""
        from mailer.sending.many import asend_many

        return asend_many(mails, self._pool.run, self.send, _checked_threads(threads))

    def outcome(self, id_: str) -> "MessageOutcome":
        """What became of a message, as far as it is known now. Resolves the status `unknown`.

        An event of SES that carries the id proves that SES accepted the message. If none has come an hour after the
        message was handed over, SES did not accept it. The stack must keep a message log.

        Args:
            id_: `SendResult.id`.

        Raises:
            ConfigurationError: The stack keeps no message log.
            InvalidMessageId: It is not an id of this library.
            OutcomeExpired: The message is older than what the message log keeps.
            StoreError: The message log cannot be read.
        """
        from mailer.sending.outcome import checked_time, outcome_of
        from mailer.stores.base import utcnow

        if self._message_log is None:
            raise ConfigurationError(
                f"The stack {self.outputs.stack!r} keeps no message log, so outcomes are not known.",
                hint="Set mailstack:messageLog.days to the number of days to keep, such as 30, and run `pulumi up`.",
            )
        # The time is read first: an event that comes meanwhile is then counted, and never missed.
        now = utcnow()
        handed_over = checked_time(id_, now=now, days=self._message_log.days)
        return outcome_of(id_, self._message_log.of_message(id_), handed_over=handed_over, now=now)

    def close(self) -> None:
        """Wait for what `asend` has begun, and close the open connections. A later send opens new ones.

        Messages that wait for the sending rate are not sent: they have the status `throttled`.
        """
        if self._limiter:
            self._limiter.close()
        if self._threads:
            self._threads.close()
        for part in (self._transport, self._suppressions, self._idempotency, self._message_log, self._stores):
            close = getattr(part, "close", None)
            if close is not None:
                close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def aclose(self) -> None:
        """As `close`, without blocking the event loop."""
        from asyncio import to_thread

        await to_thread(self.close)

    async def __aenter__(self) -> "Self":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

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

        given = {
            "subject": subject,
            "to": to,
            "cc": cc,
            "bcc": bcc,
            "reply_to": reply_to,
            "sender": sender,
            "headers": headers,
            "tags": tags,
            "attachments": attachments,
            "stream": stream,
            "tenant": tenant,
            "options": options,
            "secret": secret,
        }
        envelope = {name: value for name, value in given.items() if value is not UNCHANGED}
        message = compose(content, self.brand, **cast("Envelope", envelope))
        stream = self._known_stream(message.stream or self.outputs.default_stream)
        return message.filled_in(sender=self._sender, stream=stream)

    def _known_stream(self, stream: str) -> str:
        if stream not in self.outputs.streams:
            known = ", ".join(sorted(self.outputs.streams))
            raise UnknownStream(f"The stack {self.outputs.stack!r} has no stream {stream!r}.", hint=f"It has: {known}.")
        return stream

    @property
    def _pool(self) -> "Threads":
        """The threads of `asend`; an object without threads until they are needed."""
        from mailer.sending.threads import Threads

        self._threads = self._threads or Threads()
        return self._threads

    def _send_message(self, message: "Message", *, key: str | None) -> SendResult:
        if key is None:
            result = SendResult.ordered(message, self._guarded(message))
        else:
            from mailer.sending.idempotency import Once  # loads hashlib and OpenSSL

            last = float(getattr(self._transport, "longest_attempt", _LAST_ATTEMPT))
            waits = self._limiter.max_wait if self._limiter else 0.0
            busy = timedelta(seconds=waits + self._retries.budget + last)
            result = Once(self._idempotency, self._guarded, busy).deliver(message, key)
        self._report(message, result)
        if self._message_log is not None and not result.ok and not result.replayed:
            self._record(self._message_log, message, result)
        return result

    def _guarded(self, message: "Message") -> list[RecipientResult]:
        return self._guard.deliver(message, self._deliver) if self._guard else self._deliver(message)

    def _deliver(self, message: "Message") -> list[RecipientResult]:
        """Send to everyone who is not suppressed."""
        try:
            keys = [address.key for address in message.recipients]
            found = self._suppressions.get_many(keys, scopes_of(message.stream, message.tenant))
        except StoreError as error:  # it is not known who may be sent to, so nobody is
            if message.stream not in self._send_on_store_error:
                return [RecipientResult.of_error(one, error) for one in message.recipients]
            log.warning("Sent without a suppression check: %s stream=%s id=%s", error, message.stream, message.id)
            found = {}
        allowed = message.without(found)
        return [*suppressed_results(message, found), *(self._hand_over(allowed) if allowed else ())]

    def _hand_over(self, message: "Message") -> tuple[RecipientResult, ...]:
        try:
            return retrying(partial(self._attempt, message), self._retries)
        except TransportError as error:
            return tuple(RecipientResult.of_error(address, error) for address in message.recipients)

    def _attempt(self, message: "Message") -> tuple[RecipientResult, ...]:
        """Try once, when the account's sending rate has room for it."""
        if self._limiter is None:
            return self._transport.send(message)
        self._limiter.acquire(len(message.recipients))
        try:
            return self._transport.send(message)
        except Throttled:
            self._limiter.throttled()
            raise

    def _report(self, message: "Message", result: SendResult) -> None:
        level = logging.INFO if result.ok else logging.WARNING
        if not log.isEnabledFor(level):
            return
        words = "%s stream=%s message_id=%s id=%s"
        facts = {"stream": message.stream, "template": message.template_name, **result.to_dict()}
        log.log(level, words, result, message.stream, result.message_id or "-", result.id, extra={"mailstack": facts})

    def _record(self, message_log: "MessageLog", message: "Message", result: SendResult) -> None:
        """Record what was not sent. The result is what counts, so a failure is only logged."""
        from mailer.sending.attempts import attempts_of
        from mailer.stores.base import utcnow

        sent_with = self.outputs.streams[message.stream].configuration_set
        try:
            message_log.add(attempts_of(message, result, configuration_set=sent_with, now=utcnow()))
        except StoreError as error:
            log.warning("Not recorded in the message log: id=%s %s", message.id, error.message)


def _checked_outputs(outputs: object) -> "StackOutputs":
    from mailer.stack import StackOutputs

    if isinstance(outputs, StackOutputs):
        return outputs
    stack = outputs if isinstance(outputs, str) and outputs.replace("-", "").isalnum() else "prod"
    hint = f'Call Mailer.from_stack("{stack}"), which finds the outputs of a stack by its name.'
    raise ConfigurationError(f"Mailer(...) takes StackOutputs, not {type(outputs).__name__}.", hint=hint)


def _limiter(
    limit: "RateLimit | None", outputs: "StackOutputs", access: "Access", store: "RateStore | None"
) -> "Limiter":
    from mailer.sending.limiter import Account, Limiter, RateLimit
    from mailer.transports.ses import account_standing

    limit = limit or RateLimit()
    account = Account(store, partial(account_standing, outputs.region, access))
    if limit.shared and store is None:
        hint = "Use the stack's table, or RateLimit(shared=False)."
        raise ConfigurationError("This store cannot share the sending rate among processes.", hint=hint)
    return Limiter(limit, account, store if limit.shared else None)


def _checked_threads(threads: int) -> int:
    if not 1 <= threads <= _MAX_THREADS:
        raise ConfigurationError(f"threads is {threads}.", hint=f"Pass 1 to {_MAX_THREADS}.")
    return threads


def _local_place() -> "Place | None":
    """The folder that the environment names for local mail; None if it names none."""
    from mailer.stack import LOCAL_SCHEME, VARIABLE

    value = environ.get(VARIABLE, "").strip()
    if not value.startswith(LOCAL_SCHEME):
        return None
    from mailer.local import Place

    return Place.parse(value)


def _default_brand(outputs: "StackOutputs") -> "Brand":
    from mailer.templates.brand import Brand

    return Brand(name=outputs.domain[:64])


def _ses(outputs: "StackOutputs", access: "Access") -> "Transport":
    from mailer.transports.ses import SesTransport

    return SesTransport(outputs, access=access)
