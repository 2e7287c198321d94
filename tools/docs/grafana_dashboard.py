"""Writes docs/reference/grafana-dashboard.json: bounces, complaints and suppressions of `mailer.FeedbackCollector`.

The library's version in pyproject.toml pins Grafana's version, and so the schema: `SCHEMA`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.units import PercentUnit, Short

from mailer.reports.numbers import BOUNCES, COMPLAINTS, Limit

# The version of the dashboard's schema in Grafana 11.6.
SCHEMA = 41
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
# Of 24 columns; rows have 30 pixels each.
_QUARTER, _HALF, _LOW, _HIGH = 6, 12, 5, 8
_COUNTED = "Recipients of events in the message log, in the collector's window. SES's own metrics count differently."
_SHARED = 'mailstack_feedback_recipients{event="%s", stream=~"$stream"}'

Query = tuple[str, str]


def main(path: str) -> None:
    """Write the file."""
    Path(path).write_text(text(), encoding="utf-8")


def text() -> str:
    """The dashboard as JSON."""
    return JSONEncoder(sort_keys=True, indent=2).encode(built().build()) + "\n"


def built() -> dashboard.Dashboard:
    """The dashboard."""
    board = (
        dashboard.Dashboard("Mail")
        .uid("mailstack-mail")
        .description("Sends, bounces, complaints and suppressions, with the limits of Amazon SES.")
        .tags(["mail", "mailstack"])
        .editable()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("1m")
        .time("now-7d", "now")
        .timezone("utc")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_streams())
    )
    for number, panel in enumerate((*_numbers(), *_charts()), start=1):
        board = board.with_panel(panel.id(number))
    return board


def _streams() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("stream")
        .label("Stream")
        .datasource(SOURCE)
        .query("label_values(mailstack_feedback_recipients, stream)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
    )


def _numbers() -> Sequence[stat.Panel]:
    plain = [Threshold(None, "blue")]
    return (
        _number("Sends", _total("sends"), Short, plain, _COUNTED),
        _number("Bounce rate", _share("hard_bounces"), PercentUnit, _steps(BOUNCES), _limits(BOUNCES)),
        _number("Complaint rate", _share("complaints"), PercentUnit, _steps(COMPLAINTS), _limits(COMPLAINTS)),
        _number(
            "Suppressed addresses",
            "sum(max by (reason) (mailstack_suppressions))",
            Short,
            plain,
            "The suppression list now; it is not the list of the SES account.",
        ),
    )


def _charts() -> Sequence[timeseries.Panel]:
    return (
        _rate("Bounce rate by stream", "hard_bounces", BOUNCES),
        _rate("Complaint rate by stream", "complaints", COMPLAINTS),
        _chart(
            "Recipients by event",
            [
                (
                    'sum by (event) (max by (stream, event) (mailstack_feedback_recipients{stream=~"$stream"}))',
                    "{{event}}",
                )
            ],
            Short,
            _COUNTED,
        ),
        _chart(
            "Suppressed addresses by reason",
            [("max by (reason) (mailstack_suppressions)", "{{reason}}")],
            Short,
            "The suppression list; it is not the list of the SES account.",
        ),
        _chart(
            "Messages of applications, by status",
            [("sum by (status) (rate(mailstack_messages_total[$__rate_interval]))", "{{status}}")],
            "reqps",
            "What `PrometheusHook` counts: each message that an application sends.",
        ),
        _chart(
            "Outbox",
            [
                ("max(mailstack_outbox_due)", "due"),
                ('max(mailstack_outbox_mails{status="dead"})', "dead letters"),
                ('max(mailstack_outbox_mails{status="unknown"})', "unknown"),
            ],
            Short,
            "What `OutboxCollector` counts.",
        ),
    )


def _rate(title: str, event: str, limit: Limit) -> timeseries.Panel:
    """A chart with a line at each of AWS's limits."""
    lines = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    panel = _chart(title, [_by_stream(event)], PercentUnit, _limits(limit))
    return panel.thresholds(_thresholds(_steps(limit))).thresholds_style(lines)


def _total(event: str) -> str:
    return f"sum(max by (stream) ({_SHARED % event}))"


def _share(event: str) -> str:
    return f"{_total(event)} / ({_total('sends')} > 0)"


def _by_stream(event: str) -> Query:
    return f"max by (stream) ({_SHARED % event}) / (max by (stream) ({_SHARED % 'sends'}) > 0)", "{{stream}}"


def _limits(limit: Limit) -> str:
    return f"AWS reviews an account at {limit.review:.1%} and may pause it at {limit.pause:.1%}. {_COUNTED}"


def _steps(limit: Limit) -> list[Threshold]:
    return [Threshold(None, "green"), Threshold(limit.review, "orange"), Threshold(limit.pause, "red")]


def _thresholds(steps: list[Threshold]) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _number(title: str, expression: str, unit: str, steps: list[Threshold], words: str) -> stat.Panel:
    panel = stat.Panel().title(title).description(words).datasource(SOURCE).unit(unit)
    panel = panel.thresholds(_thresholds(steps)).height(_LOW).span(_QUARTER)
    return panel.with_target(_target((expression, ""), 0))


def _chart(title: str, queries: Sequence[Query], unit: str, words: str) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).description(words).datasource(SOURCE).unit(unit).min(0)
    panel = panel.height(_HIGH).span(_HALF)
    for number, query in enumerate(queries):
        panel = panel.with_target(_target(query, number))
    return panel


def _target(query: Query, number: int) -> prometheus.Dataquery:
    expression, legend = query
    return (
        prometheus.Dataquery().datasource(SOURCE).expr(expression).legend_format(legend).ref_id(chr(ord("A") + number))
    )


if __name__ == "__main__":
    main(sys.argv[1])
