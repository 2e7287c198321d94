"""CloudWatch's limits on dashboards, which ministack lacks: widgets, alarms and metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

_Answer = tuple[int, dict[str, str], bytes]
MOST_WIDGETS, MOST_ALARMS, MOST_METRICS, MOST_METRICS_IN_ALL = 500, 100, 500, 2500


def limit_dashboards(module: Any) -> None:
    """Refuse dashboards that CloudWatch refuses, with its words."""
    put = cast("Callable[..., _Answer]", module._put_dashboard)  # noqa: SLF001

    def put_valid(params: Mapping[str, list[str]], data: Mapping[str, Any], is_cbor: bool, is_json: bool) -> _Answer:
        body = data.get("DashboardBody") if is_cbor or is_json else params.get("DashboardBody", [""])[0]
        problem = refusal(str(body or ""))
        if problem:
            return module._error("InvalidParameterInput", problem, 400, use_json=is_json, use_cbor=is_cbor)  # noqa: SLF001
        return put(params, data, is_cbor, is_json)

    module._put_dashboard = put_valid  # noqa: SLF001


def refusal(body: str) -> str:
    """Why a dashboard is refused; empty if it is not. The texts are those of public reports."""
    try:
        whole = cast("object", json.loads(body))
    except ValueError:
        whole = None
    if not isinstance(whole, dict):
        return "The field DashboardBody must be a valid JSON object"
    widgets = cast("dict[str, Any]", whole).get("widgets")
    is_list = isinstance(widgets, list)
    found = [*_problems(cast("list[Any]", widgets))] if is_list else [("/widgets", "Should be array")]
    listed = json.dumps([{"dataPath": path, "message": message} for path, message in found], indent=2)
    return f"The dashboard body is invalid, there are {len(found)} validation errors:\n{listed}" if found else ""


def _problems(widgets: list[Any]) -> Iterator[tuple[str, str]]:
    if len(widgets) > MOST_WIDGETS:
        yield "/widgets", f"Should NOT have more than {MOST_WIDGETS} items"
    metrics_in_all = 0
    for number, widget in enumerate(widgets):
        properties = cast("dict[str, Any]", widget).get("properties") if isinstance(widget, dict) else None
        known = cast("dict[str, Any]", properties) if isinstance(properties, dict) else {}
        path = f"/widgets/{number}/properties"
        if known.get("alarms") == []:
            yield f"{path}/alarms", "Should NOT have less than 1 items"
        for name, most in (("alarms", MOST_ALARMS), ("metrics", MOST_METRICS)):
            if _length(known.get(name)) > most:
                yield f"{path}/{name}", f"Should NOT have more than {most} items"
        metrics_in_all += _length(known.get("metrics"))
    if metrics_in_all > MOST_METRICS_IN_ALL:
        yield "/widgets", f"Should NOT have more than {MOST_METRICS_IN_ALL} metrics"


def _length(value: object) -> int:
    return len(cast("list[object]", value)) if isinstance(value, list) else 0
