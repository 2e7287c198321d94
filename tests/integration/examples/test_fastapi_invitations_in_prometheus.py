"""What Prometheus and Grafana see of the example of FastAPI: a real Prometheus evaluates each panel's expressions."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from mailstack_localcloud import LocalCloud
from tests.integration.examples.invitations_site import site_on
from tests.prometheus import running
from tests.system import require_tool
from tests.waiting import eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "examples" / "fastapi_invitations"
RULES = [ROOT / "docs" / "reference" / f"{name}-alerts.yaml" for name in ("outbox", "feedback")]
ADA = "ada@example.com"


def expressions() -> list[str]:
    board = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_prometheus_evaluates_each_panel(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with (
        site_on(cloud, tmp_path, monkeypatch) as site,
        site.person(ADA),
        running(tmp_path, f"127.0.0.1:{site.port}", RULES) as prometheus,
    ):
        sent = 'sum(mailstack_messages_total{status="sent"})'
        eventually(lambda: prometheus.value(sent) == 1, "Prometheus does not see the mail")
        assert prometheus.value('mailstack_outbox_mails{status="dead"}') == 0
        for expression in expressions():
            prometheus.api("query", query=expression)  # raises for one that is not valid
        names = {name for one in expressions() for name in re.findall(r"mailstack_\w+", one)}
        known = set(prometheus.api("label/__name__/values"))
        # The reputation needs events of SES, which this test has not subscribed to.
        assert names - known <= {"mailstack_feedback_recipients"}


def test_panels_do_not_overlap():
    board = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    places = [panel["gridPos"] for panel in board["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_configuration_of_prometheus_is_valid():
    command = [require_tool("promtool"), "check", "config", "prometheus.yml"]
    checked = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_summary_needs_the_key(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with site_on(cloud, tmp_path, monkeypatch) as site:
        url = f"{site.url}/mail/metrics/email/summary"
        assert httpx.get(url).status_code == 401
        key = {"authorization": f"Bearer {site.variables['MAILSTACK_METRICS_KEYS']}"}
        assert "days" in httpx.get(url, headers=key).json()
