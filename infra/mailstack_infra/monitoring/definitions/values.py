"""An alarm as a value: what it watches, when it goes off and returns to OK, and its text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["warning", "critical"]
Comparison = Literal["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold"]
DAY, MINUTE = 86_400, 60


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One CloudWatch alarm on one metric.

    Attributes:
        key: Its name behind `mailstack-<stack>-`.
        does: The text for the person who is paged: what happened, what to do next, where the runbook is.
        metric: The metric's name; `namespace` and `dimensions` belong to it.
        missing: How missing data counts: `ignore` for rates, which SES publishes seldom; `notBreaching` for counts,
            which are absent when zero; `breaching` for a heartbeat.
        level: Who receives it; None if it acts only as a part of a `Both`.
        period: Seconds of one period; None for the stack's own.
        periods: How many of the newest periods must all breach.
        fill: The value of a period without data, if it must count from the first such period on. CloudWatch ignores
            `missing` as long as older data is in its evaluation range, which reaches further back than `periods`:
            https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        pagers_missing: Whether it reports that nobody receives pages, so that it needs another channel.
    """

    key: str
    does: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: Literal["Average", "Maximum", "Minimum", "SampleCount", "Sum"]
    threshold: float
    missing: Literal["ignore", "notBreaching", "breaching"]
    comparison: Comparison = "GreaterThanThreshold"
    level: Level | None = "warning"
    period: int | None = None
    periods: int = 1
    fill: float | None = None
    pagers_missing: bool = False


@dataclass(frozen=True, kw_only=True)
class Both:
    """A composite alarm, which is in ALARM while all of its parts are.

    Attributes:
        key: Its name behind `mailstack-<stack>-`.
        does: The text for the person who is paged.
        parts: The keys of its parts.
        pauses: The configuration set that the guard pauses, if any.
    """

    key: str
    does: str
    parts: tuple[str, ...]
    pauses: str = ""
    level: Level = "critical"
