"""The metrics of an outbox, and the alert rules that read them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from mailer import ConfigurationError, Mailer, Message, OutboxCollector, StoreError
from tests.contract.suppression_store import NOW, Clock

ROOT = Path(__file__).parents[4]
RULES = ROOT / "docs" / "reference" / "outbox-alerts.yaml"
HELLO = Message(subject="Hello", text="Hello", to="ada@example.com")
NAMES = {
    "mailstack_outbox_up",
    "mailstack_outbox_mails",
    "mailstack_outbox_due",
    "mailstack_outbox_oldest_seconds",
}


@pytest.fixture
def registry(mailer: Mailer) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(OutboxCollector(mailer.outbox))
    return registry


def test_depth_and_age_are_read_when_they_are_asked_for(mailer: Mailer, registry: CollectorRegistry, clock: Clock):
    assert registry.get_sample_value("mailstack_outbox_mails", {"status": "pending"}) == 0
    mailer.enqueue(HELLO, connection=None)
    mailer.enqueue(HELLO, connection=None, send_at=NOW.replace(year=2030))
    clock.now = NOW.replace(minute=5)
    assert registry.get_sample_value("mailstack_outbox_mails", {"status": "pending"}) == 2
    assert registry.get_sample_value("mailstack_outbox_due") == 1
    assert registry.get_sample_value("mailstack_outbox_oldest_seconds") == 300
    mailer.outbox.claim("relay", ["0" * 32], NOW.replace(minute=1) - NOW)
    assert registry.get_sample_value("mailstack_outbox_mails", {"status": "sending"}) == 1
    assert registry.get_sample_value("mailstack_outbox_oldest_seconds") == 0


def test_database_that_is_away_does_not_end_the_exposition(
    mailer: Mailer, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
):
    def away(**_: Any) -> None:
        raise StoreError("away")

    monkeypatch.setattr(mailer.outbox, "counts", away)
    assert registry.get_sample_value("mailstack_outbox_up") == 0
    assert registry.get_sample_value("mailstack_outbox_due") is None


def test_registering_does_not_ask_the_database(mailer: Mailer, registry: CollectorRegistry):
    (collector,) = registry._collector_to_names
    assert {metric.name for metric in OutboxCollector(mailer.outbox).describe()} == NAMES
    assert isinstance(collector, OutboxCollector)


def test_missing_package_names_the_extra(mailer: Mailer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.observability.outbox.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="prometheus_client is not installed") as raised:
        OutboxCollector(mailer.outbox)
    assert "prometheus" in raised.value.hint


def test_alert_rules_read_metrics_that_exist(registry: CollectorRegistry):
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    used = {name for rule in group["rules"] for name in re.findall(r"mailstack_\w+", rule["expr"])}
    exposed = generate_latest(registry).decode()
    assert used <= NAMES
    assert all(f"\n{name}" in f"\n{exposed}" for name in used)
    for rule in group["rules"]:
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
        assert {"summary", "action"} == rule["annotations"].keys()
        for status in re.findall(r'status="(\w+)"', rule["expr"]):
            assert f'status="{status}"' in exposed


def test_commands_of_the_alert_rules_exist():
    from mailer.cli import parser

    for command in re.findall(r"`mailer (outbox [^`]+)`", RULES.read_text(encoding="utf-8")):
        if not command.endswith(("run", "cancel")):  # which need more
            parser().parse_args(command.split())
