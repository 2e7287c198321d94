"""Which engine sends many mails: single requests or bulk requests. By what SES accepts, not by what it documents.

AWS's quota page limits every action to one request a second, except SendEmail, SendRawEmail and SendTemplatedEmail
(https://docs.aws.amazon.com/ses/latest/dg/quotas.html). Where that is enforced on SendBulkEmail, bulk requests carry 50
mails a second at most, and single requests the account's whole rate. So single requests go first, bulk requests follow,
and they stop when SES throttles them while it accepts single ones.
"""

import logging
import time
from threading import Lock
from typing import TYPE_CHECKING

from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("mailer")
# Mails that single requests must have sent first: credentials, identity and configuration set are in order then.
PROVEN = 10
# Seconds without bulk requests after the first time that they were throttled, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
# Bulk requests in a row that SES accepts before the next pause is a first one again.
STEADY = 100


class EngineChoice:
    """Remembers what SES accepted. Threads share it; a forked process starts from nothing.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._clock = clock
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """Begin with single requests."""
        self._lock = Lock()
        self._singles = self._requests = 0
        self._until, self._pause = 0.0, FIRST_PAUSE
        self._is_denied = False

    @property
    def is_bulk(self) -> bool:
        """Whether the next mails go in bulk requests."""
        return self._singles >= PROVEN and not self._is_denied and self._clock() >= self._until

    def accepted_singly(self, mails: int = 1) -> None:
        """SES accepted mails in single requests."""
        self._singles += mails  # a lost update of another thread only delays the change

    def accepted_in_bulk(self) -> None:
        """SES accepted a bulk request."""
        with self._lock:
            self._requests += 1
            if self._requests >= STEADY:
                self._pause = FIRST_PAUSE

    def limited(self) -> None:
        """SES throttled a bulk request and accepted a single one right after it: leave bulk requests for a while."""
        with self._lock:
            if self._clock() < self._until:  # another thread was first
                return
            pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
            self._until, self._requests = self._clock() + pause, 0
        log.warning("SES throttles SendBulkEmail, not the account's rate: single requests for the next %.0f s", pause)

    def denied(self, error: Exception) -> None:
        """The role may not send in bulk: single requests from now on."""
        with self._lock:
            was_denied, self._is_denied = self._is_denied, True
        if not was_denied:
            log.warning("Single requests from now on: %s", error)
