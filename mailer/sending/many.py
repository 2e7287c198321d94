"""Many mails at once: a stream of mails in, a stream of results out, in constant memory."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass, fields
from functools import partial
from queue import SimpleQueue
from threading import Event, Lock
from typing import TYPE_CHECKING, Protocol

from mailer.errors import MailerError
from mailer.sending.threads import THREAD_NAME
from mailer.unchanged import UNCHANGED, Unchanged

if TYPE_CHECKING:
    from mailer.address import Address
    from mailer.attachment import Attachment
    from mailer.content import RawMime, StoredTemplate
    from mailer.message import Mailboxes, Message, Pairs
    from mailer.options import SendOptions
    from mailer.results import SendResult
    from mailer.templates.base import EmailTemplate

# Units of mails that are taken from the input for each thread, so that no thread waits for one.
_AHEAD = 2
# Seconds that a unit waits for further mails: longer than a busy machine needs to read them, too short to notice.
_LINGER = 0.1


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
        return send(self.content, **self._parts(), idempotency_key=self.idempotency_key)

    def compose_with(self, compose: "Callable[..., Message]") -> "Message":
        """Call `Mailer.compose` with the parts."""
        return compose(self.content, **self._parts())

    def _parts(self) -> dict[str, object]:
        return {name: value for name in _PARTS if (value := getattr(self, name)) is not UNCHANGED}

    def __repr__(self) -> str:
        return f"<Mail {self.reference!r}>"


# The arguments of `Mailer.compose`.
_PARTS = tuple(one.name for one in fields(Mail) if one.name not in {"content", "idempotency_key", "reference"})


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


class Sender(Protocol):
    """Sends some mails at a time. Threads share it."""

    @property
    def size(self) -> int:
        """How many mails the next unit has."""
        ...

    def send(self, mails: "Sequence[Mail]") -> "Outcomes":
        """Send the mails of a unit."""
        ...


class Outcomes:
    """What became of the mails of a unit: results, and errors that are not of this library."""

    def __init__(self) -> None:
        self.results: list[MailResult] = []
        self.error: Exception | None = None

    def add(self, mail: Mail, outcome: "SendResult | Exception | None") -> None:
        """What `send` returned or raised for a mail."""
        if isinstance(outcome, MailerError):
            self.results.append(MailResult(mail, error=outcome))
        elif isinstance(outcome, Exception):
            self.error = self.error or outcome
        else:
            self.results.append(MailResult(mail, outcome))

    def each(self) -> Iterator[MailResult]:
        """The results, and then the error that is not of this library."""
        yield from self.results
        if self.error:
            raise self.error


class SingleSender:
    """A `Sender` of one mail at a time: `send` is `Mailer.send`."""

    size = 1

    def __init__(self, send: "Callable[..., SendResult]") -> None:
        self._send = send

    def send(self, mails: "Sequence[Mail]") -> Outcomes:
        """See `Sender.send`."""
        outcomes = Outcomes()
        for mail in mails:
            try:
                outcomes.add(mail, mail.send_with(self._send))
            except Exception as error:  # noqa: BLE001 - `Outcomes` raises what is not an error of ours
                outcomes.add(mail, error)
        return outcomes


class _Unit:
    """The mails that one thread sends. Mails are added until it is full, or a thread has waited `_LINGER` for more."""

    def __init__(self, size: int) -> None:
        self._size, self._mails = size, list[Mail]()
        self._lock, self._full, self._is_taken = Lock(), Event(), False

    @property
    def is_full(self) -> bool:
        """Whether it has all its mails."""
        return self._full.is_set()

    def add(self, mail: Mail) -> bool:
        """Add a mail; false if it is too late."""
        with self._lock:
            if self._is_taken or len(self._mails) >= self._size:
                return False
            self._mails.append(mail)
            if len(self._mails) >= self._size:
                self._full.set()
            return True

    def close(self) -> None:
        """Wait for no more mails."""
        self._full.set()

    def send_with(self, sender: Sender) -> Outcomes:
        """Send the mails, in the thread that calls it."""
        self._full.wait(_LINGER)
        with self._lock:
            self._is_taken = True
        return sender.send(self._mails)


class _Units:
    """Puts mails into units."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._open: _Unit | None = None

    def add(self, mail: Mail) -> "Callable[[], Outcomes] | None":
        """Add a mail; what must be run in a thread if that takes another thread."""
        if self._open and self._open.add(mail):
            return None
        self._open = unit = _Unit(self._sender.size)
        unit.add(mail)
        return partial(unit.send_with, self._sender)

    @property
    def are_full(self) -> bool:
        """Whether the next mail takes another unit, as far as is known."""
        return self._open is None or self._open.is_full

    def close(self) -> None:
        """There are no more mails."""
        if self._open:
            self._open.close()


def send_many(mails: Iterable[Mail], sender: Sender, threads: int) -> Iterator[MailResult]:
    """Send with so many threads, and yield each result when it is there.

    Whatever was taken from the input has a result before an error of the input is raised.
    """
    read, units = _Reader(iter(mails)), _Units(sender)
    with ThreadPoolExecutor(threads, thread_name_prefix=THREAD_NAME) as pool:
        pending: set[Future[Outcomes]] = set()
        done: SimpleQueue[Future[Outcomes]] = SimpleQueue()
        try:
            for mail in read:
                if run := units.add(mail):
                    future = pool.submit(run)
                    pending.add(future)
                    future.add_done_callback(done.put)
                while units.are_full and len(pending) >= threads * _AHEAD:
                    yield from _next(done, pending)
            units.close()
            while pending:
                yield from _next(done, pending)
        finally:  # the caller wants no more results: what has not begun is not sent
            for future in pending:
                future.cancel()
    read.raise_error()


def _next(done: "SimpleQueue[Future[Outcomes]]", pending: "set[Future[Outcomes]]") -> Iterator[MailResult]:
    """The results of the next unit; the queue tells of it without looking at all that are pending."""
    future = done.get()
    pending.discard(future)
    yield from future.result().each()


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
    run: "Callable[[Callable[[], Outcomes]], Coroutine[None, None, Outcomes]]",
    sender: Sender,
    threads: int,
) -> AsyncIterator[MailResult]:
    """As `send_many`, with threads that run functions for coroutines."""
    read, units = _Reader(iter(()) if isinstance(mails, AsyncIterable) else iter(mails)), _Units(sender)
    pending: set[asyncio.Task[Outcomes]] = set()
    try:
        async for mail in read.each(mails) if isinstance(mails, AsyncIterable) else _each(read):
            if unit := units.add(mail):
                pending.add(asyncio.create_task(run(unit)))
            if units.are_full and len(pending) >= threads:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    for result in task.result().each():
                        yield result
        units.close()
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                for result in task.result().each():
                    yield result
    finally:
        for task in pending:
            task.cancel()
    read.raise_error()


async def _each(items: Iterable[Mail]) -> AsyncIterator[Mail]:
    for item in items:
        yield item
