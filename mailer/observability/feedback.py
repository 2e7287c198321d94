"""Prometheus metrics of what comes back: bounces, complaints, suppressions. Needs the extra `prometheus`."""

import logging
import time
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from mailer.errors import ConfigurationError, StoreError
from mailer.install import install_command
from mailer.reports.numbers import NAMES
from mailer.reports.report import report_of
from mailer.stores.base import REASONS, utcnow
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from prometheus_client import Metric

    from mailer.reports.report import Report
    from mailer.stack import StackOutputs
    from mailer.stores.base import SuppressionStore
    from mailer.stores.messages import MessageLog

log = logging.getLogger("mailer")
_UP = "mailstack_feedback_up", "Whether the stores answer."
_COMPLETE = "mailstack_feedback_complete", "Whether everything was counted; 0: the numbers are too low."
_RECIPIENTS = "mailstack_feedback_recipients", "Recipients by event in the last days, today included."
_SUPPRESSIONS = "mailstack_suppressions", "Suppressed addresses."


class ReportStores(Protocol):
    """What is read: `SqlStores`, or `Webhook.stores`."""

    @property
    def messages(self) -> "MessageLog | None":
        """The message log; None if none is kept."""
        ...

    @property
    def suppressions(self) -> "SuppressionStore":
        """The suppression list."""
        ...


class FeedbackCollector:
    """Counts what the stores know: `REGISTRY.register(FeedbackCollector(webhook.stores, webhook.outputs))`.

    Metrics:
        mailstack_feedback_recipients: Recipients in the last days by `stream` and `event`: `sends`, `deliveries`,
            `hard_bounces`, `soft_bounces`, `unclear_bounces`, `not_tried`, `complaints`, `rejects`. A gauge, because
            events leave the window.
        mailstack_suppressions: Suppressed addresses by `reason`.
        mailstack_feedback_complete: 0 if the stores have more than a report reads, so that numbers are too low.
        mailstack_feedback_up: 1, or 0 if a store cannot be read. The others are missing then.

    Register it in one process, or aggregate by `max`: each process counts the same stores.

    Args:
        stores: Where the message log and the suppression list are. Without a message log, suppressions alone.
        outputs: What names the streams. Default: they are named by their configuration sets.
        days: The window, today included.
        keep: Seconds for which the numbers are kept, so that scraping often does not load the stores.
        clock: The time now, with a zone.

    Raises:
        ConfigurationError: `prometheus_client` is not installed.
    """

    def __init__(
        self,
        stores: ReportStores,
        outputs: "StackOutputs | None" = None,
        *,
        days: int = 7,
        keep: float = 60.0,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        if find_spec("prometheus_client") is None:
            hint = f"Install it: {install_command('prometheus')}"
            raise ConfigurationError("prometheus_client is not installed.", hint=hint)
        self._stores, self._outputs, self._days = stores, outputs, days
        self._keep, self._clock = keep, clock
        self._kept: tuple[float, Report] | None = None
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A thread of the parent process may have held the lock."""
        self._lock = Lock()

    def describe(self) -> "Iterator[Metric]":
        """The metrics without values, so that registering does not read the stores."""
        from prometheus_client.core import GaugeMetricFamily

        yield GaugeMetricFamily(*_UP)
        yield GaugeMetricFamily(*_COMPLETE)
        yield GaugeMetricFamily(*_RECIPIENTS, labels=["stream", "event"])
        yield GaugeMetricFamily(*_SUPPRESSIONS, labels=["reason"])

    def collect(self) -> "Iterator[Metric]":
        """The metrics now."""
        from prometheus_client.core import GaugeMetricFamily

        try:
            report = self._report()
        except StoreError as error:
            log.warning("Feedback: not counted: %s", error)
            yield GaugeMetricFamily(*_UP, value=0)
            return
        complete = report.complete and report.suppressions.complete
        yield GaugeMetricFamily(*_UP, value=1)
        yield GaugeMetricFamily(*_COMPLETE, value=int(complete))
        recipients = GaugeMetricFamily(*_RECIPIENTS, labels=["stream", "event"])
        for stream, numbers in report.by_stream.items():
            for name in NAMES:
                recipients.add_metric([stream, name], getattr(numbers, name))
        yield recipients
        suppressions = GaugeMetricFamily(*_SUPPRESSIONS, labels=["reason"])
        for reason in REASONS:
            suppressions.add_metric([reason], report.suppressions.by_reason.get(reason, 0))
        yield suppressions

    def _report(self) -> "Report":
        with self._lock:
            if self._kept is None or time.monotonic() > self._kept[0] + self._keep:
                messages, suppressions = self._stores.messages, self._stores.suppressions
                report = report_of(messages, suppressions, self._outputs, days=self._days, now=self._clock())
                self._kept = time.monotonic(), report
            return self._kept[1]
