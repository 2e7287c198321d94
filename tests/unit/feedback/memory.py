"""Stores in memory, for what is tested without a database; the contract suite holds them to the same promises."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

from mailer.address import address_key
from mailer.stores.base import ProcessedEvent, Suppression, utcnow


class MemorySuppressions:
    def __init__(self, clock: Callable[[], datetime] = utcnow) -> None:
        self.rows: dict[str, Suppression] = {}
        self._clock = clock

    def get_many(self, keys: Iterable[str]) -> dict[str, Suppression]:
        now = self._clock()
        wanted = {address_key(key) for key in keys}
        return {key: row for key, row in self.rows.items() if key in wanted and row.active(now)}

    def put(self, suppression: Suppression) -> bool:
        standing = self.get_many([suppression.address]).get(suppression.address)
        if standing and not suppression.outranks(standing):
            return False
        self.rows[suppression.address] = suppression
        return True

    def remove(self, address: str) -> bool:
        row = self.rows.pop(address_key(address), None)
        return row is not None and row.active(self._clock())

    def iterate(self, limit: int = 10_000) -> Iterator[Suppression]:
        now = self._clock()
        return islice((row for row in list(self.rows.values()) if row.active(now)), limit)


class MemoryEvents:
    def __init__(self, clock: Callable[[], datetime] = utcnow) -> None:
        self.rows: dict[str, ProcessedEvent] = {}
        self._clock = clock

    def get(self, key: str) -> ProcessedEvent | None:
        row = self.rows.get(key)
        return row if row and row.expires_at > self._clock() else None

    def record(self, event: ProcessedEvent) -> bool:
        if self.get(event.key):
            return False
        self.rows[event.key] = event
        return True
