"""Closed days: each day that is over is counted from the message log, and kept when the log has forgotten it."""

import logging
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from mailer.stores.base import REMEMBERED, in_utc
from mailer.stores.counters import start_of
from mailer.stores.messages import EntryCount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from mailer.stores.counters import DayCounters
    from mailer.stores.messages import Counts, MessageLog

    Rows = Mapping[date, Iterable[EntryCount]]

log = logging.getLogger("mailer")
# How late an event can be: the stack's queue keeps it for four days. Those that are later, because somebody sends them
# back from the dead-letter queue, count when the day is counted again.
LATENESS = timedelta(days=4)
DAY = timedelta(days=1)


def first_whole_day(messages: "MessageLog", now: "datetime") -> "date":
    """The first day of which the log still has everything that was sent on it.

    A SQL store knows the mailbox simulator's events for `REMEMBERED`, so a log that reaches further back does not help.
    """
    return (in_utc(now) - timedelta(days=min(messages.days, REMEMBERED.days))).date() + DAY


def last_day_over(now: "datetime") -> "date":
    """The last day whose events have all arrived."""
    return (in_utc(now) - LATENESS).date() - DAY


def count_between(messages: "MessageLog", first: "date", last: "date") -> "Counts":
    """What the log has of some days."""
    return messages.counts(since=start_of(first), until=start_of(last) + DAY)


def close_days(messages: "MessageLog | None", counters: "DayCounters", now: "datetime") -> "list[date]":
    """Count the days that are over and that the log has whole, and keep their numbers.

    It may run at any time, as often as you like, and in several processes. If the last day is closed, it does nothing.
    Otherwise it also counts the days again that are closed and that the log still has, for events that came late.

    Args:
        messages: The message log; None if none is kept.
        counters: Where the numbers are kept.
        now: The time now, with a zone.

    Returns:
        The days that were not closed before.

    Raises:
        StoreError: A store cannot be read or written.
    """
    if messages is None:
        return []
    first, last = first_whole_day(messages, now), last_day_over(now)
    kept = counters.between(first, last)
    # The log may be shorter than the lateness: then no day is over and whole.
    if first > last or last in kept:
        return []
    found = _counted(messages, kept, [first + number * DAY for number in range((last - first).days + 1)])
    # The log may have begun later: a day before its first entry is not known to be without mail.
    begin = min([*kept, *(day for day, rows in found.items() if rows)], default=last + DAY)
    for day in sorted(found):
        rows = merged(kept.get(day, ()), found[day])
        if day >= begin and (day not in kept or set(rows) != set(kept[day])):
            counters.put(day, rows)
    return [day for day in sorted(found) if day >= begin and day not in kept]


def merged(kept: "Iterable[EntryCount]", found: "Iterable[EntryCount]") -> tuple[EntryCount, ...]:
    """What is kept of a day and what the log has now: the larger number of each kind.

    Each of them is too low at most: an event may arrive late, and the log forgets one that came long after its message.

    Example:
        >>> from datetime import date
        >>> sends = EntryCount(date(2026, 3, 2), "Send", "prod-news", "", "", 7)
        >>> [row.entries for row in merged([sends], [sends._replace(entries=5)])]
        [7]
    """
    numbers: defaultdict[tuple[date, str, str, str, str], int] = defaultdict(int)
    for row in (*kept, *found):
        numbers[row[:-1]] = max(numbers[row[:-1]], row.entries)
    return tuple(EntryCount(*alike, entries) for alike, entries in sorted(numbers.items()))


def _counted(messages: "MessageLog", kept: "Rows", days: "list[date]") -> "dict[date, list[EntryCount]]":
    """The rows of each day, or of those days that are not kept if they are too many to be counted at once."""
    counts = count_between(messages, days[0], days[-1])
    if counts.complete:
        return _by_day(counts, days)
    found: dict[date, list[EntryCount]] = {}
    for day in days:
        if day in kept:
            continue
        counts = count_between(messages, day, day)
        if not counts.complete:
            log.warning("Reports: %s is not closed: the message log has more than a report reads.", day)
            break
        found |= _by_day(counts, [day])
    return found


def _by_day(counts: "Counts", days: "Iterable[date]") -> "dict[date, list[EntryCount]]":
    found: dict[date, list[EntryCount]] = {day: [] for day in days}
    for row in counts.rows:
        found[row.day].append(row)
    return found
