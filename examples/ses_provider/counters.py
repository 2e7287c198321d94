"""Prometheus counters of the service, since the process began. No label holds an address.

The library's own metrics (`mailstack_…`) are exported, too; these have the names that dashboards of mail often use.
"""

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter

from mailer import SendHook, SendResult, Status

if TYPE_CHECKING:
    from mailer import Message
    from mailer.webhooks import Decision


class Counters(SendHook):
    """Counts recipients: sent, bounced, complained, suppressed; opens and clicks.

    Args:
        registry: Where the counters are registered.
        provider: The provider, as a label of `mail_sent_total`.
    """

    def __init__(self, registry: CollectorRegistry, provider: str) -> None:
        self._provider = provider
        self._sent = Counter("mail_sent", "Recipients sent to.", ["provider", "stream"], registry=registry)
        self._bounces = Counter("mail_bounces", "Recipients that bounced.", ["type"], registry=registry)
        self._complaints = Counter("mail_complaints", "Recipients that complained.", registry=registry)
        self._suppressions = Counter("mail_suppressions", "Suppressed for good.", ["reason"], registry=registry)
        self._opens = Counter("mail_opens", "Tracking images loaded.", ["stream"], registry=registry)
        self._clicks = Counter("mail_clicks", "Tracked links opened.", ["stream"], registry=registry)

    def after_send(self, message: "Message", result: "SendResult | BaseException", seconds: float) -> None:
        """See `SendHook`. The result of an earlier send with the same idempotency key is not counted again."""
        del seconds
        if isinstance(result, SendResult) and not result.replayed:
            sent = sum(one.status is Status.SENT for one in result)
            self._sent.labels(self._provider, message.stream).inc(sent)

    def bounced(self, kind: str, decision: "Decision") -> None:
        """Count a bounce of SES's type, such as `Permanent`."""
        self._bounces.labels(kind).inc()
        self._suppressed(decision)

    def complained(self, decision: "Decision") -> None:
        """Count a complaint, unless it is a report in which the recipient does not object."""
        if decision.reason:
            self._complaints.inc()
        self._suppressed(decision)

    def opened(self, stream: str) -> None:
        """Count an open."""
        self._opens.labels(stream).inc()

    def clicked(self, stream: str) -> None:
        """Count a click."""
        self._clicks.labels(stream).inc()

    def _suppressed(self, decision: "Decision") -> None:
        if decision.reason:
            self._suppressions.labels(decision.reason).inc()
