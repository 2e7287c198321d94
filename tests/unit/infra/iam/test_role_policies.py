"""Policies of roles and services name only the stack's own resources."""

import json
from fnmatch import fnmatchcase
from typing import Any

from tests.unit.infra.options import KEPT_BY, everywhere, listed, policy_documents
from tests.unit.infra.program import run

# Actions that AWS lets nobody narrow to a resource: https://docs.aws.amazon.com/service-authorization/latest/reference/.
WITHOUT_RESOURCE = {"ses:GetAccount", "cloudwatch:PutMetricData", "cloudwatch:DescribeAlarms"} | {
    f"cloudwatch:Get{what}" for what in ("MetricData", "MetricStatistics", "MetricWidgetImage")
}


@everywhere
def test_no_policy_names_a_star(stack: str, changed: dict[str, Any]):
    statements = policy_documents(run(stack, **changed))
    assert len(statements) >= 10
    for urn, statement in statements:
        actions, resources = listed(statement["Action"]), listed(statement.get("Resource", []))
        assert not [action for action in actions if "*" in action], urn
        if ":Key::" in urn:  # in a key's own policy it is the key
            assert resources == ["*"], urn
            continue
        if set(actions) <= WITHOUT_RESOURCE:
            assert resources == ["*"], urn
            continue
        assert "*" not in resources, urn
        assert all(resource.startswith("arn:aws:") for resource in resources), urn


@everywhere
def test_policies_of_roles_name_what_the_stack_makes(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    made = {resource.arn for resource in deployment.aws}
    for role_policy in deployment.of("RolePolicy"):
        for statement in json.loads(role_policy.inputs["policy"])["Statement"]:
            for arn in listed(statement["Resource"]):
                pattern = arn.removesuffix(":*")
                assert any(fnmatchcase(known, pattern) for known in (*made, KEPT_BY, "*")), arn


@everywhere
def test_policies_for_services_name_the_source(stack: str, changed: dict[str, Any]):
    for urn, statement in policy_documents(run(stack, **changed)):
        service = statement.get("Principal", {}).get("Service")
        # These two tell nothing of themselves; a role of ours is taken for nobody else's channel or instance.
        if service and service not in {"ec2.amazonaws.com", "chatbot.amazonaws.com"}:
            conditions = {key.lower() for tests in statement["Condition"].values() for key in tests}
            assert conditions & {"aws:sourcearn", "aws:sourceaccount", "kms:encryptioncontext:aws:logs:arn"}, urn
