"""The metrics of feedback, and the alert rules that read them, as promtool sees them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from mailer import ConfigurationError, FeedbackCollector, StoreError
from mailer.reports.numbers import BOUNCES, COMPLAINTS, NAMES
from mailer.stores.sql.stores import SqlStores
from tests.contract.suppression_store import Clock
from tests.system import require_tool
from tests.unit.mailer.reports.history import fill
from tests.unit.mailer.stack_outputs import outputs
from tests.waiting import PATIENCE

REFERENCE = Path(__file__).parents[4] / "docs" / "reference"
RULES = REFERENCE / "feedback-alerts.yaml"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with SqlStores(f"sqlite:///{tmp_path}/mail.db?log_days=30", clock=Clock()) as stores:
        fill(stores.log, stores.suppressions)
        yield stores


@pytest.fixture
def registry(stores: SqlStores) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(FeedbackCollector(stores, outputs(), clock=Clock()))
    return registry


def test_recipients_are_counted_by_stream_and_event(registry: CollectorRegistry):
    found = {
        event: registry.get_sample_value("mailstack_feedback_recipients", {"stream": "news", "event": event})
        for event in NAMES
    }
    assert found["sends"] == 35
    assert (found["hard_bounces"], found["complaints"], found["rejects"]) == (1, 0, 0)
    assert registry.get_sample_value("mailstack_suppressions", {"reason": "bounce"}) == 2
    assert registry.get_sample_value("mailstack_suppressions", {"reason": "manual"}) == 0
    assert registry.get_sample_value("mailstack_feedback_up") == 1
    assert registry.get_sample_value("mailstack_feedback_complete") == 1


def test_store_that_is_away_does_not_end_the_exposition(
    registry: CollectorRegistry, stores: SqlStores, monkeypatch: pytest.MonkeyPatch
):
    def away(**_: Any) -> None:
        raise StoreError("away")

    monkeypatch.setattr(stores.log, "counts", away)
    assert registry.get_sample_value("mailstack_feedback_up") == 0
    assert registry.get_sample_value("mailstack_suppressions", {"reason": "bounce"}) is None


def test_numbers_are_kept_between_scrapes(
    registry: CollectorRegistry, stores: SqlStores, monkeypatch: pytest.MonkeyPatch
):
    before = generate_latest(registry)
    monkeypatch.setattr(stores.log, "counts", None)
    assert generate_latest(registry) == before


def test_incomplete_count_is_marked(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.stores.sql.messages.MAX_COUNTS", 3)
    assert registry.get_sample_value("mailstack_feedback_complete") == 0


def test_missing_package_names_the_extra(stores: SqlStores, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.observability.feedback.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="prometheus_client is not installed") as raised:
        FeedbackCollector(stores)
    assert "prometheus" in raised.value.hint


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def test_rules_read_metrics_and_events_that_exist(registry: CollectorRegistry):
    exposed = generate_latest(registry).decode()
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        assert set(re.findall(r"mailstack:\w+:\w+", rule["expr"])) <= recorded
        assert all(f"\n{name}" in exposed for name in re.findall(r"mailstack_\w+", rule["expr"]))
        assert set(re.findall(r'event="(\w+)"', rule["expr"])) <= set(NAMES)
        if "alert" in rule:
            assert {"summary", "action"} == rule["annotations"].keys()


def test_thresholds_are_those_of_the_report():
    found = {rule["alert"]: float(rule["expr"].split()[2]) for rule in rules() if "Rate" in rule.get("alert", "")}
    assert found == {
        "MailBounceRateReview": BOUNCES.review,
        "MailBounceRatePause": BOUNCES.pause,
        "MailComplaintRateReview": COMPLAINTS.review,
        "MailComplaintRatePause": COMPLAINTS.pause,
    }


@pytest.mark.parametrize("file", ["feedback-alerts.yaml", "outbox-alerts.yaml"])
def test_promtool_accepts_the_rules(file: str):
    promtool(["check", "rules", str(REFERENCE / file)])


def test_promtool_accepts_the_exposition(registry: CollectorRegistry):
    promtool(["check", "metrics"], generate_latest(registry))


def promtool(arguments: list[str], data: bytes = b"") -> None:
    command = [require_tool("promtool"), *arguments]
    done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def series(values: dict[str, int]) -> list[dict[str, str]]:
    """Two processes that count the same store: their numbers must not be added."""
    return [
        {
            "series": f'mailstack_feedback_recipients{{stream="news", event="{event}", instance="{instance}"}}',
            "values": f"{value}x40",
        }
        for event, value in values.items()
        for instance in ("a", "b")
    ]


CASES: dict[str, tuple[dict[str, int], str]] = {
    "few mails": ({"sends": 100, "hard_bounces": 50, "complaints": 5}, ""),
    "good": ({"sends": 10_000, "hard_bounces": 499, "complaints": 9}, ""),
    "nothing": ({"sends": 0, "hard_bounces": 0, "complaints": 0}, ""),
    "bounces": ({"sends": 1000, "hard_bounces": 50, "complaints": 0}, "MailBounceRateReview"),
    "many bounces of few": ({"sends": 200, "hard_bounces": 20, "complaints": 0}, "MailBounceRatePause"),
    "complaints": ({"sends": 5000, "hard_bounces": 0, "complaints": 5}, "MailComplaintRateReview"),
    "many complaints of few": ({"sends": 1000, "hard_bounces": 0, "complaints": 5}, "MailComplaintRatePause"),
}


def test_alerts_fire_at_the_limits_of_aws(tmp_path: Path):
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    tests = [
        {
            "interval": "1m",
            "name": name,
            "input_series": [*series(values), {"series": "mailstack_feedback_up", "values": "1x40"}],
            "alert_rule_test": [
                {"eval_time": "30m", "alertname": alert, "exp_alerts": expected(rule, values, fires == alert)}
                for alert, rule in alerts.items()
            ],
        }
        for name, (values, fires) in CASES.items()
    ]
    tests.append(
        {
            "interval": "1m",
            "name": "nobody reports",
            "input_series": [{"series": "mailstack_feedback_complete", "values": "0x40"}],
            "alert_rule_test": [
                {"eval_time": "30m", "alertname": name, "exp_alerts": expected(alerts[name], {}, True)}
                for name in ("MailFeedbackDown", "MailFeedbackIncomplete")
            ],
        }
    )
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": tests}), encoding="utf-8")
    promtool(["test", "rules", str(file)])


def expected(rule: dict[str, Any], values: dict[str, int], fires: bool) -> list[dict[str, Any]]:
    if not fires:
        return []
    kind = "complaints" if "Complaint" in rule["alert"] else "hard_bounces"
    share = f"{values[kind] / values['sends'] * 100:.4g}%" if values else ""
    annotations = {name: re.sub(r"{{.*?}}", share, text) for name, text in rule["annotations"].items()}
    return [{"exp_labels": rule["labels"], "exp_annotations": annotations}]
