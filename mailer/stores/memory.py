"""The stores in memory, for tests and work without a cloud. They promise what every store of `stores.base` does."""

from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.stores.base import (
    ALL,
    REMEMBERED,
    ProcessedEvent,
    PutOutcome,
    Suppression,
    check_scope,
    in_utc,
    strongest,
    utcnow,
)
from mailer.stores.idempotency import IdempotencyRecord
from mailer.stores.soft_bounces import KEPT, Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime


class MemorySuppressions:
    """A `mailer.stores.base.SuppressionStore`.

    Attributes:
        rows: What is suppressed, and was until it ended, by `address_key`; behind a scope, if it has one.
    """

    def __init__(self, clock: "Callable[[], datetime]" = utcnow) -> None:
        self.rows: dict[str, Suppression] = {}
        self._removed: dict[str, datetime] = {}
        self._clock = clock
        self._lock = RLock()

    def get_many(self, keys: "Iterable[str]", scopes: "Iterable[str]" = ()) -> dict[str, Suppression]:
        """See `SuppressionStore`."""
        now, within = self._clock(), (ALL, *scopes)
        wanted = {_key(address_key(key), scope) for key in keys for scope in within}
        with self._lock:
            return strongest(row for key in wanted if (row := self.rows.get(key)) and row.active(now))

    def put(self, suppression: Suppression) -> PutOutcome:
        """See `SuppressionStore`."""
        now = self._clock()
        suppression = suppression.known_at(now)
        with self._lock:
            key = _key(suppression.address, suppression.scope)
            removed, standing = self._removed.get(key), self.rows.get(key)
            if removed and suppression.created_at <= removed and now < removed + REMEMBERED:
                return PutOutcome.REMOVED_SINCE
            if standing and not suppression.outranks(standing):
                return PutOutcome.OUTRANKED
            self.rows[key] = suppression
            return PutOutcome.WRITTEN

    def replace(self, suppression: Suppression) -> PutOutcome:
        """See `RevisableSuppressions`."""
        now = self._clock()
        row = suppression.known_at(now)
        with self._lock:
            removed = self.removed_at(row.address)
            if removed and row.created_at <= removed:
                return PutOutcome.REMOVED_SINCE
            standing = self.rows.get(_key(row.address, row.scope))
            if standing and standing.active(now) and standing.actor != row.actor:
                return PutOutcome.OUTRANKED
            self.rows[_key(row.address, row.scope)] = row
            return PutOutcome.WRITTEN

    def removed_at(self, address: str) -> "datetime | None":
        """See `RevisableSuppressions`."""
        removed = self._removed.get(address_key(address))
        return removed if removed and self._clock() < removed + REMEMBERED else None

    def remove(self, address: str, *, scope: str = ALL, actor: str = "", why: str = "") -> bool:  # noqa: ARG002
        """See `SuppressionStore`. Who and why are not kept."""
        check_scope(scope)
        now, key = in_utc(self._clock()), _key(address_key(address), scope)
        with self._lock:
            self._removed[key] = now
            row = self.rows.pop(key, None)
        return row is not None and row.active(now)

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """See `SuppressionStore`."""
        with self._lock:
            rows = list(self.rows.values())
        now = self._clock()
        return islice((row for row in rows if row.active(now)), limit)


def _key(address: str, scope: str) -> str:
    return f"{scope} {address}" if scope else address


class MemoryEvents:
    """A `mailer.stores.base.EventStore`.

    Attributes:
        rows: What was recorded, by its key.
    """

    def __init__(self, clock: "Callable[[], datetime]" = utcnow) -> None:
        self.rows: dict[str, ProcessedEvent] = {}
        self._clock = clock
        self._lock = RLock()

    def get(self, key: str) -> ProcessedEvent | None:
        """See `EventStore`."""
        row = self.rows.get(key)
        return row if row and row.expires_at > self._clock() else None

    def record(self, event: ProcessedEvent) -> bool:
        """See `EventStore`."""
        with self._lock:
            if self.get(event.key):
                return False
            self.rows[event.key] = event
            return True


class MemorySoftBounces:
    """A `mailer.stores.soft_bounces.SoftBounceStore`."""

    def __init__(self, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._rows: dict[str, Mailbox] = {}
        self._clock = clock
        self._lock = RLock()

    def get(self, address: str) -> Mailbox:
        """See `SoftBounceStore`."""
        return self._rows.get(address_key(address), Mailbox())

    def merge(self, address: str, seen: Mailbox) -> Mailbox:
        """See `SoftBounceStore`."""
        with self._lock:
            merged = self.get(address).merged(seen).since(self._clock() - KEPT)
            self._rows[address_key(address)] = merged
            return merged


class MemoryIdempotency:
    """A `mailer.stores.idempotency.IdempotencyStore`, for the threads of one process."""

    def __init__(self, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._rows: dict[str, IdempotencyRecord] = {}
        self._clock = clock
        self._lock = RLock()

    def begin(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """See `IdempotencyStore`."""
        with self._lock:
            there = self.get(record.key)
            if there is None:
                self._rows.pop(record.key, None)  # the new one goes to the end
                self._rows[record.key] = record
            return there

    def complete(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore`."""
        with self._lock:
            if self._is_own(record):
                self._rows[record.key] = record

    def release(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore`."""
        with self._lock:
            if self._is_own(record):
                del self._rows[record.key]

    def get(self, key: str) -> IdempotencyRecord | None:
        """See `IdempotencyStore`."""
        with self._lock:
            self._forget()
            row = self._rows.get(key)
            return row if row and row.expires_at > self._clock() else None

    def _is_own(self, record: IdempotencyRecord) -> bool:
        there = self._rows.get(record.key)
        return there is not None and there.id == record.id

    def _forget(self) -> None:
        """Delete what has expired, up to the first row that has not: most keys live equally long."""
        now = self._clock()
        while self._rows and (oldest := next(iter(self._rows.values()))).expires_at <= now:
            del self._rows[oldest.key]
