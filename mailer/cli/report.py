"""`mailer report`: sends, bounces, complaints and suppressions of the last days, from the stores."""

from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailer.cli.output import as_json, line, table
from mailer.cli.places import add_store_options, opened
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Generator, Mapping, Sequence

    from mailer.cli.places import Opened
    from mailer.reports.numbers import Limit, Numbers
    from mailer.reports.report import Report
    from mailer.stores.counters import DayCounters
    from mailer.stores.messages import MessageLog

HELP = "show sends, bounces, complaints and suppressions of the last days"
EXAMPLES = """\
examples:
  mailer report --stack prod
  mailer report --stack prod --days 90
  mailer report --store postgresql://mail@db.example.com/mail --json

The numbers count recipients of events in the message log, by day in UTC; the last day is today. A rate is hard bounces
or complaints for each send. SES's reputation metrics count differently: `--json` says how.

Days that are over are counted once and kept for 400 days, longer than the log. The command does that by itself, so run
it every day; `--read-only` leaves it out.
"""
_COLUMNS = {
    "sends": "sends",
    "deliveries": "deliveries",
    "hard": "hard_bounces",
    "soft": "soft_bounces",
    "unclear": "unclear_bounces",
    "not tried": "not_tried",
    "complaints": "complaints",
}
_BARS = "▁▂▃▄▅▆▇█"
_STATES = {
    "ok": "below AWS's limits",
    "review": "AWS REVIEWS THE ACCOUNT AT THIS RATE",
    "pause": "AWS MAY PAUSE SENDING AT THIS RATE",
    "unknown": "nothing was sent",
}


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_store_options(command)
    command.add_argument("--days", type=int, default=7, metavar="N", help="how many, today included (default: 7)")
    command.add_argument("--json", action="store_true", help="as JSON, with the source of each number")
    command.add_argument("--read-only", action="store_true", help="do not keep the numbers of days that are over")


def run(given: "Namespace") -> int:
    """Print the report."""
    from mailer.reports.report import report_of
    from mailer.reports.shape import report_shape

    with opened(given) as store, _opened_log(store) as (log, counters):
        try:
            found = report_of(
                log,
                store.suppressions,
                store.outputs,
                days=given.days,
                now=datetime.now(UTC),
                counters=counters,
                close=not given.read_only,
            )
        except ValueError as error:
            raise ConfigurationError(f"--{error}", hint="Give a number of days, such as --days 30.") from None
    if given.json:
        as_json(report_shape(found))
    else:
        show(found)
    return 0


@contextmanager
def _opened_log(store: "Opened") -> "Generator[tuple[MessageLog | None, DayCounters]]":
    """The message log of the store, None if none is kept, and the numbers of closed days."""
    if store.sql:
        yield store.sql.messages, store.sql.counters
        return
    from mailer.stores.dynamodb.counters import DynamoDBDayCounters
    from mailer.stores.dynamodb.messages import DynamoDBMessageLog
    from mailer.stores.dynamodb.table import dynamodb_api

    outputs = store.outputs
    assert outputs  # noqa: S101 - `opened` has a stack where it has no database
    with closing(dynamodb_api(outputs.region)) as api:
        days = outputs.message_log_days
        log = DynamoDBMessageLog(outputs.table, api, days=days) if days else None
        yield log, DynamoDBDayCounters(outputs.table, api)


def show(report: "Report") -> None:
    """Print a report as tables."""
    from mailer.reports.numbers import BOUNCES, COMPLAINTS

    if report.logged:
        _show_days(report)
        if report.since != min(report.days):
            line(f"Numbers before {report.since} may be too low: the message log does not reach back to those days.")
        line()
        table(
            [
                ("rate", "", "AWS reviews", "may pause", ""),
                _rate("bounces", report.total.bounce_rate, BOUNCES),
                _rate("complaints", report.total.complaint_rate, COMPLAINTS),
            ]
        )
        _show_named("stream", report.by_stream)
        _show_named("template", report.by_template)
    else:
        line(
            "No message log is kept, so nothing was counted. Turn it on: mailstack:messageLog.days, or log_days in the"
        )
        line("URL of a SQL store.")
    _show_suppressions(report)
    if not report.complete:
        line("\nThe log has more entries than a report reads: the numbers are too low. Give fewer --days.")


def _show_days(report: "Report") -> None:
    rows = [(f"{day}", *_cells(numbers)) for day, numbers in report.days.items()]
    table(_right([("day", *_COLUMNS), *rows, ("total", *_cells(report.total))]))
    line()
    for name in ("sends", "bounces", "complaints"):
        values = [getattr(numbers, name) for numbers in report.days.values()]
        line(f"{name:<10}  {sparkline(values)}  at most {max(values)} a day")


def _show_named(kind: str, found: "Mapping[str, Numbers]") -> None:
    if any(found):
        line()
        table(_right([(kind, *_COLUMNS), *((name or "(none)", *_cells(one)) for name, one in found.items())]))


def _show_suppressions(report: "Report") -> None:
    counts = report.suppressions
    reasons = ", ".join(f"{number} by {reason}" for reason, number in counts.by_reason.items())
    more = "" if counts.complete else "at least "
    line(f"\nsuppressed now: {more}{counts.size}{f' ({reasons})' if reasons else ''}")
    line(f"added in these days: {sum(counts.added.values())}  {sparkline(list(counts.added.values()))}")


def sparkline(values: "Sequence[int]") -> str:
    """Numbers as bars of one line; zero is the lowest bar.

    Example:
        >>> sparkline([0, 1, 7, 14])
        '▁▂▅█'
    """
    top = max(values, default=0)
    steps = len(_BARS) - 1
    return "".join(_BARS[-(-value * steps // top) if top else 0] for value in values)


def _cells(numbers: "Numbers") -> "tuple[str, ...]":
    return tuple(str(getattr(numbers, name)) for name in _COLUMNS.values())


def _rate(name: str, rate: float | None, limit: "Limit") -> "tuple[str, ...]":
    shown = "-" if rate is None else f"{rate:.2%}"
    return name, shown, f"at {limit.review:.1%}", f"at {limit.pause:.1%}", _STATES[limit.state(rate)]


def _right(rows: "Sequence[tuple[str, ...]]") -> "list[tuple[str, ...]]":
    """The same rows with numbers aligned to the right; the first column is text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [(row[0], *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))) for row in rows]
