"""A real Prometheus scrapes the metrics of feedback and evaluates the alert rules."""

import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, start_http_server

from mailer import FeedbackCollector
from mailer.stores.sql.stores import SqlStores
from tests.contract.message_log import entry
from tests.contract.suppression_store import Clock
from tests.prometheus import running
from tests.unit.mailer.stack_outputs import outputs
from tests.waiting import eventually

pytestmark = pytest.mark.integration
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
RULES = [REFERENCE / "feedback-alerts.yaml", REFERENCE / "outbox-alerts.yaml"]


def expressions() -> list[str]:
    """The queries of the Grafana dashboard, with values for its variables."""
    panels = json.loads((REFERENCE / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    found = [target["expr"] for panel in panels for target in panel["targets"]]
    return [one.replace("$stream", ".*").replace("$__rate_interval", "1m") for one in found]


def test_real_prometheus_raises_the_alert_of_bounces(tmp_path: Path):
    with SqlStores(f"sqlite:///{tmp_path}/mail.db?log_days=30", clock=Clock()) as stores:
        stores.log.add(entry(key=f"send {number}") for number in range(250))
        stores.log.add(entry("Bounce", key=f"bounce {number}", category="Permanent General") for number in range(25))
        registry = CollectorRegistry()
        registry.register(FeedbackCollector(stores, outputs(), clock=Clock()))
        server, thread = start_http_server(0, "127.0.0.1", registry)
        try:
            with running(tmp_path, f"127.0.0.1:{server.server_port}", RULES) as prometheus:
                eventually(
                    lambda: prometheus.value("mailstack:hard_bounces:ratio") == 0.1, "The ratio is not recorded."
                )
                assert prometheus.value("mailstack:sends:sum") == 250
                assert prometheus.value('mailstack_suppressions{reason="bounce"}') == 0
                # It waits for its five minutes; nobody reports an outbox here. The others have no reason.
                expected = {"MailBounceRatePause": "pending", "OutboxDown": "pending"}
                eventually(lambda: prometheus.alerts() == expected, "The alerts are not evaluated.")
                for expression in expressions():
                    found = prometheus.value(expression)
                    assert found is not None or "mailstack_feedback" not in expression, expression
                health = {rule["health"] for group in prometheus.api("rules")["groups"] for rule in group["rules"]}
                assert health == {"ok"}
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
