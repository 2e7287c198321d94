"""The claims of a relay: which mails it is sending, and until when nobody else may decide about them."""

import logging
import time
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from mailer.errors import StoreError
from mailer.sending.fence import Fence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from mailer.stores.outbox import Claim, OutboxStore

log = logging.getLogger("mailer")


class _Held(NamedTuple):
    """When a claim was made, and until when it holds: by the clock, which may be set, and by one that only runs."""

    made: "datetime"
    until: "datetime"
    monotonic_made: float
    monotonic_until: float


class Claims:
    """The claims under way. Threads share it.

    Args:
        store: The outbox.
        lease: How long a claim lasts.
        oldest: How old a claim may be when the service is asked. It bounds what `OutboxPolicy.decided_after` allows
            for, however long a mail waits for the sending rate.
        clock: The time now, with a zone.
    """

    def __init__(
        self, store: "OutboxStore", lease: "timedelta", oldest: "timedelta", clock: "Callable[[], datetime]"
    ) -> None:
        self._store, self._lease, self._oldest, self._clock = store, lease, oldest, clock
        self._lock = Lock()
        self._held: dict[str, _Held] = {}  # by the id of the attempt

    def __len__(self) -> int:
        return len(self._held)

    def add(self, claims: "Iterable[Claim]", since: "datetime", monotonic: float) -> None:
        """Add claims that were made at this time or later, by both clocks."""
        seconds = self._lease.total_seconds()
        with self._lock:
            for claim in claims:
                self._held[claim.mail.attempt_id] = _Held(since, since + self._lease, monotonic, monotonic + seconds)

    def remove(self, claim: "Claim") -> None:
        """Forget a claim."""
        with self._lock:
            self._held.pop(claim.mail.attempt_id, None)

    def fence(self, claim: "Claim") -> Fence:
        """What an attempt must pass before the service is asked."""
        return Fence(lambda: self._is_held(claim.mail.attempt_id))

    def extend(self) -> None:
        """Extend all claims. If the database cannot be reached, they end with their leases."""
        # Before the write: the lease in the database ends later than what is kept here.
        since, monotonic = self._clock(), time.monotonic()
        with self._lock:
            asked = list(self._held)
        try:
            extended = self._store.extend(asked, self._lease)
        except StoreError as error:
            log.warning("Outbox: %d claims were not extended: %s", len(asked), error)
            return
        with self._lock:
            for attempt in asked:
                held = self._held.pop(attempt, None)
                if held and attempt in extended:
                    until = monotonic + self._lease.total_seconds()
                    self._held[attempt] = held._replace(until=since + self._lease, monotonic_until=until)

    def _is_held(self, attempt: str) -> bool:
        with self._lock:
            held = self._held.get(attempt)
        if held is None:
            return False
        now, monotonic, oldest = self._clock(), time.monotonic(), self._oldest.total_seconds()
        by_clock = now < held.until and now < held.made + self._oldest
        return by_clock and monotonic < held.monotonic_until and monotonic < held.monotonic_made + oldest
