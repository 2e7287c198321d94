"""Many mails at once: a stream of mails in, a stream of results out, in constant memory."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import KW_ONLY, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

from mailer.errors import MailerError
from mailer.unchanged import UNCHANGED, Unchanged

if TYPE_CHECKING:
    from mailer.address import Address
    from mailer.attachment import Attachment
    from mailer.content import RawMime, StoredTemplate
    from mailer.message import Mailboxes, Message, Pairs
    from mailer.options import SendOptions
    from mailer.results import SendResult
    from mailer.templates.base import EmailTemplate

# The mails that are taken from the input ahead of the threads, so that no thread waits for one.
_AHEAD = 2
_NOT_ARGUMENTS = frozenset({"content", "reference"})


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """One of the mails of `Mailer.send_many`: the arguments of `Mailer.send`, and a reference of your own.

    Attributes:
        content: As for `Mailer.send`; so are the other attributes.
        reference: Whatever tells you which mail this is, such as the row of a file. It is not sent.

    Example:
        >>> from mailer import Message
        >>> Mail(Message(subject="Hello", text="Hello Ada"), to="ada@example.com", reference=1)
        <Mail 1>
    """

    content: "EmailTemplate | Message | StoredTemplate | RawMime"
    _: KW_ONLY
    to: "Mailboxes | Unchanged" = UNCHANGED
    subject: "str | Unchanged" = UNCHANGED
    cc: "Mailboxes | Unchanged" = UNCHANGED
    bcc: "Mailboxes | Unchanged" = UNCHANGED
    reply_to: "Mailboxes | Unchanged" = UNCHANGED
    sender: "str | Address | Unchanged | None" = UNCHANGED
    headers: "Pairs | Unchanged" = UNCHANGED
    tags: "Pairs | Unchanged" = UNCHANGED
    attachments: "Attachment | Iterable[Attachment] | Unchanged | None" = UNCHANGED
    stream: "str | Unchanged | None" = UNCHANGED
    tenant: "str | Unchanged | None" = UNCHANGED
    options: "SendOptions | Unchanged | None" = UNCHANGED
    secret: "bool | Unchanged | None" = UNCHANGED
    idempotency_key: str | None = None
    reference: object = None

    def send_with(self, send: "Callable[..., SendResult]") -> "SendResult":
        """Call `Mailer.send` with the parts."""
        names = (one.name for one in fields(self) if one.name not in _NOT_ARGUMENTS)
        return send(self.content, **{name: getattr(self, name) for name in names})

    def __repr__(self) -> str:
        return f"<Mail {self.reference!r}>"


@dataclass(frozen=True, slots=True)
class MailResult:
    """What became of one of many mails.

    Attributes:
        mail: The mail.
        result: Its result; None if `send` raised an error.
        error: The error: the mail cannot be sent as it is, and the others go on. None if there is a result.
    """

    mail: Mail
    result: "SendResult | None" = None
    error: MailerError | None = None

    @property
    def ok(self) -> bool:
        """Whether the mail was sent to every recipient."""
        return self.result is not None and self.result.ok


def send_many(mails: Iterable[Mail], send: "Callable[..., SendResult]", threads: int) -> Iterator[MailResult]:
    """Send with so many threads, and yield each result when it is there.

    Whatever was taken from the input has a result before an error of the input is raised.
    """
    read = _Reader(iter(mails))
    with ThreadPoolExecutor(threads, thread_name_prefix="mailer") as pool:
        pending: set[Future[MailResult]] = set()
        try:
            for mail in read:
                pending.add(pool.submit(_one, mail, send))
                while len(pending) >= threads * _AHEAD:
                    yield from _done(pending)
            while pending:
                yield from _done(pending)
        finally:  # the caller wants no more results: what has not begun is not sent
            for future in pending:
                future.cancel()
    read.raise_error()


def _done(pending: set[Future[MailResult]]) -> Iterator[MailResult]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    pending -= done
    yield from (future.result() for future in done)


class _Reader:
    """Reads an input until it ends or raises an error, which is kept for later."""

    def __init__(self, items: Iterator[Mail]) -> None:
        self._items = items
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Mail]:
        try:
            yield from self._items
        except Exception as error:  # noqa: BLE001 - raised by `raise_error`
            self.error = error

    async def each(self, items: AsyncIterable[Mail]) -> AsyncIterator[Mail]:
        """As iteration, for another kind of input."""
        try:
            async for item in items:
                yield item
        except Exception as error:  # noqa: BLE001 - raised by `raise_error`
            self.error = error

    def raise_error(self) -> None:
        """Raise the error of the input, if there was one."""
        if self.error:
            raise self.error


async def asend_many(
    mails: "Iterable[Mail] | AsyncIterable[Mail]",
    run: "Callable[[Callable[[], MailResult]], Coroutine[None, None, MailResult]]",
    send: "Callable[..., SendResult]",
    threads: int,
) -> AsyncIterator[MailResult]:
    """As `send_many`, with threads that run functions for coroutines."""
    read = _Reader(iter(()) if isinstance(mails, AsyncIterable) else iter(mails))
    pending: set[asyncio.Task[MailResult]] = set()
    try:
        async for mail in read.each(mails) if isinstance(mails, AsyncIterable) else _each(read):
            pending.add(asyncio.create_task(run(partial(_one, mail, send))))
            if len(pending) >= threads:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in pending:
            task.cancel()
    read.raise_error()


async def _each(items: Iterable[Mail]) -> AsyncIterator[Mail]:
    for item in items:
        yield item


def _one(mail: Mail, send: "Callable[..., SendResult]") -> MailResult:
    try:
        return MailResult(mail, mail.send_with(send))
    except MailerError as error:
        return MailResult(mail, error=error)
