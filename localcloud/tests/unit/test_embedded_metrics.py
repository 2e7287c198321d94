"""Metrics in log lines (embedded metric format)."""

import json
from typing import Any

import pytest

from mailstack_localcloud.backend.embedded_metrics import Embedded, embedded

# As in the specification's example, shortened.
DIRECTIVE: dict[str, Any] = {
    "Namespace": "lambda-function-metrics",
    "Dimensions": [["functionVersion"]],
    "Metrics": [{"Name": "time", "Unit": "Milliseconds"}],
}
LINE: dict[str, Any] = {
    "_aws": {"Timestamp": 1574109732004, "CloudWatchMetrics": [DIRECTIVE]},
    "functionVersion": "$LATEST",
    "time": 100,
    "requestId": "989ffbf8",
}
FOUND = Embedded("lambda-function-metrics", "time", 100.0, {"functionVersion": "$LATEST"})


def line(**changed: Any) -> str:
    return json.dumps({**LINE, **changed})


def test_a_metric_is_read_with_its_dimensions():
    assert list(embedded(line())) == [FOUND]


def test_each_value_of_a_list_counts():
    assert [one.value for one in embedded(line(time=[1, 2.5]))] == [1.0, 2.5]


def test_each_set_of_dimensions_is_a_metric():
    both = {**DIRECTIVE, "Dimensions": [["functionVersion"], []]}
    found = list(embedded(line(_aws={"CloudWatchMetrics": [both]})))
    assert [one.dimensions for one in found] == [{"functionVersion": "$LATEST"}, {}]


@pytest.mark.parametrize(
    "text", ["", "START RequestId: 1", "[]", "1", '{"time": 1}', '{"_aws": {}}', line(time="fast")]
)
def test_other_lines_hold_no_metric(text: str):
    assert list(embedded(text)) == []
