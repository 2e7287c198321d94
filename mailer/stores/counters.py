"""What a store of counters by day keeps and promises: the numbers of days that are over, without addresses.

They outlive the message log, so reports reach further back than it does. Standard library only.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol, cast

from mailer.stores.messages import EntryCount

# A year, and a month to compare with the same one of the year before.
COUNTERS_KEPT = timedelta(days=400)


class DayCounters(Protocol):
    """The counts of days that are over, kept for `COUNTERS_KEPT`. Every method raises `StoreError`."""

    def put(self, day: date, rows: Iterable[EntryCount]) -> None:
        """Replace what is kept of a day, whole or not at all. The same rows leave the same.

        Args:
            day: A day in UTC.
            rows: Its counts; none for a day on which nothing happened.
        """
        ...

    def between(self, first: date, last: date) -> Mapping[date, tuple[EntryCount, ...]]:
        """The counts of the days that are kept, from `first` to `last`.

        A day that is kept and has no rows is there with no rows; a day that is not kept is missing.
        """
        ...


def start_of(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def expiry_of(day: date) -> datetime:
    """When the counts of a day may be forgotten."""
    return start_of(day) + COUNTERS_KEPT


def to_json(rows: Iterable[EntryCount]) -> str:
    """Counts of one day as ASCII text; equal counts give equal text.

    Example:
        >>> to_json([EntryCount(date(2026, 3, 2), "Send", "prod-news", "welcome", "", 7)])
        '[["Send","prod-news","welcome","",7]]'
    """
    return json.dumps(sorted(row[1:] for row in rows), separators=(",", ":"))


def from_json(day: date, text: str) -> tuple[EntryCount, ...]:
    """The counts that `to_json` wrote."""
    rows = cast("list[tuple[str, str, str, str, int]]", json.loads(text))
    return tuple(EntryCount(day, *row) for row in rows)
