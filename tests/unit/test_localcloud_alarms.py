"""How alarms are judged."""

from typing import Any

import pytest

from localcloud.backend.cloudwatch import Point
from localcloud.watch.alarms import judge, since

NOW = 6_030.0  # half way through the period 100 of 60 seconds


def alarm(**changes: object) -> dict[str, Any]:
    return {
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
        ({"EvaluationPeriods": 2}, {0: 9}, "ALARM"),
        ({"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}, {1: 9, 0: 1}, "OK"),
        ({"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}, {3: 9}, "OK"),
        ({"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}, {5: 9}, "ALARM"),
        ({"Statistic": "Maximum", "Threshold": 0.05, "ComparisonOperator": "GreaterThanThreshold"}, {0: 0.06}, "ALARM"),
    ],
)
def test_an_alarm_is_judged_by_periods_and_missing_data(
    changes: dict[str, object], values: dict[int, float], state: str | None
):
    verdict = judge(alarm(**changes), points(values), NOW)
    assert (verdict and verdict.state) == state


@pytest.mark.parametrize(
    ("needed", "row", "states"),
    [
        (3, "0-X-X", ("OK", "OK", "OK", "OK")),
        (3, "----0", ("OK", "OK", "OK", "OK")),
        (3, "-----", ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        (3, "0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "--X--", ("ALARM", None, "ALARM", "OK")),
        (2, "0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0-X--", ("OK", "OK", "ALARM", "OK")),
        (2, "----0", ("OK", "OK", "ALARM", "OK")),
        (2, "----X", ("ALARM", None, "ALARM", "OK")),
    ],
)
@pytest.mark.parametrize(("at", "treatment"), [*enumerate(("missing", "ignore", "breaching", "notBreaching"))])
def test_the_tables_of_aws_hold(needed: int, row: str, states: tuple[str | None, ...], at: int, treatment: str):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html.

    Of three periods as many must breach (X) as needed; None is "retain current state". The running period is not shown.
    """
    values = {len(row) - place: 9.0 if one == "X" else 1.0 for place, one in enumerate(row) if one != "-"}
    judged = alarm(EvaluationPeriods=3, DatapointsToAlarm=needed, TreatMissingData=treatment)
    verdict = judge(judged, points(values), NOW)
    assert (verdict and verdict.state) == states[at]


def test_points_of_one_period_are_one_datapoint():
    verdict = judge(alarm(), points({0: 2}) + points({0: 3}), NOW)
    assert verdict
    assert verdict.state == "ALARM"
    assert verdict.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [5] was greater than or equal to the threshold (5)."
    )


def test_an_alarm_asks_for_no_more_data_than_it_judges():
    assert since(alarm(EvaluationPeriods=2), NOW) == 6_000 - 4 * 60
