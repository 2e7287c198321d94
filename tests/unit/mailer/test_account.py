"""What the account monitor publishes, for accounts in every condition."""

from typing import Any, cast

import pytest

from mailer.functions.account import measure


def metrics(**changed: Any) -> dict[str, float | None]:
    quota = {"Max24HourSend": 50_000.0, "SentLast24Hours": 12_500.0, "MaxSendRate": 14.0, **changed.pop("quota", {})}
    healthy = {"EnforcementStatus": "HEALTHY", "ProductionAccessEnabled": True, "SendingEnabled": True}
    account = cast("Any", {**healthy, "SendQuota": quota, **changed})
    data = measure(account, "prod")
    assert [datum.get("Dimensions") for datum in data] == [[{"Name": "Stack", "Value": "prod"}]] * len(data)
    return {datum["MetricName"]: datum.get("Value") for datum in data}


def test_a_healthy_account():
    assert metrics() == {
        "QuotaUsed": 0.25,
        "SentLast24Hours": 12_500,
        "Max24HourSend": 50_000,
        "MaxSendRate": 14,
        "Sandbox": 0,
        "SendingDisabled": 0,
        "Enforcement": 0,
    }


@pytest.mark.parametrize(
    ("changed", "metric", "value"),
    [
        ({"ProductionAccessEnabled": False}, "Sandbox", 1),
        ({"SendingEnabled": False}, "SendingDisabled", 1),
        ({"EnforcementStatus": "PROBATION"}, "Enforcement", 1),
        ({"EnforcementStatus": "SHUTDOWN"}, "Enforcement", 2),
        ({"EnforcementStatus": "SOMETHING_NEW"}, "Enforcement", 2),
        ({"quota": {"Max24HourSend": -1.0}}, "QuotaUsed", 0),
        ({"quota": {"Max24HourSend": 0.0}}, "QuotaUsed", 1),
    ],
)
def test_account_problems_are_shown(changed: dict[str, Any], metric: str, value: float):
    assert metrics(**changed)[metric] == value
