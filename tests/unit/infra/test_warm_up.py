"""The plan of a new domain in the outputs, where the library finds it."""

from datetime import date
from typing import Any

from mailer.stack import StackOutputs, WarmUp
from tests.unit.infra.program import run

PLAN: dict[str, Any] = {"warmUp": {"starts": "2026-12-01", "first": 100}}


def test_plan_is_in_the_outputs():
    assert run("prod").values.warm_up is None
    deployment = run("prod", **PLAN)
    assert deployment.values.warm_up == WarmUp(starts=date(2026, 12, 1), first=100)
    parameter = deployment.one("Parameter", "outputs").inputs["insecureValue"]
    assert StackOutputs.from_json(parameter, source="the parameter").warm_up == deployment.values.warm_up
