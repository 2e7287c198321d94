"""The report of some days, from the message log and the suppression list. Reads are bounded; what stopped says so."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from mailer.reports.numbers import Numbers, sums
from mailer.stores.base import REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from mailer.stack import StackOutputs
    from mailer.stores.base import Suppression, SuppressionStore
    from mailer.stores.messages import Counts, MessageLog

# Processed events, which tell the simulator's bounces from others, are remembered for so long.
MAX_DAYS = REMEMBERED.days
# Suppressions that are read, and templates that are named.
MAX_SUPPRESSIONS, MAX_TEMPLATES = 100_000, 50
OTHERS = "(others)"
# Where each number comes from, and why SES shows others.
SOURCES: "Mapping[str, str]" = {
    "numbers": (
        "The message log: one recipient of one event counts once, on the day (UTC) of the event. "
        "Bounces and complaints of the mailbox simulator are left out."
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
    """

    days: "dict[date, Numbers]"
    total: Numbers
    by_stream: "dict[str, Numbers]"
    by_template: "dict[str, Numbers]"
    suppressions: SuppressionCounts
    complete: bool
    logged: bool


def days_until(now: datetime, days: int) -> "list[date]":
    """The last days in UTC, today included.

    Raises:
        ValueError: `days` is not from 1 to `MAX_DAYS`.
    """
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"days is {days}, but must be from 1 to {MAX_DAYS}.")
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=number) for number in reversed(range(days))]


def start_of(day: "date") -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


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
) -> Report:
    """The report of the last days.

    Args:
        log: The message log; None if none is kept.
        suppressions: The suppression list.
        outputs: What names the streams; None: they are named by their configuration sets.
        days: How many, today included.
        now: The time now, with a zone.

    Raises:
        ValueError: `days` is not from 1 to `MAX_DAYS`.
        StoreError: A store cannot be read.
    """
    wanted = days_until(now, days)
    counts = counts_of(log, wanted)
    by_day = sums(counts.rows, lambda row: row.day)
    names = stream_names(outputs)
    return Report(
        days={day: by_day.get(day, Numbers()) for day in wanted},
        total=sum(by_day.values(), Numbers()),
        by_stream=_sorted(sums(counts.rows, lambda row: names.get(row.configuration_set, row.configuration_set))),
        by_template=_largest(_sorted(sums(counts.rows, lambda row: row.template))),
        suppressions=suppression_counts(suppressions, wanted),
        complete=counts.complete,
        logged=log is not None,
    )


def counts_of(log: "MessageLog | None", days: "list[date]") -> "Counts":
    """What the log has of the days; nothing without a log."""
    from mailer.stores.messages import Counts

    if log is None:
        return Counts((), complete=True)
    return log.counts(since=start_of(days[0]), until=start_of(days[-1]) + timedelta(days=1))


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
