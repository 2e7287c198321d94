"""Rate limits of one process: token buckets. Not for the sending rate, which workers share (`mailer.sending.rate`)."""

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable

# Clients that are remembered; the one that was silent for the longest is forgotten first.
_CLIENTS = 10_000


class Bucket:
    """Lets through so many a second, and some more at once after a pause.

    Example:
        >>> bucket = Bucket(1, 2, clock=lambda: 0.0)
        >>> bucket.take(), bucket.take(), bucket.take()
        (True, True, False)
    """

    def __init__(self, a_second: float, at_once: float, *, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._rate, self._size, self._clock = a_second, at_once, clock
        self._tokens, self._since = at_once, clock()

    def take(self) -> bool:
        """Whether one more may pass now. The caller holds a lock."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._since) * self._rate)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class ClientRate:
    """A bucket for each client, by its address. Threads share it.

    Args:
        a_second: Requests of one client.
        at_once: Requests of one client after a pause.
    """

    def __init__(
        self, a_second: float = 200, at_once: float = 1000, *, clock: "Callable[[], float]" = time.monotonic
    ) -> None:
        self._a_second, self._at_once, self._clock = a_second, at_once, clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A thread of the parent process may have held the lock."""
        self._lock = Lock()

    def allows(self, client: str) -> bool:
        """Whether a client may make one more request now."""
        with self._lock:
            bucket = self._buckets.get(client)
            if bucket is None:
                bucket = self._buckets[client] = Bucket(self._a_second, self._at_once, clock=self._clock)
                if len(self._buckets) > _CLIENTS:
                    self._buckets.popitem(last=False)
            self._buckets.move_to_end(client)
            return bucket.take()
