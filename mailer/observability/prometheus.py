"""Prometheus metrics of messages. Needs the extra `prometheus`. No label holds an address."""

from collections import Counter as Tally
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.results import SendResult
from mailer.sending.hooks import SendHook

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from mailer.message import Message
    from mailer.transports.failover import BreakerChange

# Seconds. A mail takes some ten milliseconds near SES, and up to minutes while it is throttled.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
# The status of a message whose `send` raised an error.
RAISED = "raised"


class PrometheusHook(SendHook):
    """Counts recipients by status, and measures how long `send` takes. Create one a process.

    Metrics:
        mailstack_messages_total: Messages by `stream` and `status`: the status of all recipients if it is the same,
            else `mixed`. `raised` if `send` raised an error.
        mailstack_recipients_total: Recipients by `stream` and `status`.
        mailstack_send_duration_seconds: A histogram by `stream`: suppression check, waiting, attempts.
        mailstack_sends_in_progress: Messages under way, by `stream`.
        mailstack_breaker_changes_total: How often the circuit breaker of a `Failover` opened, probed and closed, by
            `transport` (the one that it protects) and `change`.
        mailstack_breaker_open: Whether it is open (1), by `transport`; nothing before its first change.

    A result that an idempotency key returned is not counted again.

    Args:
        registry: Default: that of `prometheus_client`.

    Raises:
        ConfigurationError: `prometheus_client` is not installed.
    """

    def __init__(self, registry: "CollectorRegistry | None" = None) -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Gauge, Histogram
        except ImportError:
            hint = f"Install it: {install_command('prometheus')}"
            raise ConfigurationError("prometheus_client is not installed.", hint=hint) from None
        registry = REGISTRY if registry is None else registry
        by_status = ("stream", "status")
        self._messages = Counter("mailstack_messages", "Messages.", by_status, registry=registry)
        self._recipients = Counter("mailstack_recipients", "Recipients of messages.", by_status, registry=registry)
        self._seconds = Histogram(
            "mailstack_send_duration_seconds",
            "How long Mailer.send took.",
            ("stream",),
            registry=registry,
            buckets=BUCKETS,
        )
        self._under_way = Gauge("mailstack_sends_in_progress", "Messages under way.", ("stream",), registry=registry)

        self._changes = Counter(
            "mailstack_breaker_changes",
            "Changes of the circuit breaker of a failover.",
            ("transport", "change"),
            registry=registry,
        )
        self._open = Gauge(
            "mailstack_breaker_open", "Whether the circuit breaker is open.", ("transport",), registry=registry
        )

    def before_send(self, message: "Message") -> None:
        """See `SendHook`."""
        self._under_way.labels(message.stream).inc()

    def after_send(self, message: "Message", result: "SendResult | BaseException", seconds: float) -> None:
        """See `SendHook`."""
        stream = message.stream
        self._under_way.labels(stream).dec()
        self._seconds.labels(stream).observe(seconds)
        if not isinstance(result, SendResult):
            self._messages.labels(stream, RAISED).inc()
        elif not result.replayed:
            statuses = Tally(str(one.status) for one in result)
            self._messages.labels(stream, next(iter(statuses)) if len(statuses) == 1 else "mixed").inc()
            for status, count in statuses.items():
                self._recipients.labels(stream, status).inc(count)

    def breaker_changed(self, transport: str, change: "BreakerChange") -> None:
        """See `SendHook`."""
        self._changes.labels(transport, str(change)).inc()
        self._open.labels(transport).set(change != "closed")
