"""The relay: sends what is in the outbox. One or many, in processes of their own or inside of an application.

No transaction is open while a mail is sent. What becomes of a mail is decided in `policy.py`.
"""

import logging
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol

from mailer.errors import ConfigurationError, MailerError, OutcomeExpired, StoreError
from mailer.message_id import new_id, was_logged
from mailer.outbox.claims import Claims
from mailer.outbox.policy import (
    OutboxPolicy,
    after_error,
    after_lapse,
    after_result,
    by_evidence,
    is_about_service,
)
from mailer.sending.outcome import checked_time, outcome_of
from mailer.stores.messages import ATTEMPT
from mailer.stores.outbox import Change, OutboxStatus
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Self

    from mailer.message import Message
    from mailer.results import SendResult
    from mailer.sending.fence import Fence
    from mailer.stores.messages import MessageLog
    from mailer.stores.outbox import Claim, OutboxMail, OutboxStore


MAX_THREADS = 64
# Undecided mails that are looked at in one turn, and when they are looked at again.
_UNDECIDED, _AGAIN = 100, timedelta(seconds=15)
# Later mails that are looked up in the message log, to see that it receives events.
_PROOFS = 5
# Seconds between two turns of what is not urgent: dead relays, undecided mails.
_CARE, _PURGE = 5.0, 3600.0
_POLL, _POLL_ALONE, _MAX_POLL = 1.0, 0.25, 3600
# How much longer than its lease a claim is respected: the clocks of machines differ.
_GRACE = timedelta(seconds=5)
# Seconds without claims after a result that is about the service, at first and at most.
_FIRST_BRAKE, _MAX_BRAKE = 1.0, 60.0
# Seconds until mails are claimed again after an error of the database.
_PAUSE_AFTER_ERROR = 1.0
# How often a result is written to a database that cannot be reached, with a pause of so many seconds in between.
_TRIES, _PAUSE = 10, 3.0
log = logging.getLogger("mailer")


class Sender(Protocol):
    """What a relay needs of a `Mailer`."""

    @property
    def outbox(self) -> "OutboxStore":
        """The outbox."""
        ...

    @property
    def message_log(self) -> "MessageLog | None":
        """Where events of SES are kept; None if nowhere."""
        ...

    def compose_again(self, payload: str) -> "Message":
        """The message of a payload, rendered now if it was to be rendered later."""
        ...

    def deliver(self, message: "Message") -> "SendResult":
        """Send a message under the id that it has."""
        ...


class OutboxRelay:
    """Sends what is in the outbox of a mailer.

    Start it as a process with `mailer outbox run`, or inside of an application: `with OutboxRelay(mailer):` runs it in
    a thread. Any number of relays may run at the same time. Each process of an application needs its own.

    Args:
        mailer: A `Mailer` with an outbox.
        policy: How mails are sent, retried and kept.
        threads: How many mails are sent at the same time, 64 at most.
        poll: Seconds between two looks at the outbox, where no notification arrives. Default: 1; without
            notifications (SQLite, `notify=no`) 0.25.
        name: Shown in the table with the mails that it is sending. Default: the host's name and the process's number.

    Raises:
        ConfigurationError: `threads` or `poll` is out of its range, or the mailer has no outbox.

    Example:
        >>> with OutboxRelay(mailer):  # doctest: +SKIP
        ...     serve()
    """

    def __init__(
        self,
        mailer: "Sender",
        policy: OutboxPolicy | None = None,
        *,
        threads: int = 16,
        poll: float | None = None,
        name: str = "",
    ) -> None:
        if not 1 <= threads <= MAX_THREADS or (poll is not None and not 0 < poll <= _MAX_POLL):
            hint = f"threads is 1 to {MAX_THREADS}; poll is above 0 and up to {_MAX_POLL} seconds."
            raise ConfigurationError(f"OutboxRelay: threads is {threads}, poll is {poll}.", hint=hint)
        self._mailer, self._outbox, self._policy = mailer, mailer.outbox, policy or OutboxPolicy()
        self._count, self._poll = threads, poll or (_POLL if self._outbox.notifies else _POLL_ALONE)
        self.name = name or f"{socket.gethostname()}/{os.getpid()}"
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A relay belongs to the process that started it: in a child it is stopped."""
        self._wake, self._stop = Event(), Event()
        self._background: Thread | None = None
        self._claims = Claims(self._outbox, self._policy.lease, self._policy.decided_after / 4, self._outbox.now)
        self._brake, self._has_trouble = 0.0, False
        self._proven = ""  # the last attempt whose event was in the message log; later ids are larger

    def run(self) -> None:
        """Send until `stop` is called, from another thread or by a signal. What has begun is completed."""
        pool = ThreadPoolExecutor(self._count, thread_name_prefix="mailer-outbox")
        with self._outbox.listen(self._wake), self._helped(), pool:
            while not self._stop.is_set():
                self._turn(pool)

    def drain(self) -> int:
        """Send what is due now, and return how many mails were tried. For tests, cron and other task queues.

        Raises:
            StoreError: The database cannot be reached.
        """
        tried = 0
        self._care()
        with self._helped(), ThreadPoolExecutor(self._count, thread_name_prefix="mailer-outbox") as pool:
            while claims := self._claimed(self._count):  # ends: what is tried again is due later
                tried += len(claims)
                list(pool.map(self._send, claims))
        return tried

    @contextmanager
    def _helped(self) -> "Generator[None]":
        """Run what is not sending in threads beside it: as long as a mail is being sent, its claim is extended."""
        ended = Event()
        tasks: tuple[tuple[float, Callable[[], None]], ...] = (
            (self._policy.lease.total_seconds() / 4, self._claims.extend),
            (_CARE, self._care),
            (_PURGE, self._purge),
        )
        helpers = [Thread(target=_every, args=(*task, ended), name="mailer-outbox-care", daemon=True) for task in tasks]
        for helper in helpers:
            helper.start()
        try:
            yield
        finally:
            ended.set()
            for helper in helpers:
                helper.join()

    def stop(self) -> None:
        """Have `run` end when the mails are sent that it has begun with."""
        self._stop.set()
        self._wake.set()

    def __enter__(self) -> "Self":
        self._stop.clear()
        self._background = Thread(target=self.run, name="mailer-outbox", daemon=True)
        self._background.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._background:
            self._background.join()

    def _turn(self, pool: ThreadPoolExecutor) -> None:
        """Claim as many mails as there are free threads, and wait for more of either."""
        self._wake.clear()
        if self._has_trouble:
            self._brake, self._has_trouble = min(_MAX_BRAKE, max(_FIRST_BRAKE, self._brake * 2)), False
            self._stop.wait(self._brake)
        free = self._count - len(self._claims)
        try:
            claims = self._claimed(free) if free > 0 and not self._stop.is_set() else []
        except Exception as error:  # noqa: BLE001 - a relay inside of an application must not end unseen
            log.warning("Outbox: %s: %s", type(error).__name__, error if isinstance(error, MailerError) else "")
            self._stop.wait(_PAUSE_AFTER_ERROR)
            return
        for claim in claims:
            pool.submit(self._send_and_wake, claim)
        if len(claims) < free or free <= 0:
            self._wake.wait(self._poll if free > 0 else None)

    def _claimed(self, count: int) -> "list[Claim]":
        since, monotonic = self._outbox.now(), time.monotonic()
        is_logged = self._mailer.message_log is not None
        milliseconds = int(since.timestamp() * 1000)
        ids = [new_id(milliseconds, logged=is_logged) for _ in range(count)]
        claims = self._outbox.claim(self.name, ids, self._policy.lease)
        self._claims.add(claims, since, monotonic)
        return claims

    def _send_and_wake(self, claim: "Claim") -> None:
        try:
            self._send(claim)
        finally:
            self._wake.set()

    def _send(self, claim: "Claim") -> None:
        """Send a mail and record what became of it. Never raises: whatever fails here is in the outbox."""
        try:
            change = self._attempt(claim, self._claims.fence(claim))
            self._record(claim, change)
        except Exception as error:  # noqa: BLE001 - the claim lapses, and evidence decides
            log.error("Outbox: %s: id=%s", type(error).__name__, claim.mail.id)  # noqa: TRY400 - a last line may be an address
        finally:
            self._claims.remove(claim)

    def _attempt(self, claim: "Claim", fence: "Fence") -> Change:
        mail, now = claim.mail, self._outbox.now
        try:
            message = self._mailer.compose_again(claim.payload).identified(mail.attempt_id)
            with fence.standing():
                result = self._mailer.deliver(message)
        except Exception as error:  # noqa: BLE001 - a hook may raise anything
            return after_error(claim, error, self._policy, now(), asked=fence.was_passed)
        if is_about_service(result):
            self._has_trouble = True
        else:
            self._brake, self._has_trouble = 0.0, False
        return after_result(claim, result, self._policy, now())

    def _record(self, claim: "Claim", change: Change) -> None:
        """Write the outcome; while the database cannot be reached, again and again, for as long as is reasonable."""
        for left in reversed(range(_TRIES)):
            try:
                is_ours = self._outbox.finish(claim.mail, change)
            except StoreError as error:
                log.warning("Outbox: the outcome of a mail was not recorded: %s id=%s", error, claim.mail.id)
                if not left or self._stop.wait(_PAUSE):
                    return
                continue
            level = logging.DEBUG if is_ours else logging.ERROR
            words = "Outbox: %r: id=%s attempt=%s" if is_ours else "Outbox: %r, decided otherwise: id=%s attempt=%s"
            log.log(level, words, change, claim.mail.id, claim.mail.attempt_id)
            return

    def _care(self) -> None:
        """Find mails of dead relays, and decide about those whose outcome is unknown."""
        if lapsed := self._outbox.lapse(_GRACE):
            log.warning("Outbox: %d mails of relays that ended without a result", lapsed)
        for mail in self._outbox.undecided(_UNDECIDED, _AGAIN):
            if change := self._decided(mail):
                self._outbox.finish(mail, change)
                log.warning("Outbox: %r: id=%s attempt=%s", change, mail.id, mail.attempt_id)
                self._wake.set()

    def _decided(self, mail: "OutboxMail") -> Change | None:
        now, message_log = self._outbox.now(), self._mailer.message_log
        if change := after_lapse(mail, self._policy, now):
            return change
        if message_log is None or not was_logged(mail.attempt_id):
            return None
        try:
            handed_over = checked_time(mail.attempt_id, now=now, days=message_log.days)
            entries = message_log.of_message(mail.attempt_id)
            outcome = outcome_of(
                mail.attempt_id,
                entries,
                handed_over=handed_over,
                now=now,
                decided_after=self._policy.decided_after,
            )
            is_alive = partial(self._log_is_alive, message_log, mail.attempt_id)
            return by_evidence(mail, outcome, self._policy, now, log_is_alive=is_alive)
        except OutcomeExpired as error:
            return Change(status=OutboxStatus.DEAD, reason=f"the outcome is unknown: {error.message}")
        except MailerError as error:
            log.warning("Outbox: the message log cannot be read: %s", error)
            return None

    def _log_is_alive(self, message_log: "MessageLog", attempt: str) -> bool:
        """Whether the log has an event of a mail that was handed over after this attempt."""
        if attempt < self._proven:
            return True
        for later in self._outbox.sent_after(attempt, _PROOFS):
            if any(entry.kind != ATTEMPT for entry in message_log.of_message(later)):
                self._proven = max(self._proven, later)
                return True
        return False

    def _purge(self) -> None:
        self._outbox.purge(self._policy.keep, self._policy.keep_dead)


def _every(seconds: float, act: "Callable[[], None]", ended: Event) -> None:
    """Act at once, and then after so many seconds each time, until the end."""
    while not ended.is_set():
        try:
            act()
        except Exception as error:  # noqa: BLE001 - these threads must not end unseen
            log.warning("Outbox: %s: %s", type(error).__name__, error if isinstance(error, MailerError) else "")
        ended.wait(seconds)
