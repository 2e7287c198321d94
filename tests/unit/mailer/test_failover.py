"""Failover and split: which road carries a message, and what opens the circuit breaker."""

import logging
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from mailer.errors import ConfigurationError, InvalidMessage, OutcomeUnknown, Refused, Throttled, Unreachable
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.observability.opentelemetry import OpenTelemetryHook
from mailer.observability.prometheus import PrometheusHook
from mailer.results import RecipientResult, Status
from mailer.sending.hooks import SendHook
from mailer.transports.failover import BreakerChange, BreakerPolicy, Failover, Split
from mailer.transports.smtp import SmtpTransport
from tests.smtp_server import smtp_server

MESSAGE = Message(subject="a", text="b", to="ada@example.com", sender="shop@example.com")


class Road:
    """A transport whose next outcomes are written down; it accepts afterwards."""

    def __init__(self, name: str, *outcomes: Exception | None) -> None:
        self.name, self.outcomes, self.asked = name, list(outcomes), 0

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        self.asked += 1
        problem = self.outcomes.pop(0) if self.outcomes else None
        if problem:
            raise problem
        return tuple(RecipientResult(one, Status.SENT, f"{self.name}-1") for one in message.recipients)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_result_names_the_road_that_carried_the_mail():
    roads = Failover(Road("ses", Unreachable("no")), Road("smtp"))
    assert [roads.send(MESSAGE)[0].transport for _ in range(2)] == ["smtp", "ses"]


@pytest.mark.parametrize("problem", [OutcomeUnknown("lost"), Refused("content"), InvalidMessage("no sender")])
def test_second_is_not_tried_after_unknown_or_a_refusal(problem: Exception):
    second = Road("smtp")
    with pytest.raises(type(problem)):
        Failover(Road("ses", problem), second).send(MESSAGE)
    assert second.asked == 0


def test_message_unfit_for_the_second_keeps_the_first_error():
    roads = Failover(Road("ses", Throttled("too fast")), Road("smtp", InvalidMessage("SMTP cannot carry: tags.")))
    with pytest.raises(Throttled):
        roads.send(MESSAGE)


def test_breaker_opens_probes_and_closes(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    clock = Clock()
    first = Road("ses", *[Unreachable("no")] * 4)
    roads = Failover(first, Road("smtp"), breaker=BreakerPolicy(failures=3, seconds=30), clock=clock)
    assert [roads.send(MESSAGE)[0].transport for _ in range(5)] == ["smtp"] * 5
    assert first.asked == 3
    clock.now = 30
    assert roads.send(MESSAGE)[0].transport == "smtp"  # the probe fails: open for another 30 s
    clock.now = 59
    assert roads.send(MESSAGE)[0].transport == "smtp"
    assert first.asked == 4
    clock.now = 60
    assert roads.send(MESSAGE)[0].transport == "ses"
    states = [record.getMessage().split(": ")[1].split()[0] for record in caplog.records if "breaker" in record.msg]
    assert states == ["open", "probing", "probing", "closed"]


def test_hooks_and_log_show_changes_of_the_breaker(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    clock, registry, seen = Clock(), CollectorRegistry(), list[tuple[str, str]]()

    class Broken(SendHook):
        def breaker_changed(self, transport: str, change: BreakerChange) -> None:
            seen.append((transport, str(change)))
            raise RuntimeError(MESSAGE.recipients[0].email)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"transport": "ses", **labels})

    first = Road("ses", *[Unreachable("no")] * 3)
    roads = Failover(first, Road("smtp"), breaker=BreakerPolicy(failures=2, seconds=30), clock=clock)
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    hooks = [Broken(), PrometheusHook(registry), OpenTelemetryHook(provider)]
    mail = Mailer.over(roads, sender="shop@example.com", hooks=hooks)
    assert value("mailstack_breaker_open") is None
    assert all(mail.send(MESSAGE).ok for _ in range(3))
    assert value("mailstack_breaker_open") == 1
    clock.now = 30
    assert mail.send(MESSAGE).ok  # the probe fails
    assert value("mailstack_breaker_open") == 1
    clock.now = 60
    assert mail.send(MESSAGE).ok
    assert value("mailstack_breaker_open") == 0
    changes = ("opened", "probed", "closed")
    assert [value("mailstack_breaker_changes_total", change=one) for one in changes] == [1, 2, 1]
    assert seen == [("ses", one) for one in ("opened", "probed", "probed", "closed")]
    facts = [getattr(record, "mailstack", {}) for record in caplog.records]
    assert [one["change"] for one in facts if one.get("breaker") == "ses"] == [change for _, change in seen]
    events = [dict(event.attributes or {}) for span in spans.get_finished_spans() for event in span.events]
    assert [one["mailstack.change"] for one in events] == [change for _, change in seen]
    assert MESSAGE.recipients[0].email not in caplog.text


@pytest.mark.parametrize(
    ("problem", "opens"),
    [
        (lambda: Refused("content"), False),
        (lambda: InvalidMessage("no"), False),
        (lambda: OutcomeUnknown("lost"), True),
        (lambda: Throttled("too fast"), True),
    ],
)
def test_refused_messages_do_not_open_the_breaker(problem: Callable[[], Exception], *, opens: bool):
    roads = Failover(Road("ses", *[problem() for _ in range(9)]), Road("smtp"), breaker=BreakerPolicy(failures=3))
    for _ in range(3):
        with suppress(Refused, InvalidMessage, OutcomeUnknown):
            roads.send(MESSAGE)
    assert roads.breaker.is_open is opens


def test_interrupted_probe_is_repeated_by_another_message():
    clock = Clock()
    first = Road("ses", Unreachable("no"), ValueError("a bug"))
    roads = Failover(first, Road("smtp"), breaker=BreakerPolicy(failures=1, seconds=1), clock=clock)
    roads.send(MESSAGE)
    clock.now = 2
    with pytest.raises(ValueError, match="a bug"):
        roads.send(MESSAGE)
    assert roads.send(MESSAGE)[0].transport == "ses"


def test_split_sends_a_steady_share_of_recipients_the_new_way():
    messages = [Message(subject="a", text="b", to=f"ada{n}@example.com", sender="b@example.com") for n in range(1000)]
    chosen: dict[float, set[int]] = {}
    for share in (0.0, 0.1, 0.5, 1.0):
        roads = Split(Road("old"), Road("new"), share=share)
        chosen[share] = {n for n, one in enumerate(messages) if roads.send(one)[0].transport == "new"}
    assert [len(chosen[share]) for share in (0.0, 1.0)] == [0, 1000]
    assert 70 < len(chosen[0.1]) < 130
    assert chosen[0.1] < chosen[0.5]


def test_split_by_template():
    roads = Split(Road("old"), Road("new"), templates=["welcome"])
    found = [roads.send(MESSAGE.from_template(name))[0].transport for name in ("welcome", "receipt", "")]
    assert found == ["new", "old", "old"]


def test_share_outside_zero_to_one_is_refused():
    with pytest.raises(ConfigurationError):
        Split(Road("old"), Road("new"), share=10)


def test_faults_at_the_first_server_lose_and_double_nothing():
    """The truth is counted at both servers: what they acknowledged, and what arrived in whole."""
    chance = random.Random(17)
    faults = [("MAIL", ""), ("MAIL", "421 too many connections"), ("DATA", "451 later"), (".", "451 later"), (".", "")]
    with smtp_server() as one, smtp_server() as two:
        first, second = (SmtpTransport("127.0.0.1", each.port, security="loopback") for each in (one, two))
        roads = Failover(first, second, breaker=BreakerPolicy(failures=10_000))
        statuses: dict[str, str] = {}
        for number in range(200):
            if chance.random() < 0.5:
                command, reply = chance.choice(faults)
                one.replies[command] = [reply]
            message = Message(subject="a", text="b", to=f"ada{number}@example.com", sender="shop@example.com")
            try:
                (result,) = roads.send(message)
                statuses[result.address.email] = result.transport
            except OutcomeUnknown:
                statuses[message.to[0].email] = "unknown"
        acknowledged = Counter(arrived.recipients[0] for server in (one, two) for arrived in server.accepted)
        unknown = {email for email, status in statuses.items() if status == "unknown"}
        assert {email for email in statuses if acknowledged[email] != 1} == unknown
        assert unknown
        assert two.accepted
        roads.close()


def test_split_hands_hooks_to_the_failover_inside():
    seen: list[str] = []

    class Seen(SendHook):
        def breaker_changed(self, transport: str, change: BreakerChange) -> None:
            seen.append(f"{transport} {change}")

    inside = Failover(Road("ses", Unreachable("no")), Road("smtp"), breaker=BreakerPolicy(failures=1))
    roads = Split(Road("old"), inside, share=1.0)
    assert Mailer.over(roads, sender="shop@example.com", hooks=[Seen()]).send(MESSAGE).ok
    assert seen == ["ses opened"]
