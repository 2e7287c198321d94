"""Metrics that functions write into their logs: CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from mailstack_localcloud.backend.cloudwatch import CloudWatch


class Embedded(NamedTuple):
    """One metric of a log line."""

    namespace: str
    metric: str
    value: float
    dimensions: Mapping[str, str]


def extract(functions: Any, cloudwatch: CloudWatch) -> None:
    """Have CloudWatch take the metrics out of what functions log, as CloudWatch Logs does."""
    emit = cast("Callable[..., None]", functions._emit_lambda_logs)  # noqa: SLF001

    def emitted(function: object, request_id: str, text: str, *rest: object, **more: object) -> None:
        emit(function, request_id, text, *rest, **more)
        for line in (text or "").splitlines():
            for found in embedded(line):
                cloudwatch.put(found.namespace, found.metric, found.value, found.dimensions)

    functions._emit_lambda_logs = emitted  # noqa: SLF001


def embedded(line: str) -> Iterator[Embedded]:
    """The metrics of a log line; none where it is not in that format."""
    try:
        root: Any = json.loads(line)
    except ValueError:
        return
    if not isinstance(root, dict):
        return
    fields = cast("dict[str, Any]", root)
    about = cast("dict[str, Any]", fields.get("_aws") or {})
    for directive in cast("list[dict[str, Any]]", about.get("CloudWatchMetrics") or []):
        for names in cast("list[list[str]]", directive.get("Dimensions", [[]])):
            dimensions = {name: str(fields[name]) for name in names if name in fields}
            for metric in cast("list[dict[str, str]]", directive.get("Metrics", [])):
                found = fields.get(metric["Name"])
                for value in cast("list[object]", found if isinstance(found, list) else [found]):
                    if isinstance(value, int | float):
                        yield Embedded(directive["Namespace"], metric["Name"], float(value), dimensions)
