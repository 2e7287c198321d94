"""Hooks see each message once before and once after, whatever happens in between, and cannot break a send."""

import logging
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from mailer.errors import IdempotencyConflict, OutcomeUnknown, Refused
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.observability.opentelemetry import OpenTelemetryHook
from mailer.observability.prometheus import PrometheusHook
from mailer.results import SendResult, Status
from mailer.sending.hooks import SendHook
from mailer.stores.base import Suppression
from mailer.stores.memory import MemoryIdempotency
from mailer.testing.outbox import Outbox
from mailer.testing.outputs import stack_outputs

MAIL = Message(subject="Hello", text="Hello", to=["ada@example.com", "bob@example.com"])


class Recorder(SendHook):
    def __init__(self, name: str, seen: list[tuple[str, str, object]]) -> None:
        self.name, self.seen = name, seen

    def before_send(self, message: Message) -> None:
        self.seen.append((self.name, "before", message.id))

    def after_send(self, message: Message, result: SendResult | BaseException, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((self.name, "after", result))


class Vetoes(SendHook):
    def before_send(self, message: Message) -> None:
        raise PermissionError("not on a Sunday")


class Breaks(SendHook):
    def after_send(self, message: Message, result: SendResult | BaseException, seconds: float) -> None:
        raise RuntimeError("could not write for ada@example.com")


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def mailer(outbox: Outbox, *hooks: SendHook) -> Mailer:
    return Mailer(
        stack_outputs(),
        transport=outbox,
        suppressions=outbox.suppressions,
        idempotency=MemoryIdempotency(),
        hooks=hooks,
    )


def test_hooks_nest_around_the_send(outbox: Outbox):
    seen: list[tuple[str, str, object]] = []
    result = mailer(outbox, Recorder("outer", seen), Recorder("inner", seen)).send(MAIL)
    assert seen == [
        ("outer", "before", result.id),
        ("inner", "before", result.id),
        ("inner", "after", result),
        ("outer", "after", result),
    ]


def test_hook_that_raises_before_prevents_the_send(outbox: Outbox):
    seen: list[tuple[str, str, object]] = []
    with pytest.raises(PermissionError) as raised:
        mailer(outbox, Recorder("outer", seen), Vetoes(), Recorder("inner", seen)).send(MAIL)
    assert not len(outbox)
    assert [(name, when) for name, when, _ in seen] == [("outer", "before"), ("outer", "after")]
    assert seen[-1][2] is raised.value


def test_hook_that_raises_after_changes_nothing(outbox: Outbox, caplog: pytest.LogCaptureFixture):
    seen: list[tuple[str, str, object]] = []
    with caplog.at_level(logging.ERROR, "mailer"):
        result = mailer(outbox, Recorder("outer", seen), Breaks()).send(MAIL)
    assert result.ok
    assert [(name, when) for name, when, _ in seen] == [("outer", "before"), ("outer", "after")]
    assert "Breaks.after_send raised RuntimeError" in caplog.text
    assert "ada@" not in caplog.text


def test_log_record_carries_the_facts_with_masked_addresses(outbox: Outbox, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "mailer"):
        result = outbox.mailer.send(MAIL, stream="marketing")
    (record,) = caplog.records
    facts = record.__dict__["mailstack"]
    assert facts == {"stream": "marketing", "template": "", **result.to_dict()}
    assert "ada@" not in record.getMessage() + str(facts)


@pytest.mark.parametrize("stream", ["transactional", "marketing"])
def test_unreadable_suppressions_stop_streams_by_default(outbox: Outbox, stream: str):
    from collections.abc import Iterable

    from mailer.errors import StoreError
    from mailer.stores.memory import MemorySuppressions

    class Down(MemorySuppressions):
        def get_many(self, keys: Iterable[str], scopes: Iterable[str] = ()) -> dict[str, Suppression]:
            raise StoreError("The table cannot be reached.")

    mail = Mailer(stack_outputs(), transport=outbox, suppressions=Down(), send_on_store_error=["transactional"])
    result = mail.send(MAIL, stream=stream)
    assert {one.status for one in result} == {Status.SENT if stream == "transactional" else Status.FAILED}
    assert len(outbox) == (stream == "transactional")


class TestPrometheus:
    @pytest.fixture
    def registry(self) -> CollectorRegistry:
        return CollectorRegistry()

    def value(self, registry: CollectorRegistry, name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"stream": "transactional", **labels})

    def test_messages_and_recipients_are_counted_by_status(self, outbox: Outbox, registry: CollectorRegistry):
        mail = mailer(outbox, PrometheusHook(registry))
        mail.send(MAIL)
        outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
        mail.send(MAIL)
        outbox.fail(OutcomeUnknown("No answer."))
        mail.send(MAIL, to="ada@example.com")
        assert self.value(registry, "mailstack_messages_total", status="sent") == 1
        assert self.value(registry, "mailstack_messages_total", status="mixed") == 1
        assert self.value(registry, "mailstack_messages_total", status="unknown") == 1
        assert self.value(registry, "mailstack_recipients_total", status="sent") == 3
        assert self.value(registry, "mailstack_recipients_total", status="suppressed") == 1
        assert self.value(registry, "mailstack_send_duration_seconds_count") == 3
        assert self.value(registry, "mailstack_sends_in_progress") == 0

    def test_replayed_results_are_not_counted_again(self, outbox: Outbox, registry: CollectorRegistry):
        mail = mailer(outbox, PrometheusHook(registry))
        for _ in range(3):
            mail.send(MAIL, idempotency_key="welcome-1")
        assert self.value(registry, "mailstack_messages_total", status="sent") == 1

    def test_raised_errors_are_counted(self, outbox: Outbox, registry: CollectorRegistry):
        mail = mailer(outbox, PrometheusHook(registry))
        mail.send(MAIL, idempotency_key="welcome-1")
        with pytest.raises(IdempotencyConflict):
            mail.send(MAIL, subject="Another", idempotency_key="welcome-1")
        assert self.value(registry, "mailstack_messages_total", status="raised") == 1
        assert self.value(registry, "mailstack_sends_in_progress") == 0

    def test_metrics_hold_no_address(self, outbox: Outbox, registry: CollectorRegistry):
        mailer(outbox, PrometheusHook(registry)).send(MAIL)
        assert b"example.com" not in generate_latest(registry)


class TestOpenTelemetry:
    @pytest.fixture
    def exporter(self) -> InMemorySpanExporter:
        return InMemorySpanExporter()

    @pytest.fixture
    def hook(self, exporter: InMemorySpanExporter) -> Iterator[OpenTelemetryHook]:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        yield OpenTelemetryHook(provider)
        provider.shutdown()

    def span(self, exporter: InMemorySpanExporter) -> ReadableSpan:
        (span,) = exporter.get_finished_spans()
        return span

    def test_span_describes_the_message(self, outbox: Outbox, hook: OpenTelemetryHook, exporter: InMemorySpanExporter):
        result = mailer(outbox, hook).send(MAIL)
        span = self.span(exporter)
        assert (span.name, span.kind, span.status.status_code) == (
            "send transactional",
            SpanKind.PRODUCER,
            StatusCode.UNSET,
        )
        assert dict(span.attributes or {}) == {
            "messaging.system": "aws_ses",
            "messaging.operation.type": "send",
            "messaging.message.id": result.message_id,
            "mailstack.id": result.id,
            "mailstack.stream": "transactional",
            "mailstack.template": "",
            "mailstack.recipients": 2,
            "mailstack.status.sent": 2,
            "mailstack.replayed": False,
        }

    def test_span_is_current_while_the_message_is_sent(self, hook: OpenTelemetryHook, exporter: InMemorySpanExporter):
        class Looks(Outbox):
            current: object = None

            def send(self, message: Message):  # noqa: ANN202 - as the outbox
                self.current = get_current_span().get_span_context()
                return super().send(message)

        outbox = Looks()
        before = get_current_span()
        mailer(outbox, hook).send(MAIL)
        assert outbox.current == self.span(exporter).get_span_context()
        assert get_current_span() is before

    def test_failure_marks_the_span(self, outbox: Outbox, hook: OpenTelemetryHook, exporter: InMemorySpanExporter):
        outbox.fail(Refused("Email address is not verified."))
        mailer(outbox, hook).send(MAIL)
        span = self.span(exporter)
        assert (span.status.status_code, span.status.description) == (
            StatusCode.ERROR,
            "Email address is not verified.",
        )
        assert (span.attributes or {})["error.type"] == "Refused"

    def test_raised_error_marks_the_span_without_its_text(
        self, outbox: Outbox, hook: OpenTelemetryHook, exporter: InMemorySpanExporter
    ):
        with pytest.raises(PermissionError):
            mailer(outbox, hook, Vetoes()).send(MAIL)
        span = self.span(exporter)
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "PermissionError")

    def test_span_holds_no_address(self, outbox: Outbox, hook: OpenTelemetryHook, exporter: InMemorySpanExporter):
        outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
        mailer(outbox, hook).send(MAIL)
        assert "example.com" not in self.span(exporter).to_json()
