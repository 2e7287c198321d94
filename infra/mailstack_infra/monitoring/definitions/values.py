"""An alarm as a value: what it watches, when it goes off and lets go, and what it says."""

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
        does: For whom it wakes: what happened, what to do next, where the runbook is.
        metric: Its name; `namespace` and `dimensions` go with it.
        missing: What no data means: `ignore` for rates, which SES publishes seldom; `notBreaching` for counts, which
            are absent when zero; `breaching` for a heartbeat.
        level: Whom it pages; None for one that acts only through a `Both`.
        period: Seconds of one period; None for the stack's own.
        periods: How many of the newest periods must all breach.
        fill: What a period without data counts as, if it must count from the first such period on. CloudWatch ignores
            `missing` as long as older data is in its evaluation range, which reaches further back than `periods`:
            https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        pagers_missing: Whether it says that nobody would hear of alarms, and so must be heard elsewhere.
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
    """A composite alarm: goes off while all of its parts do.

    Attributes:
        key: Its name behind `mailstack-<stack>-`.
        does: For whom it wakes.
        parts: The keys of the alarms that it is made of.
        pauses: The configuration set that the guard pauses, if any.
    """

    key: str
    does: str
    parts: tuple[str, ...]
    pauses: str = ""
    level: Level = "critical"
