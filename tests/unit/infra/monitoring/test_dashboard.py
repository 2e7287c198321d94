"""The dashboard shows every alarm that acts and every stream, and fits on the screen without an overlap."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from mailstack_infra.monitoring.dashboard import COLUMNS
from tests.unit.infra.program import ROOT, run

OPTIONS: list[dict[str, Any]] = [
    {},
    {"streams": {"transactional": {}, "bulk": {"guard": False}}},
    {"watchAccount": False, "region": "eu-south-1"},
]
everywhere = pytest.mark.parametrize("changed", OPTIONS, ids=["plain", "two streams", "no account"])


def widgets(changed: dict[str, Any]) -> list[dict[str, Any]]:
    inputs = run("prod", **changed).one("Dashboard", "dashboard").inputs
    assert inputs["dashboardName"] == "mailstack-prod"
    return json.loads(inputs["dashboardBody"])["widgets"]


@everywhere
def test_widgets_fill_the_screen_and_lie_beside_each_other(changed: dict[str, Any]):
    shown = widgets(changed)
    for widget in shown:
        assert 0 <= widget["x"] < widget["x"] + widget["width"] <= COLUMNS
    for one, other in combinations(shown, 2):
        apart = (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )
        assert apart, (one["properties"]["title"], other["properties"]["title"])


@everywhere
def test_the_first_thing_to_see_is_every_alarm_that_pages(changed: dict[str, Any]):
    deployment = run("prod", **changed)
    first = min(widgets(changed), key=lambda widget: (widget["y"], widget["x"]))
    acting = {
        a.arn for a in deployment.of("MetricAlarm") + deployment.of("CompositeAlarm") if a.inputs.get("okActions")
    }
    assert first["type"] == "alarm"
    assert set(first["properties"]["alarms"]) == acting
    assert len(acting) <= 100, "CloudWatch shows at most a hundred in one widget"


@everywhere
def test_each_stream_shows_its_rates_with_its_own_levels(changed: dict[str, Any]):
    deployment = run("prod", **changed)
    titles = {widget["properties"]["title"]: widget["properties"] for widget in widgets(changed)}
    for stream in deployment.of("ConfigurationSet"):
        rate = titles[f"{stream.name}: bounce rate"]
        assert rate["metrics"] == [
            ["AWS/SES", "Reputation.BounceRate", "ses:configuration-set", f"mailstack-prod-{stream.name}"]
        ]
        assert [line["value"] for line in rate["annotations"]["horizontal"]] == [0.04, 0.08]
        assert rate["region"] == deployment.values.region
    for title in ("Account: share of the daily quota used", "Account: bounce rate", "Account: complaint rate"):
        assert (title in titles) is changed.get("watchAccount", True)


@everywhere
def test_only_metrics_of_what_is_deployed_are_shown(changed: dict[str, Any]):
    deployment = run("prod", **changed)
    names = {r.inputs.get("name") or r.inputs.get("configurationSetName") for r in deployment.aws} | {"prod"}
    for widget in widgets(changed):
        for metric in widget["properties"].get("metrics", []):
            assert metric[3:] == [] or metric[3] in names, metric


def test_runbook_has_a_section_for_every_alarm():
    text = (ROOT / "docs" / "guides" / "monitoring.md").read_text()
    for alarm in run("prod").of("MetricAlarm") + run("prod").of("CompositeAlarm"):
        key = alarm.name.replace("transactional-", "S-")
        for worker in ("feedback", "sending-guard", "account-monitor"):
            kept = key == "account-monitor-silent" or key.endswith("-rule-undelivered")
            key = key if kept else key.replace(f"{worker}-", "W-")
        key = re.sub(r"^.*(?=-rule-undelivered$)", "R", key)
        key = re.sub(r"^(events|paging|guard|pagers|warnings)(?=-undelivered$)", "T", key)
        assert f"`{key}`" in text, alarm.name
