"""The class that users create: its parts, the three other ways to create it, and its end.

What it sends goes through `mailer.sending.pipeline`. Functions import what only sending needs, so that importing the
class stays cheap.
"""

import logging
from typing import TYPE_CHECKING, Literal

from mailer.errors import ConfigurationError
from mailer.outbox.methods import OutboxMethods
from mailer.sending.parts import account_limiter, checked_outputs, default_brand, known_stream, ses_transport
from mailer.sending.pipeline import Pipeline
from mailer.sending.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

    from boto3.session import Session

    from mailer.sending.hooks import SendHook
    from mailer.sending.limiter import RateLimit
    from mailer.sending.methods import Content as Content  # noqa: PLC0414 - for those who import it from here
    from mailer.sending.outcome import MessageOutcome
    from mailer.sending.recipient_guard import RecipientGuard
    from mailer.stack import StackOutputs
    from mailer.stores.base import SuppressionStore
    from mailer.stores.bundle import Stores
    from mailer.stores.idempotency import IdempotencyStore
    from mailer.stores.messages import MessageLog
    from mailer.stores.sql.stores import SqlStores
    from mailer.stores.tokens import TokenStore
    from mailer.templates.brand import Brand
    from mailer.transports.base import Transport
    from mailer.unsubscribe import Unsubscribe
    from mailer.wire.access import Access

log = logging.getLogger("mailer")


class Mailer(OutboxMethods):
    """Sends mail through a stack. Create one and keep it; threads may share it.

    Args:
        outputs: What the stack exported. `Mailer.from_stack("prod")` finds them by the stack's name.
        brand: The name, colours and addresses that templates show. Default: that of the stack's settings; where they
            set none, the stack's domain and plain colours.
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
            holds. Default: none; then no mail is sent.
        message_log: What became of each message. Default: the stack's own, if the stack keeps one.
        rate: How the account's sending rate and quota are kept. Default: `RateLimit()`, each process by itself; False
            to leave it to SES. A `transport` that is passed in has no limit by default.
        store: The URL of a SQL database that keeps everything (`postgresql://…` or `sqlite:///mail.db`), or a
            `SqlStores`. Default: the database that `MAILSTACK_STORE` names; without it, the stack's DynamoDB table.
        unsubscribe: The one-click unsubscribe links of marketing mail. Default: what `MAILSTACK_UNSUBSCRIBE_URL` and
            the variables beside it say; without them, no link.
        outbox: The URL of the application's database, where `enqueue` writes, or a `SqlStores`. Default: the database
            that `MAILSTACK_OUTBOX` names; without it, that of `store`.

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
        store: "str | SqlStores | Stores | None" = None,
        unsubscribe: "Unsubscribe | None" = None,
        outbox: "str | SqlStores | None" = None,
    ) -> None:
        from mailer.sending.recipient_guard import guard_from_environment
        from mailer.stores.bundle import chosen_outbox, chosen_stores
        from mailer.unsubscribe import Unsubscribe
        from mailer.wire.access import Access

        outputs = checked_outputs(outputs)
        access = session if isinstance(session, Access) else Access(session, role)
        # Compare with None: an empty store is falsy.
        has_limit = transport is None if rate is None else rate
        stores = self._stores = chosen_stores(store, outputs, access)
        unsubscribe = Unsubscribe.from_environment() if unsubscribe is None else unsubscribe
        guard = guard_from_environment() if guard is None else guard
        if guard:
            guard.check_stack(outputs.stack)
        for stream in unsubscribe.streams if unsubscribe else ():
            known_stream(outputs, stream)
        pipeline = Pipeline(
            outputs=outputs,
            transport=ses_transport(outputs, access) if transport is None else transport,
            suppressions=stores.suppressions if suppressions is None else suppressions,
            idempotency=stores.idempotency if idempotency is None else idempotency,
            message_log=stores.messages if message_log is None else message_log,
            retries=retries or RetryPolicy(),
            guard=guard,
            limiter=account_limiter(rate or None, outputs, access, stores.rate) if has_limit else None,
            hooks=tuple(hooks),
            unsubscribe=unsubscribe,
            send_on_store_error=frozenset(known_stream(outputs, stream) for stream in send_on_store_error),
        )
        if add_hooks := getattr(pipeline.transport, "add_hooks", None):  # of `Failover`, for its circuit breaker
            add_hooks(pipeline.hooks)
        queue, self._close_outbox = chosen_outbox(outbox, stores)
        super().__init__(outputs, brand or default_brand(outputs), pipeline, queue)

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
        unsubscribe: "Unsubscribe | None" = None,
        outbox: "str | SqlStores | None" = None,
        message_log: "MessageLog | None" = None,
        console: bool = True,
    ) -> "Mailer":
        """Create a mailer that needs no AWS and sends nothing: each mail becomes a file on this machine.

        The environment variable `MAILSTACK_OUTPUTS=local:///folder` makes `from_stack` return one, so that an
        application needs no `if`.

        Args:
            folder: Where the mails are written, with an `index.html`.
            stack: The name of the stack to imitate.
            streams: The names of its streams; the first is the default.
            sender: The default From address.
            brand: See `Mailer`.
            suppressions: The suppression list. Default: an empty one in memory.
            idempotency: Where idempotency keys are recorded. Default: in memory.
            hooks: See `Mailer`.
            store: See `Mailer`. Default: suppressions and keys in memory.
            unsubscribe: See `Mailer`.
            outbox: See `Mailer`. Default: that of `store`.
            message_log: What became of each message. Default: that of `store`, if its URL has `log_days`.
            console: Whether to print each mail to standard error.

        Raises:
            ConfigurationError: There is no stream. `InvalidAddress` is raised for an invalid sender.
        """
        from mailer.local import folder_of, local_outputs
        from mailer.stores.bundle import memory_stores
        from mailer.transports.files import FileTransport

        transport = FileTransport(folder_of(folder), console=console)
        log.warning("Mail is not sent: it is written to %s", transport.folder)
        return cls(
            local_outputs(stack, streams, sender),
            brand=brand,
            transport=transport,
            suppressions=suppressions,
            idempotency=idempotency,
            hooks=hooks,
            store=memory_stores() if store is None else store,  # not that of the environment
            unsubscribe=unsubscribe,
            outbox=outbox,
            message_log=message_log,
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
        store: "str | SqlStores | None" = None,
        unsubscribe: "Unsubscribe | None" = None,
        outbox: "str | SqlStores | None" = None,
        message_log: "MessageLog | None" = None,
    ) -> "Mailer":
        """Create a mailer without a stack, for an application that has SMTP or Microsoft 365 and no AWS.

        Args:
            transport: How messages reach a service, such as `SmtpTransport`.
            sender: The default From address.
            name: The application's name, for errors and logs.
            streams: The names of streams; the first is the default.
            brand: See `Mailer`.
            suppressions: The suppression list. Default: that of `store`; without one, in memory: a restart forgets it.
            retries: See `Mailer`.
            guard: See `Mailer`.
            idempotency: Where idempotency keys are recorded. Default: in `store`; without one, in memory, for this
                process alone.
            hooks: See `Mailer`.
            store: See `Mailer`.
            unsubscribe: See `Mailer`.
            outbox: See `Mailer`.
            message_log: What became of each message, as far as the transport knows. Default: that of `store`, if its
                URL has `log_days`.

        Raises:
            ConfigurationError: There is no stream. `InvalidAddress` is raised for an invalid sender.

        Example:
            >>> from mailer import SmtpTransport
            >>> mail = Mailer.over(SmtpTransport("smtp.example.com"), sender="Shop <shop@example.com>")
        """
        from mailer.local import local_outputs
        from mailer.stores.bundle import stores_without_stack

        return cls(
            local_outputs(name, streams, sender),
            brand=brand,
            transport=transport,
            suppressions=suppressions,
            retries=retries,
            guard=guard,
            idempotency=idempotency,
            hooks=hooks,
            store=stores_without_stack(store),
            unsubscribe=unsubscribe,
            outbox=outbox,
            message_log=message_log,
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
        unsubscribe: "Unsubscribe | None" = None,
        outbox: "str | SqlStores | None" = None,
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
            unsubscribe: See `Mailer`.
            outbox: See `Mailer`.

        Raises:
            StackNotFound: The outputs were not found.
            StackOutputsInvalid: The outputs cannot be read.
        """
        from mailer.local import place_from_environment
        from mailer.stack import load
        from mailer.wire.access import Access

        access, place = Access(session, role), place_from_environment() if outputs is None else None
        kept: str | SqlStores | Stores | None = store
        if place:
            mailer = cls.local(place.folder, stack=stack, streams=place.streams, sender=place.sender, store=store)
            found, kept = mailer.outputs, mailer._stores  # noqa: SLF001 - our own
            transport = mailer._pipeline.transport if transport is None else transport  # noqa: SLF001
        else:
            found = load(stack, outputs=outputs, access=access)
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
            store=kept,
            unsubscribe=unsubscribe,
            outbox=outbox,
            session=access,  # which has a session open already, where the outputs were read from AWS
        )

    @property
    def tokens(self) -> "TokenStore":
        """Verification codes and links, in this mailer's store; see `mailer.verification`."""
        return self._stores.tokens

    @property
    def message_log(self) -> "MessageLog | None":
        """What became of each message; None if the stack keeps no message log."""
        return self._pipeline.message_log

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

        if self._pipeline.message_log is None:
            raise ConfigurationError(
                f"The stack {self.outputs.stack!r} keeps no message log, so outcomes are not known.",
                hint="Set mailstack:messageLog.days to the number of days to keep, such as 30, and run `pulumi up`.",
            )
        # The time is read first: an event that comes meanwhile is then counted, and never missed.
        now = utcnow()
        handed_over = checked_time(id_, now=now, days=self._pipeline.message_log.days)
        return outcome_of(id_, self._pipeline.message_log.of_message(id_), handed_over=handed_over, now=now)

    def close(self) -> None:
        """Wait for what `asend` has begun, and close the open connections. A later send opens new ones.

        Messages that wait for the sending rate are not sent: they have the status `throttled`.
        """
        pipeline = self._pipeline
        if pipeline.limiter:
            pipeline.limiter.close()
        if self._threads:
            self._threads.close()
        kept = pipeline.suppressions, pipeline.idempotency, pipeline.message_log
        for part in (pipeline.transport, *kept, self._stores):
            close = getattr(part, "close", None)
            if close is not None:
                close()
        self._close_outbox()

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
