"""What is known of the account's sending rate and quota: asked of SES once a minute by one worker of a stack."""

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING

from mailer.errors import MailerError
from mailer.stores.rate import Standing
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from mailer.stores.rate import RateStore

log = logging.getLogger("mailer")
# Seconds between two looks at the store; and to the second look where the first found nothing, each time twice as long.
_LOOK_EVERY, _LOOK_AGAIN = 15.0, 0.05
# Seconds until a worker asks SES again that had no answer: SES allows one such request a second.
_ASK_AGAIN = 1.0


class Account:
    """What is known of the account: read from the store, asked of SES once a minute by one worker of the stack.

    Args:
        store: What the workers share; None for a process of its own.
        ask: Asks SES; raises any error.
        clock: The time now, with a zone.
        start: Runs a function beside the sends.
    """

    def __init__(
        self,
        store: "RateStore | None",
        ask: Callable[[], Standing],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        start: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._store, self._ask, self._clock = store, ask, clock
        self._start = start or _in_thread
        self._known: Standing | None = None
        self._looked_at: datetime | None = None
        self._pause = _LOOK_AGAIN
        self._is_denied = self._is_unanswered = False
        self._is_expected = True
        self.after_fork()
        belongs_to_process(self)

    @property
    def is_expected(self) -> bool:
        """Whether this worker or another one asks SES, so that more is known soon."""
        return self._is_expected and not self._is_denied

    def after_fork(self) -> None:
        """Forget the lock of the parent, and that it was asking."""
        self._lock = Lock()
        self._is_asking = False

    def standing(self) -> Standing | None:
        """What is known, which may be a little old; None at the beginning, and if AWS does not let us ask."""
        now = self._clock()
        with self._lock:
            fresh = self._looked_at is not None and (now - self._looked_at).total_seconds() < self._pause
            if fresh or self._is_denied:
                return self._known
            self._looked_at = now
        self._look(now)
        return self._known

    def _look(self, now: datetime) -> None:
        self._pause = min(2 * self._pause, _LOOK_EVERY)
        try:
            found = self._store.standing() if self._store else self._known
            if found and (self._known is None or found.at > self._known.at):
                self._known = found
            if self._known:
                self._pause = _LOOK_EVERY
            if found is None or not found.is_fresh(now):
                is_mine = self._is_unanswered or not self._store or self._store.claim_refresh(now)
                self._is_expected = True
                if is_mine:
                    self._refresh()
        except MailerError as error:  # mail must leave; what is wrong shows where it matters
            self._is_expected = False
            log.warning("The account's sending rate is not known: %s", error)

    def _refresh(self) -> None:
        with self._lock:
            if self._is_asking:
                return
            self._is_asking = True
        self._start(self._ask_ses)

    def _ask_ses(self) -> None:
        try:
            self._write(self._ask())
            self._is_unanswered = False
        except Exception as error:  # noqa: BLE001 - mail must leave, whatever this fails with
            log.warning("The account's sending rate is not known, so it is not kept: %s", type(error).__name__)
            self._is_denied = getattr(error, "code", "").startswith("AccessDenied")
            self._is_unanswered, self._is_expected = self._known is None, False
            self._pause = max(self._pause, _ASK_AGAIN)
            if self._is_denied:
                self._tell_denied()
        finally:
            self._is_asking = False

    def _write(self, found: Standing) -> None:
        self._known = found
        if self._store:
            self._store.write_standing(found)

    def _tell_denied(self) -> None:
        """Let no other worker wait for an answer that does not come: without one there is no limit to keep."""
        with suppress(MailerError):
            if self._store and self._store.standing() is None:
                self._write(Standing(math.inf, math.inf, 0.0, self._clock()))


def _in_thread(function: Callable[[], None]) -> None:
    Thread(target=function, name="mailer-account", daemon=True).start()
