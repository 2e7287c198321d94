"""Evaluation of alarms."""

from typing import Any

import pytest

from mailstack_localcloud.backend.cloudwatch import Point
from mailstack_localcloud.watch.alarms import Verdict, can_judge, computed, datapoints, judge, since
from mailstack_localcloud.watch.arithmetic import ExpressionError, Grid, Value, evaluate

NOW = 6_030.0  # half way through the period 100 of 60 seconds


def alarm(**changes: object) -> dict[str, Any]:
    return {
        "Namespace": "App",
        "MetricName": "errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        **changes,
    }


def points(values: dict[int, float]) -> list[Point]:
    return [Point(NOW - age * 60, 1, value, value, value) for age, value in values.items()]


def judged(alarm: dict[str, Any], points: list[Point]) -> Verdict | None:
    assert can_judge(alarm)
    return judge(alarm, datapoints(alarm, {"": points}, NOW), NOW)


@pytest.mark.parametrize(
    ("changes", "values", "state"),
    [
        ({}, {0: 5}, "ALARM"),
        ({}, {0: 4}, "OK"),
        ({}, {1: 9, 0: 1}, "ALARM"),
        ({}, {2: 9, 1: 1, 0: 1}, "OK"),
        ({}, {}, "INSUFFICIENT_DATA"),
        ({}, {60: 9}, "INSUFFICIENT_DATA"),
        ({"TreatMissingData": "notBreaching"}, {}, "OK"),
        ({"TreatMissingData": "breaching"}, {}, "ALARM"),
        ({"TreatMissingData": "ignore"}, {}, None),
        ({"TreatMissingData": "ignore"}, {0: 9}, "ALARM"),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, {2: 9, 1: 1, 0: 9}, "ALARM"),
        ({"EvaluationPeriods": 3}, {2: 9, 1: 1, 0: 9}, "OK"),
        ({"EvaluationPeriods": 2, "TreatMissingData": "notBreaching"}, {0: 9}, "OK"),
        ({"EvaluationPeriods": 2, "TreatMissingData": "breaching"}, {0: 9}, "ALARM"),
        ({"EvaluationPeriods": 2, "TreatMissingData": "ignore"}, {0: 9}, None),
        ({"EvaluationPeriods": 2}, {0: 9}, "OK"),
        ({"EvaluationPeriods": 2}, {1: 9}, "OK"),
        ({"EvaluationPeriods": 2}, {2: 9}, "ALARM"),
        ({"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}, {1: 9, 0: 1}, "OK"),
        ({"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}, {3: 9}, "OK"),
        ({"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}, {5: 9}, "ALARM"),
        ({"Statistic": "Maximum", "Threshold": 0.05, "ComparisonOperator": "GreaterThanThreshold"}, {0: 0.06}, "ALARM"),
    ],
)
def test_an_alarm_is_judged_by_periods_and_missing_data(
    changes: dict[str, object], values: dict[int, float], state: str | None
):
    verdict = judged(alarm(**changes), points(values))
    assert (verdict and verdict.state) == state


@pytest.mark.parametrize(
    ("needed", "row", "states"),
    [
        (3, "0-X-X", ("OK", "OK", "OK", "OK")),
        (3, "0----", ("OK", "OK", "OK", "OK")),
        (3, "-----", ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        (3, "0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "--X--", ("ALARM", None, "ALARM", "OK")),
        (2, "0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0-X--", ("OK", "OK", "ALARM", "OK")),
        (2, "----0", ("OK", "OK", "ALARM", "OK")),
        (2, "---X-", ("ALARM", None, "ALARM", "OK")),
        # "Avoiding premature transitions to alarm state"
        (3, "----X", ("OK", None, "ALARM", "OK")),
        (3, "---X-", ("OK", None, "ALARM", "OK")),
        (3, "--X-0", ("OK", "OK", "OK", "OK")),
        (2, "----X", ("OK", None, "ALARM", "OK")),
        (2, "X----", ("ALARM", None, "ALARM", "OK")),
    ],
)
@pytest.mark.parametrize(("at", "treatment"), [*enumerate(("missing", "ignore", "breaching", "notBreaching"))])
def test_the_tables_of_aws_hold(needed: int, row: str, states: tuple[str | None, ...], at: int, treatment: str):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html.

    Of three periods as many must breach (X) as needed; None is "retain current state". The running period is not shown.
    """
    values = {len(row) - place: 9.0 if one == "X" else 1.0 for place, one in enumerate(row) if one != "-"}
    its = alarm(EvaluationPeriods=3, DatapointsToAlarm=needed, TreatMissingData=treatment)
    verdict = judged(its, points(values))
    assert (verdict and verdict.state) == states[at]


def test_points_of_one_period_are_one_datapoint():
    verdict = judged(alarm(), points({0: 2}) + points({0: 3}))
    assert verdict
    assert verdict.state == "ALARM"
    assert verdict.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [5] was greater than or equal to the threshold (5)."
    )


def test_an_alarm_asks_for_no_more_data_than_it_judges():
    assert since(alarm(EvaluationPeriods=2), NOW) == 6_000 - 4 * 60


@pytest.mark.parametrize("treatment", ["missing", "ignore", "breaching", "notBreaching"])
@pytest.mark.parametrize(("age", "value"), [(1, 9), (2, 9), (3, 9), (1, 1), (3, 1)])
def test_while_a_real_point_lies_in_the_range_none_is_assumed(treatment: str, age: int, value: float):
    verdict = judged(alarm(TreatMissingData=treatment), points({age: value}))
    assert verdict
    assert verdict.state == ("ALARM" if value > 5 else "OK")


# --- Metric math -----------------------------------------------------------------------------------------------------

GRID = Grid(range(5), 60)
# "-" is no value: the examples of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
METRICS = {
    "metric1": "30 20 0 0 -",
    "metric2": "20 - 20 - -",
    "flags": "1 1 0 0 -",
    "yes": "30 - 0 0 30",
    "no": "0 0 20 - 20",
    "gaps": "- 1 - 3 -",
    "none": "- - - - -",
}


def series(text: str) -> dict[int, float]:
    return {at: float(one) for at, one in enumerate(text.split()) if one != "-"}


def math(expression: str) -> Value:
    return evaluate(expression, {name: series(text) for name, text in METRICS.items()}, {}, GRID)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("metric1 < metric2", "0 0 1 0 -"),
        ("metric1 >= 30", "1 0 0 0 -"),
        ("(metric1 > 15 AND metric2 > 15)", "1 0 0 0 -"),
        ("metric1 > 15 && metric2 > 15 || metric1 == 0", "1 0 1 1 -"),
        ("IF(flags, yes, no)", "30 0 20 - -"),
        ("IF(flags, 5, no)", "5 5 20 - -"),
        ("IF(flags, yes, 5)", "30 0 5 5 -"),
        ("IF(metric1 < 25, metric1)", "- 20 0 0 -"),
        ("IF(1, yes, no)", "30 - 0 0 30"),
        ("IF(0, yes)", "- - - - -"),
        ("metric1 + metric2", "50 20 20 0 -"),
        ("metric1 - 2 * metric2", "-10 20 -40 0 -"),
        ("(metric1 - 2) * metric2", "560 0 -40 0 -"),
        ("metric1 / metric2", "1.5 - 0 - -"),
        ("100 * metric1 / FILL(metric2, 1)", "150 2000 0 0 0"),
        ("-metric1 ^ 2", "-900 -400 0 0 -"),
        ("2 ^ 3 ^ 2 * metric1", "15360 10240 0 0 -"),
        ("FILL(gaps, 0)", "0 1 0 3 0"),
        ("FILL(none, 7)", "7 7 7 7 7"),
        ("FILL(gaps, REPEAT)", "- 1 1 3 3"),
        ("FILL(gaps, LINEAR)", "- 1 2 3 -"),
        ("FILL(gaps, yes)", "30 1 0 3 30"),
        ("FILL(gaps, MIN(gaps))", "1 1 1 3 1"),
        ("SUM([metric1, metric2])", "50 20 20 0 -"),
        ("SUM(METRICS('metric'))", "50 20 20 0 -"),
        ("AVG([metric1, metric2])", "25 10 10 0 -"),
        ("MIN([metric1, metric2])", "20 20 0 0 -"),
        ("MAX([metric1, metric2])", "30 20 20 0 -"),
        ("METRIC_COUNT([metric1, metric2]) * metric1", "60 40 0 0 -"),
        ("DATAPOINT_COUNT([metric1, metric2])", "2 1 2 1 -"),
        ("metric1 / PERIOD(metric1) * 60", "30 20 0 0 -"),
        ("metric1 - AVG(metric1)", "17.5 7.5 -12.5 -12.5 -"),
        ("ABS(0 - metric1)", "30 20 0 0 -"),
        ("CEIL(metric1 / 7)", "5 3 0 0 -"),
        ("FLOOR(metric1 / 7)", "4 2 0 0 -"),
        ("LOG10(metric1 * 0 + 100)", "2 2 2 2 -"),
        ("LOG(metric1) * 0", "0 0 - - -"),
        ("DIFF(metric1)", "- -10 -20 0 -"),
        ("DIFF(gaps)", "- - - 2 -"),
        ("RATE(gaps) * 60", "- - - 1 -"),
        ("RUNNING_SUM(metric1)", "30 50 50 50 -"),
        ("FIRST(SORT([metric2, metric1], SUM, DESC))", "30 20 0 0 -"),
        ("LAST(SLICE([metric1, metric2, yes], 0, 2))", "20 - 20 - -"),
        ("FIRST(REMOVE_EMPTY([none, gaps]))", "- 1 - 3 -"),
        ("TIME_SERIES(MAX(metric1))", "30 30 30 30 30"),
        ("MINUTE(gaps)", "0 1 2 3 4"),
        ("EPOCH(gaps) / 60", "0 1 2 3 4"),
        ("1e1*metric1+.5", "300.5 200.5 0.5 0.5 -"),
    ],
)
def test_metric_math_computes_what_aws_documents(expression: str, result: str):
    assert math(expression) == pytest.approx(series(result))


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "",
            "metric1 +",
            "(metric1",
            "[metric1",
            "metric1 metric2",
            "metric9",
            "SUM()",
            "sum(metric1)",
            "NOPE(metric1)",
        ),
        *("metric1 ? 1", "FILL(metric1)", "SEARCH('{AWS/SES} Send', 'Sum', 60)", "IF(metric1)", "1/0 * metric1"),
        *("METRICS() + [metric1]", '"text"', "FIRST([])", "LOG(0) * metric1", "(" * 5000, "-" * 2000 + "metric1"),
    ],
)
def test_invalid_expression_is_an_expression_error(expression: str):
    with pytest.raises(ExpressionError):
        math(expression)


def queries(expression: str, *more: dict[str, Any]) -> list[dict[str, Any]]:
    def stat(name: str) -> dict[str, Any]:
        metric = {"Namespace": "AWS/SES", "MetricName": name, "Dimensions": []}
        return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    returned = {"Id": "result", "Expression": expression, "ReturnData": True}
    return [stat("bounces"), stat("sends"), *more, returned]


@pytest.mark.parametrize(
    ("expression", "bounces", "sends", "state"),
    [
        ("100 * bounces / sends", {1: 6}, {1: 100}, "ALARM"),
        ("100 * bounces / sends", {1: 4}, {1: 100}, "OK"),
        ("100 * bounces / sends", {}, {}, "INSUFFICIENT_DATA"),
        ("IF(sends >= 100, 100 * bounces / sends, 0)", {1: 6}, {1: 10}, "OK"),
        ("FILL(bounces, 0)", {2: 9}, {}, "OK"),
        ("bounces", {2: 9}, {}, "ALARM"),
        ("FILL(bounces, 9)", {}, {}, "ALARM"),
        ("bounces + sends", {0: 9}, {}, "INSUFFICIENT_DATA"),
        ("SUM(METRICS())", {1: 3}, {1: 3}, "ALARM"),
    ],
)
def test_an_alarm_on_an_expression_is_judged_by_its_result(
    expression: str, bounces: dict[int, float], sends: dict[int, float], state: str
):
    its = alarm(Metrics=queries(expression))
    found = datapoints(its, {"bounces": points(bounces), "sends": points(sends)}, NOW)
    verdict = judge(its, found, NOW)
    assert verdict
    assert verdict.state == state


def test_expressions_use_each_other_in_any_order():
    known = {"bounces": series("1 2"), "sends": series("10 10")}
    rate = {"Id": "rate", "Expression": "bounces / sends", "ReturnData": False}
    assert computed([*queries("100 * rate", rate)], known, GRID) == {0: 10, 1: 20}
    assert computed([queries("100 * rate")[-1], *queries("1", rate)[:-1]], known, GRID) == {0: 10, 1: 20}
    with pytest.raises(ExpressionError, match="refer to each other in a cycle"):
        computed(queries("rate", {**rate, "Expression": "result"}), known, GRID)
