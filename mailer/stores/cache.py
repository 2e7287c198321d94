"""A small cache of suppression look-ups, for seconds: senders who write to the same people again and again.

Not for other stores, and off unless it is asked for: an address that another process suppresses meanwhile gets mail.
"""

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.errors import ConfigurationError
from mailer.stores.base import ALL, utcnow
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from mailer.stores.base import PutOutcome, RevisableSuppressions, Suppression

MAX_SECONDS = 60.0


class CachedSuppressions:
    """A `mailer.stores.base.RevisableSuppressions` that remembers for some seconds what another one said.

    `put`, `replace` and `remove` on this object take effect at once in this process; what other processes write, after
    `seconds`. Threads may share it; a forked process begins with an empty cache.

    Args:
        store: The suppression list.
        seconds: How long a look-up is used again, up to 60.
        size: How many addresses are remembered; the oldest are forgotten first.
        clock: Seconds.
        now: The time now, with a zone.

    Raises:
        ConfigurationError: `seconds` or `size` is out of its range.

    Example:
        >>> from mailer import Suppression
        >>> from mailer.stores.memory import MemorySuppressions
        >>> cached = CachedSuppressions(MemorySuppressions(), seconds=5)
        >>> cached.put(Suppression("ada@example.com", "manual"))
        <PutOutcome.WRITTEN: 'written'>
        >>> list(cached.get_many(["ada@example.com"]))
        ['ada@example.com']
    """

    def __init__(
        self,
        store: "RevisableSuppressions",
        *,
        seconds: float = 5.0,
        size: int = 10_000,
        clock: "Callable[[], float]" = time.monotonic,
        now: "Callable[[], datetime]" = utcnow,
    ) -> None:
        if not 0 < seconds <= MAX_SECONDS or size < 1:
            hint = f"Pass seconds above 0 and up to {MAX_SECONDS:.0f}, and a size of at least 1."
            raise ConfigurationError(f"CachedSuppressions: seconds is {seconds}, size is {size}.", hint=hint)
        self._store, self._seconds, self._size, self._clock, self._now = store, seconds, size, clock, now
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """Begin with an empty cache; the parent's lock may be held."""
        self._lock, self._changes = Lock(), 0
        self._rows: OrderedDict[tuple[str, frozenset[str]], tuple[float, Suppression | None]] = OrderedDict()

    def get_many(self, keys: "Iterable[str]", scopes: "Iterable[str]" = ()) -> "dict[str, Suppression]":
        """See `SuppressionStore.get_many`. Only addresses that are not remembered are looked up."""
        within, wanted = frozenset((ALL, *scopes)), dict.fromkeys(map(address_key, keys))
        known, changes = self._known(wanted, within)
        unknown = [key for key in wanted if key not in known]
        if unknown:
            found = self._store.get_many(unknown, within)
            self._remember({key: found.get(key) for key in unknown}, within, changes)
            known |= {key: found.get(key) for key in unknown}
        now = self._now()
        return {key: row for key, row in known.items() if row and row.active(now)}

    def put(self, suppression: "Suppression") -> "PutOutcome":
        """See `SuppressionStore.put`."""
        try:
            return self._store.put(suppression)
        finally:  # after an error, too: it may have been written
            self._forget(suppression.address)

    def replace(self, suppression: "Suppression") -> "PutOutcome":
        """See `RevisableSuppressions.replace`."""
        try:
            return self._store.replace(suppression)
        finally:
            self._forget(suppression.address)

    def removed_at(self, address: str) -> "datetime | None":
        """See `RevisableSuppressions.removed_at`. Not cached."""
        return self._store.removed_at(address)

    def remove(self, address: str, *, scope: str = ALL, actor: str = "", why: str = "") -> bool:
        """See `SuppressionStore.remove`."""
        try:
            return self._store.remove(address, scope=scope, actor=actor, why=why)
        finally:
            self._forget(address_key(address))

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """See `SuppressionStore.iterate`. Not cached."""
        return self._store.iterate(limit)

    def close(self) -> None:
        """Close the store's connections."""
        close = getattr(self._store, "close", None)
        if close is not None:
            close()

    def _known(self, keys: "Iterable[str]", within: frozenset[str]) -> "tuple[dict[str, Suppression | None], int]":
        """What is remembered, and how many changes there were until then."""
        now, known = self._clock(), dict[str, "Suppression | None"]()
        with self._lock:
            for key in keys:
                until, row = self._rows.get((key, within), (now, None))
                if until > now:
                    known[key] = row
            return known, self._changes

    def _remember(self, found: "dict[str, Suppression | None]", within: frozenset[str], changes: int) -> None:
        until = self._clock() + self._seconds
        with self._lock:
            if changes != self._changes:  # what was read may be older than a change
                return
            for key, row in found.items():
                self._rows.pop((key, within), None)
                self._rows[key, within] = until, row
            while len(self._rows) > self._size:
                self._rows.popitem(last=False)

    def _forget(self, address: str) -> None:
        with self._lock:
            self._changes += 1
            for known in [one for one in self._rows if one[0] == address]:
                del self._rows[known]
