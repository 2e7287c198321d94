"""OpenTelemetry spans of messages. Needs the extra `opentelemetry`. No attribute holds an address."""

from threading import Lock
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.results import SendResult
from mailer.sending.hooks import SendHook

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

    from mailer.message import Message
    from mailer.transports.failover import BreakerChange

# https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
_SYSTEM, _OPERATION, _SERVICE_ID = "messaging.system", "messaging.operation.type", "messaging.message.id"


class OpenTelemetryHook(SendHook):
    """A span for each message, of kind `PRODUCER` and named `send <stream>`.

    It is the current span while the message is sent, so that spans of other instrumentation become its children.
    Attributes: `mailstack.id`, `mailstack.stream`, `mailstack.template`, `mailstack.recipients`,
    `mailstack.status.<status>` (recipients with it), `mailstack.replayed`, and the messaging conventions'
    `messaging.message.id`. The span has the status `ERROR` if a recipient was not sent to, with the error's text, in
    which addresses are masked.

    Args:
        tracer_provider: Default: the global one.

    Raises:
        ConfigurationError: `opentelemetry-api` is not installed.
    """

    def __init__(self, tracer_provider: "TracerProvider | None" = None) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            hint = f"Install it: {install_command('opentelemetry')}"
            raise ConfigurationError("opentelemetry-api is not installed.", hint=hint) from None
        self._tracer = trace.get_tracer("mailer", tracer_provider=tracer_provider)
        self._begun: dict[str, tuple[Span, Token[Context]]] = {}
        self._lock = Lock()

    def before_send(self, message: "Message") -> None:
        """See `SendHook`."""
        from opentelemetry import context, trace

        attributes = {
            _SYSTEM: "aws_ses",
            _OPERATION: "send",
            "mailstack.id": message.id,
            "mailstack.stream": message.stream,
            "mailstack.template": message.template_name,
            "mailstack.recipients": len(message.recipients),
        }
        kind = trace.SpanKind.PRODUCER
        span = self._tracer.start_span(f"send {message.stream}", kind=kind, attributes=attributes)
        token = context.attach(trace.set_span_in_context(span))
        with self._lock:
            self._begun[message.id] = span, token

    def after_send(self, message: "Message", result: "SendResult | BaseException", seconds: float) -> None:  # noqa: ARG002 - the span has times of its own
        """See `SendHook`."""
        from opentelemetry import context

        with self._lock:
            span, token = self._begun.pop(message.id)
        context.detach(token)
        try:
            _describe(span, result)
        finally:
            span.end()

    def breaker_changed(self, transport: str, change: "BreakerChange") -> None:
        """See `SendHook`. An event of the span of the message that caused it."""
        from opentelemetry import trace

        facts = {"mailstack.transport": transport, "mailstack.change": str(change)}
        trace.get_current_span().add_event("mailstack.breaker", facts)


def _describe(span: "Span", result: "SendResult | BaseException") -> None:
    from opentelemetry.trace import Status, StatusCode

    if not isinstance(result, SendResult):
        # The class alone: the text of an error that is not ours may hold an address.
        span.set_attribute("error.type", type(result).__name__)
        span.set_status(Status(StatusCode.ERROR, type(result).__name__))
        return
    span.set_attribute(_SERVICE_ID, result.message_id)
    span.set_attribute("mailstack.replayed", result.replayed)
    statuses = [str(one.status) for one in result]
    span.set_attributes({f"mailstack.status.{status}": statuses.count(status) for status in set(statuses)})
    if not result.ok:
        error = next((one.error for one in result.not_sent if one.error), None)
        span.set_attribute("error.type", type(error).__name__ if error else str(result.not_sent[0].status))
        span.set_status(Status(StatusCode.ERROR, result.not_sent[0].reason))
