"""The Grafana dashboard: today's, of the pinned schema, whole, and about metrics that exist."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry

from mailer import FeedbackCollector, OutboxCollector, PrometheusHook
from mailer.reports.numbers import NAMES
from mailer.stores.sql.stores import SqlStores
from tools.docs import grafana_dashboard

FILE = Path(__file__).parents[3] / "docs" / "reference" / "grafana-dashboard.json"
BOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
EXPRESSIONS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def test_dashboard_is_todays():
    assert FILE.read_text(encoding="utf-8") == grafana_dashboard.text(), "run: make docs"


def test_schema_is_that_of_the_pinned_grafana():
    assert BOARD["schemaVersion"] == Dashboard().schema_version == grafana_dashboard.SCHEMA


def test_schema_knows_everything_in_the_dashboard():
    """What the models of the schema do not know would be lost."""
    known = Dashboard.from_json(BOARD)
    assert json.loads(JSONEncoder(sort_keys=True).encode(known)) == BOARD


def test_panels_fill_rows_without_overlap():
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for place in [panel["gridPos"]]
        for x, y in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        )
    ]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_queries_read_metrics_and_events_that_exist(tmp_path: Path):
    registry = CollectorRegistry()
    PrometheusHook(registry)
    with SqlStores(f"sqlite:///{tmp_path}/mail.db") as stores:
        registry.register(FeedbackCollector(stores))
        registry.register(OutboxCollector(stores.outbox))
        names = {name for metrics in registry._collector_to_names.values() for name in metrics}
    used = {name for one in EXPRESSIONS for name in re.findall(r"mailstack_\w+", one)}
    assert used <= names
    assert {name for one in EXPRESSIONS for name in re.findall(r'event="(\w+)"', one)} <= set(NAMES)
    assert all(panel["description"] for panel in BOARD["panels"])
