"""Prometheus metrics of an outbox: how many mails wait, and for how long. Needs the extra `prometheus`."""

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError, StoreError
from mailer.install import install_command
from mailer.stores.outbox import OutboxCount, OutboxStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from mailer.stores.sql.outbox import SqlOutbox

# What ended well grows with the retention and is counted by `PrometheusHook`.
STATUSES = (OutboxStatus.PENDING, OutboxStatus.SENDING, OutboxStatus.UNKNOWN, OutboxStatus.DEAD)
log = logging.getLogger("mailer")


class OutboxCollector:
    """Counts the mails of an outbox whenever Prometheus asks: `REGISTRY.register(OutboxCollector(mailer.outbox))`.

    Metrics:
        mailstack_outbox_mails: Mails by `status`: `pending`, `sending`, `unknown`, `dead`.
        mailstack_outbox_due: Pending mails whose time has come.
        mailstack_outbox_oldest_seconds: For how long the oldest of them waits; 0 if there is none.
        mailstack_outbox_up: 1, or 0 if the database cannot be reached. The others are missing then.

    Register it in one process of an outbox, or aggregate by `max`: each process counts the same table.

    Args:
        outbox: The outbox.

    Raises:
        ConfigurationError: `prometheus_client` is not installed.
    """

    def __init__(self, outbox: "SqlOutbox") -> None:
        if find_spec("prometheus_client") is None:
            hint = f"Install it: {install_command('prometheus')}"
            raise ConfigurationError("prometheus_client is not installed.", hint=hint)
        self._outbox = outbox

    def describe(self) -> "Iterator[Metric]":
        """The metrics without values, so that registering does not ask the database."""
        from prometheus_client.core import GaugeMetricFamily

        yield GaugeMetricFamily("mailstack_outbox_up", "Whether the database of the outbox answers.")
        yield GaugeMetricFamily("mailstack_outbox_mails", "Mails in the outbox.", labels=["status"])
        yield GaugeMetricFamily("mailstack_outbox_due", "Pending mails whose time has come.")
        yield GaugeMetricFamily("mailstack_outbox_oldest_seconds", "For how long the oldest due mail waits.")

    def collect(self) -> "Iterator[Metric]":
        """The metrics now."""
        from prometheus_client.core import GaugeMetricFamily

        try:
            counts, now = self._outbox.counts(final=False), self._outbox.now()
        except StoreError as error:
            log.warning("Outbox: not counted: %s", error)
            yield GaugeMetricFamily("mailstack_outbox_up", "Whether the database of the outbox answers.", value=0)
            return
        yield GaugeMetricFamily("mailstack_outbox_up", "Whether the database of the outbox answers.", value=1)
        mails = GaugeMetricFamily("mailstack_outbox_mails", "Mails in the outbox.", labels=["status"])
        for status in STATUSES:
            mails.add_metric([str(status)], counts.get(status, OutboxCount()).count)
        yield mails
        pending = counts.get(OutboxStatus.PENDING, OutboxCount())
        age = (now - pending.oldest).total_seconds() if pending.oldest else 0.0
        yield GaugeMetricFamily("mailstack_outbox_due", "Pending mails whose time has come.", value=pending.due)
        words = "For how long the oldest due mail waits."
        yield GaugeMetricFamily("mailstack_outbox_oldest_seconds", words, value=age)
