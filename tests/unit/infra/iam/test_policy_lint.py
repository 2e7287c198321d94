"""Every policy document of every environment and option, through a linter that nobody here wrote."""

import json
from typing import Any

import pytest

from tests.unit.infra.lint import Finding, lint, lint_trust
from tests.unit.infra.options import ACCESS, MATRIX
from tests.unit.infra.program import Deployment, run

# The only findings that are passed over, each with the reason.
OF_A_KEY = {
    "RESOURCE_STAR": "in a key's own policy `*` is that key; it has no ARN before it is made",
    "PERMISSIONS_MANAGEMENT_ACTIONS": "without kms:PutKeyPolicy nobody could ever change the policy again",
    "MISMATCHED_TYPE": "the encryption context of CloudWatch Logs is an ARN, and AWS documents it so",
}
OF_A_TRUST = {
    "RESOURCE_STAR": "a trust policy has no resource; the linter is given one",
    "CREDENTIALS_EXPOSURE": "to give credentials of the role is what it is for",
}
OF_TOKENS = {
    **OF_A_TRUST,
    "UNKNOWN_FEDERATION_SOURCE": "the linter knows four companies and SAML, and no OpenID Connect provider",
    "UNKNOWN_CONDITION_FOR_ACTION": "nor, therefore, the keys that are called after one",
}


OF_ALARMS = Finding("RESOURCE_STAR", "['cloudwatch:DescribeAlarms']")
"""Passed over: only a grant on every resource shows composite alarms, says AWS's page of DescribeAlarms."""


def findings(deployment: Deployment) -> list[tuple[str, Finding]]:
    found: list[tuple[str, Finding]] = []
    for resource in deployment.aws:
        if isinstance(document := resource.inputs.get("policy"), str):
            muted = OF_A_KEY if resource.token.endswith(":Key") else {}
            found += [(resource.urn, one) for one in lint(document) if one.issue not in muted and one != OF_ALARMS]
        if isinstance(document := resource.inputs.get("assumeRolePolicy"), str):
            muted = OF_TOKENS if "Federated" in document else OF_A_TRUST
            found += [(resource.urn, one) for one in lint_trust(document) if one.issue not in muted]
    return found


@pytest.mark.parametrize(("stack", "changed"), MATRIX, ids=[f"{s}-{'-'.join(c)}" for s, c in MATRIX])
def test_the_public_linter_finds_nothing(stack: str, changed: dict[str, Any]):
    assert findings(run(stack, **changed)) == []


def test_every_finding_that_is_passed_over_is_still_found():
    deployment = run("prod", access=ACCESS)
    key = deployment.one("Key", "key").inputs["policy"]
    assert {finding.issue for finding in lint(key)} == set(OF_A_KEY)
    for role, expected in (("feedback", OF_A_TRUST), ("app-pod", OF_TOKENS)):
        trust = deployment.one("Role", role).inputs["assumeRolePolicy"]
        assert {finding.issue for finding in lint_trust(trust)} == set(expected)


@pytest.mark.parametrize(
    ("changed", "issue"),
    [
        ({"Action": "ses:SendMail"}, "UNKNOWN_ACTION"),
        ({"Action": "ses:*", "Resource": "*"}, "RESOURCE_STAR"),
        ({"Resource": "arn:aws:ses:us-east-1:123456789012:template/hello"}, "RESOURCE_MISMATCH"),
        ({"Condition": {"StringLike": {"ses:FromAdress": "*@example.com"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
    ],
)
def test_the_linter_sees_what_it_is_here_for(changed: dict[str, Any], issue: str):
    allowed = {
        "Effect": "Allow",
        "Action": "ses:SendEmail",
        "Resource": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, **changed}]})
    assert issue in {finding.issue for finding in lint(document)}


# The most that AWS takes, in characters; IAM does not count the white space.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html,
# https://docs.aws.amazon.com/general/latest/gr/sns.html, https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
LONGEST = {
    ("Policy", "policy"): 6_144,
    ("RolePolicy", "policy"): 10_240,
    ("Role", "assumeRolePolicy"): 2_048,
    ("TopicPolicy", "policy"): 30_720,
    ("QueuePolicy", "policy"): 8_192,
    ("Key", "policy"): 32_768,
}


def test_no_policy_exceeds_aws_limits_with_many_streams():
    streams = {f"announcements-no-{number:03}": {} for number in range(5)}
    long: dict[str, Any] = {"domain": f"{'a' * 40}.example.com", "zone": "example.com", "sender": ""}
    deployment = run("prod", region="ap-southeast-3", **long, streams={"transactional": {}, **streams}, access=ACCESS)
    sizes = {
        (resource.urn, key): len("".join(resource.inputs[key].split())) / most
        for (kind, key), most in LONGEST.items()
        for resource in deployment.of(kind)
    }
    assert len(sizes) > 20
    assert {where: size for where, size in sizes.items() if size > 1} == {}
