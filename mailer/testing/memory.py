"""A suppression list in memory, for tests without a cloud. It promises what every `SuppressionStore` does."""

from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.stores.base import Suppression, utcnow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime


class MemorySuppressions:
    """A `mailer.stores.base.SuppressionStore`."""

    def __init__(self, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._rows: dict[str, Suppression] = {}
        self._clock = clock
        self._lock = RLock()

    def get_many(self, keys: "Iterable[str]") -> dict[str, Suppression]:
        """See `SuppressionStore`."""
        wanted = {address_key(key) for key in keys}
        return {row.address: row for row in self.iterate(len(self._rows)) if row.address in wanted}

    def put(self, suppression: Suppression) -> bool:
        """See `SuppressionStore`."""
        with self._lock:
            standing = self.get_many([suppression.address]).get(suppression.address)
            written = standing is None or suppression.outranks(standing)
            if written:
                self._rows[suppression.address] = suppression
            return written

    def remove(self, address: str) -> bool:
        """See `SuppressionStore`."""
        with self._lock:
            row = self._rows.pop(address_key(address), None)
        return row is not None and row.active(self._clock())

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """See `SuppressionStore`."""
        with self._lock:
            rows = list(self._rows.values())
        now = self._clock()
        return islice((row for row in rows if row.active(now)), limit)
