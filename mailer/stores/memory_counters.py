"""Counters by day in memory, for tests and work without a cloud."""

from typing import TYPE_CHECKING

from mailer.stores.base import utcnow
from mailer.stores.counters import expiry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from mailer.stores.messages import EntryCount


class MemoryDayCounters:
    """A `mailer.stores.counters.DayCounters`.

    Args:
        clock: The time now, with a zone.
    """

    def __init__(self, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._clock = clock
        self._days: dict[date, tuple[EntryCount, ...]] = {}

    def put(self, day: "date", rows: "Iterable[EntryCount]") -> None:
        """See `DayCounters.put`."""
        self._days[day] = tuple(sorted(rows))

    def between(self, first: "date", last: "date") -> "dict[date, tuple[EntryCount, ...]]":
        """See `DayCounters.between`."""
        now = self._clock()
        # A copy, which other threads do not change.
        days = dict(self._days).items()
        return {day: rows for day, rows in days if first <= day <= last and expiry_of(day) > now}
