"""Hands mails over without waiting for them, so that an answer takes as long with a mail as without one."""

import atexit
import logging
from functools import partial
from queue import Full, Queue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from mailer.errors import MailerError, TemporaryFailure
from mailer.redaction import cause_of
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Self

    from mailer.mailer import Mailer
    from mailer.results import SendResult
    from mailer.sending.many import Mail

log = logging.getLogger("mailer")
# Mails that wait; at 14 a second, SES's default, for a minute.
_MOST_WAITING = 1000


class Delivery(Protocol):
    """Hands mails over."""

    def deliver(self, mail: "Mail | None", *, expires_at: "datetime") -> None:
        """Hand a mail over, to be sent soon. None means no mail and takes as long.

        It does not wait until the mail is sent: the time would tell whether there was one.

        Args:
            mail: The mail.
            expires_at: When the code or link in it expires, so that the mail is of no use.

        Raises:
            MailerError: The mail cannot be handed over.
        """
        ...


class BackgroundDelivery:
    """A `Delivery` by threads of this process, which sends what waits before it ends.

    What waits when the process is killed is lost: people ask again.

    Args:
        mailer: Sends the mails.
        threads: How many mails are sent at the same time.
        waiting: How many mails may wait.
        outbox: Whether the threads write the mails into the mailer's outbox instead of sending them. Its relay sends
            them, and tries again until the code or link expires. The outbox holds it until then: encrypt the store.

    Raises:
        ConfigurationError: `outbox` is true, and the mailer has none.
    """

    def __init__(
        self, mailer: "Mailer", *, threads: int = 2, waiting: int = _MOST_WAITING, outbox: bool = False
    ) -> None:
        self._mailer, self._count, self._waiting, self._outbox = mailer, threads, waiting, outbox
        if outbox:
            _ = mailer.outbox  # raises if there is none
        self.after_fork()
        belongs_to_process(self)
        _OPEN.add(self)

    def after_fork(self) -> None:
        """Start again: a fork copies no threads, and the parent sends what waits there."""
        self._lock, self._threads = Lock(), list[Thread]()
        self._queue: Queue[tuple[Mail | None, datetime] | _End] = Queue(self._waiting)

    def deliver(self, mail: "Mail | None", *, expires_at: "datetime") -> None:
        """See `Delivery.deliver`.

        Raises:
            TemporaryFailure: Too many mails wait.
        """
        with self._lock:
            if not self._threads:
                self._threads = [
                    Thread(target=self._run, daemon=True, name="mailer-verification") for _ in range(self._count)
                ]
                for thread in self._threads:
                    thread.start()
            try:
                self._queue.put_nowait((mail, expires_at))
            except Full:
                words = f"{self._waiting} verification mails wait to be sent."
                raise TemporaryFailure(words, hint="Look for a slow or throttled transport; then ask again.") from None

    def _run(self) -> None:
        queue = self._queue
        while not isinstance(one := queue.get(), _End):
            mail, expires_at = one
            if mail is None:
                continue
            try:
                mail.send_with(self._sending_until(expires_at))
            except MailerError as error:  # what the mailer did not report as a result
                log.warning("A verification mail was not sent: %s", error)
            except Exception as error:  # noqa: BLE001 - the thread must go on; its traceback would show the code
                log.error("A verification mail was not sent: %s", cause_of(error))  # noqa: TRY400

    def _sending_until(self, expires_at: "datetime") -> "Callable[..., SendResult]":
        if self._outbox:
            return partial(self._mailer.enqueue, connection=None, expires_at=expires_at)
        return self._mailer.send

    def close(self) -> None:
        """Wait until everything is sent. A later `deliver` starts again."""
        with self._lock:
            threads, self._threads = self._threads, []
            for _ in threads:
                self._queue.put(_End())
        for thread in threads:
            thread.join()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _End:
    """Ends a thread."""


_OPEN: "WeakSet[BackgroundDelivery]" = WeakSet()


@atexit.register
def _close_all() -> None:
    """Send what waits. Python would end the threads in the middle."""
    for delivery in list(_OPEN):
        delivery.close()
