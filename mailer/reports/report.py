"""The report of some days, from the message log, the counters of closed days and the suppression list.

Reads are bounded; what stopped says so.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from mailer.errors import StoreError
from mailer.reports.counters import DAY, LATENESS, close_days, count_between, first_whole_day
from mailer.reports.numbers import Numbers, sums
from mailer.stores.base import REMEMBERED
from mailer.stores.counters import COUNTERS_KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from mailer.stack import StackOutputs
    from mailer.stores.base import Suppression, SuppressionStore
    from mailer.stores.counters import DayCounters
    from mailer.stores.messages import EntryCount, MessageLog

    Kept = Mapping[date, Sequence[EntryCount]]

logger = logging.getLogger("mailer")
# Days of a report with counters, and without them: processed events, which tell the simulator's bounces from others,
# are remembered for so long.
MAX_DAYS, MAX_DAYS_OF_LOG = COUNTERS_KEPT.days, REMEMBERED.days
# Suppressions that are read, and templates that are named.
MAX_SUPPRESSIONS, MAX_TEMPLATES = 100_000, 50
OTHERS = "(others)"
_PERMISSIONS = "docs/guides/reports.md lists the permissions of the role."
# Where each number comes from, and why SES shows others.
SOURCES: "Mapping[str, str]" = {
    "numbers": (
        "The message log: one recipient of one event counts once, on the day (UTC) of the event. "
        "Bounces and complaints of the mailbox simulator are left out. "
        f"A day that has been over for {LATENESS.days} days is counted once and kept for {MAX_DAYS} days."
    ),
    "rates": (
        "Hard bounces and complaints for each send in these days. SES's reputation metrics differ: SES looks at a "
        "representative volume instead of days, leaves out bounces at domains that are verified in the account, and "
        "compares complaints with mail to providers that report them."
    ),
    "suppressions": "The suppression list of this store now. It is not the list of the SES account.",
}


@dataclass(frozen=True, slots=True)
class SuppressionCounts:
    """How many addresses are suppressed now.

    Attributes:
        size: How many.
        by_reason: By their reason.
        by_scope: By the mail that they hold for; empty for all mail.
        added: By the day of the event, for the days of the report.
        complete: Whether all were read. False: there are more.
    """

    size: int
    by_reason: "dict[str, int]"
    by_scope: "dict[str, int]"
    added: "dict[date, int]"
    complete: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What happened to mail in some days.

    Attributes:
        days: The numbers of each day in UTC, the first day first; the last is today.
        total: Their sum.
        by_stream: By stream; by configuration set where no stream has it; empty where the event names none.
        by_template: By template, those with the most sends; the others are summed up as `OTHERS`. Empty: without one.
        suppressions: The suppression list.
        complete: Whether everything was counted. False: the numbers are too low.
        logged: Whether there is a message log. False: `days` and what follows from it are zero.
        since: The first of the days from which on every day is known: the log has it whole, or it was closed. The
            numbers of days before may be too low. None without a message log.
    """

    days: "dict[date, Numbers]"
    total: Numbers
    by_stream: "dict[str, Numbers]"
    by_template: "dict[str, Numbers]"
    suppressions: SuppressionCounts
    complete: bool
    logged: bool
    since: "date | None"


class Counted(NamedTuple):
    """What was counted of some days. See `Report`."""

    rows: "Sequence[EntryCount]"
    complete: bool
    since: "date | None"


def days_until(now: datetime, days: int, most: int) -> "list[date]":
    """The last days in UTC, today included.

    Raises:
        ValueError: `days` is not from 1 to `most`.
    """
    if not 1 <= days <= most:
        raise ValueError(f"days is {days}, but must be from 1 to {most}.")
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=number) for number in reversed(range(days))]


def stream_names(outputs: "StackOutputs | None") -> "dict[str, str]":
    """The name of the stream of each configuration set."""
    return {stream.configuration_set: name for name, stream in outputs.streams.items()} if outputs else {}


def report_of(
    log: "MessageLog | None",
    suppressions: "SuppressionStore",
    outputs: "StackOutputs | None",
    *,
    days: int,
    now: datetime,
    counters: "DayCounters | None" = None,
    close: bool = False,
) -> Report:
    """The report of the last days.

    Args:
        log: The message log; None if none is kept.
        suppressions: The suppression list.
        outputs: What names the streams; None: they are named by their configuration sets.
        days: How many, today included.
        now: The time now, with a zone.
        counters: The numbers of closed days; None if none are kept. If they cannot be read, the logger `mailer` warns,
            and the report has what the log has.
        close: Whether days that are over are closed afterwards, which writes to the counters. If it fails, the logger
            `mailer` warns.

    Raises:
        ValueError: `days` is not from 1 to `MAX_DAYS`, or to `MAX_DAYS_OF_LOG` without counters.
        StoreError: The message log or the suppression list cannot be read.
    """
    wanted = days_until(now, days, MAX_DAYS_OF_LOG if counters is None else MAX_DAYS)
    kept = _closed(counters, wanted)
    counts = count_days(log, kept or {}, wanted, now)
    by_day = sums(counts.rows, lambda row: row.day)
    names = stream_names(outputs)
    report = Report(
        days={day: by_day.get(day, Numbers()) for day in wanted},
        total=sum(by_day.values(), Numbers()),
        by_stream=_sorted(sums(counts.rows, lambda row: names.get(row.configuration_set, row.configuration_set))),
        by_template=_largest(_sorted(sums(counts.rows, lambda row: row.template))),
        suppressions=suppression_counts(suppressions, wanted),
        complete=counts.complete,
        logged=log is not None,
        since=counts.since,
    )
    # If the log is too large for the report, it is too large to close days.
    if close and counters is not None and kept is not None and counts.complete:
        _try_to_close(log, counters, now)
    return report


def count_days(log: "MessageLog | None", kept: "Kept", wanted: "list[date]", now: datetime) -> Counted:
    """The numbers of days: of closed ones what is kept, of the others what the log has; nothing without a log.

    Raises:
        StoreError: The log cannot be read.
    """
    if log is None:
        return Counted((), complete=True, since=None)
    whole = first_whole_day(log, now)
    unknown = [day for day in wanted if day < whole and day not in kept]
    since = unknown[-1] + DAY if unknown else wanted[0]
    rows = [row for day in wanted for row in kept.get(day, ())]
    # The day before the first whole one is there in part.
    counted = [day for day in wanted if day >= whole - DAY and day not in kept]
    if not counted:
        return Counted(rows, complete=True, since=since)
    counts = count_between(log, counted[0], counted[-1])
    return Counted([*rows, *(row for row in counts.rows if row.day not in kept)], counts.complete, since)


def _closed(counters: "DayCounters | None", wanted: "list[date]") -> "Kept | None":
    """The days that are closed; None if they cannot be read."""
    if counters is None:
        return {}
    try:
        return counters.between(wanted[0], wanted[-1])
    except StoreError as error:
        logger.warning("Reports: the numbers of closed days could not be read: %s %s", error.message, _PERMISSIONS)
        return None


def _try_to_close(log: "MessageLog | None", counters: "DayCounters", now: datetime) -> None:
    try:
        close_days(log, counters, now)
    except StoreError as error:
        logger.warning("Reports: days that are over could not be closed: %s %s", error.message, _PERMISSIONS)


def suppression_counts(store: "SuppressionStore", days: "list[date]") -> SuppressionCounts:
    """The suppression list in numbers.

    Raises:
        StoreError: The store cannot be read.
    """
    rows = list(store.iterate(MAX_SUPPRESSIONS + 1))
    complete = len(rows) <= MAX_SUPPRESSIONS
    rows = rows[:MAX_SUPPRESSIONS]
    added = Counter(row.created_at.date() for row in rows)
    return SuppressionCounts(
        size=len(rows),
        by_reason=_counted(row.reason for row in rows),
        by_scope=_counted(row.scope for row in rows),
        added={day: added[day] for day in days},
        complete=complete,
    )


def newest_suppressions(store: "SuppressionStore", since: datetime) -> "list[Suppression]":
    """Those that were added since then, newest first; of those that are read.

    Raises:
        StoreError: The store cannot be read.
    """
    rows = (row for row in store.iterate(MAX_SUPPRESSIONS) if row.created_at >= since)
    return sorted(rows, key=lambda row: (row.created_at, row.address, row.scope), reverse=True)


def _counted(values: "Iterable[str]") -> "dict[str, int]":
    return dict(Counter(values).most_common())


def _sorted(found: "dict[str, Numbers]") -> "dict[str, Numbers]":
    return dict(sorted(found.items(), key=lambda item: (-item[1].sends, item[0])))


def _largest(found: "dict[str, Numbers]") -> "dict[str, Numbers]":
    items = list(found.items())
    if len(items) <= MAX_TEMPLATES:
        return found
    others = sum((numbers for _, numbers in items[MAX_TEMPLATES:]), Numbers())
    return dict([*items[:MAX_TEMPLATES], (OTHERS, others)])
