"""A report as JSON: the same for `mailer report --json` and the HTTP API."""

from typing import TYPE_CHECKING, TypedDict

from mailer.reports.numbers import BOUNCES, COMPLAINTS, NAMES
from mailer.reports.report import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.reports.numbers import Limit, Numbers
    from mailer.reports.report import Report, SuppressionCounts

NumbersShape = dict[str, int]


class RateShape(TypedDict):
    """A share, and what AWS says to it."""

    rate: float | None
    state: str
    review_at: float
    pause_at: float


class SuppressionsShape(TypedDict):
    """The suppression list in numbers."""

    size: int
    by_reason: dict[str, int]
    by_scope: dict[str, int]
    added_by_day: dict[str, int]
    complete: bool


class ReportShape(TypedDict):
    """A report."""

    days: dict[str, NumbersShape]
    total: NumbersShape
    bounce_rate: RateShape
    complaint_rate: RateShape
    by_stream: dict[str, NumbersShape]
    by_template: dict[str, NumbersShape]
    suppressions: SuppressionsShape
    complete: bool
    logged: bool
    since: str | None
    sources: dict[str, str]


def report_shape(report: "Report") -> ReportShape:
    """A report as JSON."""
    return {
        "days": {f"{day}": numbers_shape(numbers) for day, numbers in report.days.items()},
        "total": numbers_shape(report.total),
        "bounce_rate": rate_shape(report.total.bounce_rate, BOUNCES),
        "complaint_rate": rate_shape(report.total.complaint_rate, COMPLAINTS),
        "by_stream": _named(report.by_stream),
        "by_template": _named(report.by_template),
        "suppressions": suppressions_shape(report.suppressions),
        "complete": report.complete,
        "logged": report.logged,
        "since": f"{report.since}" if report.since else None,
        "sources": dict(SOURCES),
    }


def numbers_shape(numbers: "Numbers") -> NumbersShape:
    """Numbers as JSON."""
    return {name: getattr(numbers, name) for name in NAMES}


def rate_shape(rate: float | None, limit: "Limit") -> RateShape:
    """A share as JSON."""
    return {"rate": rate, "state": limit.state(rate), "review_at": limit.review, "pause_at": limit.pause}


def suppressions_shape(counts: "SuppressionCounts") -> SuppressionsShape:
    """Numbers of the suppression list as JSON."""
    return {
        "size": counts.size,
        "by_reason": counts.by_reason,
        "by_scope": counts.by_scope,
        "added_by_day": {f"{day}": number for day, number in counts.added.items()},
        "complete": counts.complete,
    }


def _named(found: "Mapping[str, Numbers]") -> dict[str, NumbersShape]:
    return {name: numbers_shape(numbers) for name, numbers in found.items()}
