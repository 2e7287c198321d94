"""The policies for deployment: complete for the program, understood by IAM, and as docs/ shows them."""

import ast
import fnmatch
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from tests.unit.infra.lint import lint
from tests.unit.infra.options import MATRIX, USED
from tests.unit.infra.program import ROOT, run
from tools.docs.deploy_policy import CALLS, LONGEST, policies, size, write

DOCUMENTS = [json.loads(policy) for policy in policies()]
STATEMENTS = [statement for document in DOCUMENTS for statement in document["Statement"]]
ALLOWED = {action for statement in STATEMENTS for action in statement["Action"]}
PLUGIN = ROOT / "localcloud" / "src" / "mailstack_localcloud" / "pulumi" / "provider" / "resources"
# The plugin's clients: their names in botocore, and IAM's prefix where it differs.
CLIENTS = {"awslambda": ("lambda", "lambda"), "ses": ("sesv2", "ses")}
# What the plugin asks for types and arguments that the program does not use.
UNUSED = (
    "ses:*ContactList",
    "ses:*EmailIdentityPolic*",
    "iam:*PermissionsBoundary",
    "iam:RemoveUserFromGroup",
    "iam:ListOpenIDConnectProvider*",
    "lambda:*Permission",
    "lambda:GetPolicy",
    "route53:*Tags*",
    "route53:*HostedZone*",
    "secretsmanager:*ResourcePolicy",
)
# The only findings that are passed over, each with the reason.
EXPECTED = {
    "CREDENTIALS_EXPOSURE": "an SMTP user has an access key, which the deployment makes",
    "PERMISSIONS_MANAGEMENT_ACTIONS": "roles, policies and a key are made and changed",
    "PRIVILEGE_ESCALATION": "who makes roles and policies can do what those may: docs/guides/access.md says so",
    "RESOURCE_STAR": "DescribeAlarms shows composite alarms only to a grant on all alarms",
    "UNKNOWN_ACTION": "the linter is older than SES's tenants; botocore knows them",
    "RESOURCE_MISMATCH": "the linter mixes up SES v2 with Pinpoint Email, of the same prefix",
}


@pytest.mark.parametrize(("stack", "changed"), MATRIX, ids=[f"{s}-{'-'.join(c)}" for s, c in MATRIX])
def test_registered_types_and_functions_are_covered(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    assert {resource.token for resource in deployment.aws} <= CALLS.keys()
    assert {token for token, _ in deployment.asked if token.startswith("aws:")} <= CALLS.keys()


def test_every_resource_type_of_the_source_is_covered():
    source = "".join(file.read_text() for file in (ROOT / "infra" / "mailstack_infra").rglob("*.py"))
    named = set(re.findall(r"\baws\.(\w+?)_?\.([A-Z]\w+)\(", source))
    types = {f"{module}.{kind}" for module, kind in named if not kind.endswith("Args")}
    covered = {name.partition(":")[2].partition("/")[0] + f".{name.rpartition(':')[2]}" for name in CALLS}
    assert types <= covered
    assert {name for name in CALLS if ":get" not in name} == USED


def test_each_policy_is_of_a_size_that_iam_takes():
    sizes = [size(policy) for policy in policies()]
    assert len(sizes) <= 10  # that one role may have
    assert {each for each in sizes if each > LONGEST} == set()
    (small,) = policies(["aws:sns/topic:Topic"])
    assert size(small) < size(policies()[0])


@pytest.mark.parametrize("action", sorted(ALLOWED))
def test_every_action_is_one_of_the_services(action: str):
    problems = {finding.issue for finding in lint(json.dumps(one_statement([action])))}
    if "UNKNOWN_ACTION" in problems:
        assert action in {f"ses:{name}" for name in operations_of("sesv2")}


def test_policy_linter_reports_only_what_deploying_needs():
    found = {finding for policy in policies() for finding in lint(policy)}
    assert {finding.issue for finding in found} == set(EXPECTED)
    stars = [finding.detail for finding in found if finding.issue == "RESOURCE_STAR"]
    assert stars == ["['cloudwatch:DescribeAlarms']"]
    mixed_up = " ".join(finding.detail for finding in found if finding.issue == "RESOURCE_MISMATCH")
    assert {action.partition(":")[0] for action in re.findall(r"\w+:[A-Z]\w+", mixed_up)} == {"ses"}


def test_calls_of_the_local_provider_are_allowed():
    """It was written after the official provider's source, type by type."""
    called = {action for file in PLUGIN.glob("*.py") for action in calls(file)}
    assert len(called) > 100
    missing = {action for action in called - ALLOWED if not any(fnmatch.fnmatch(action, each) for each in UNUSED)}
    assert missing == set()


def test_roles_are_passed_and_given_policies_within_bounds():
    bounded = {
        action: statement["Condition"]
        for statement in STATEMENTS
        for action in statement["Action"]
        if "Condition" in statement
    }
    assert set(bounded["iam:AttachRolePolicy"]["ArnLike"].values()) == {"arn:aws:iam::*:policy/mailstack-*"}
    assert "lambda.amazonaws.com" in bounded["iam:PassRole"]["StringEquals"]["iam:PassedToService"]
    for statement in STATEMENTS:
        if {"iam:PassRole", "iam:CreateRole", "iam:PutRolePolicy"} & set(statement["Action"]):
            assert statement["Resource"] == "arn:aws:iam::*:role/mailstack-*"


def test_unknown_resource_type_is_an_error():
    with pytest.raises(KeyError, match="aws:s3/bucket:Bucket"):
        policies(["aws:s3/bucket:Bucket"])


def test_the_policies_of_the_guide_are_todays(tmp_path: Path):
    written = write(tmp_path)
    there = sorted((ROOT / "docs" / "reference").glob("d*-policy*.json"))
    assert [file.name for file in there] == [file.name for file in written]
    assert [file.read_text() for file in there] == [file.read_text() for file in written], "run: make docs"


def one_statement(actions: list[str]) -> dict[str, Any]:
    statement = {"Sid": "One", "Effect": "Allow", "Action": actions, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def calls(file: Path) -> Iterator[str]:
    """The actions behind the calls `cloud.<client>.<method>(…)` and the pages of a module."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        client = node.func.value
        if not (
            isinstance(client, ast.Attribute) and isinstance(client.value, ast.Name) and client.value.id == "cloud"
        ):
            continue
        model, prefix = CLIENTS.get(client.attr, (client.attr, client.attr))
        method = node.func.attr
        if method == "get_paginator" and isinstance(node.args[0], ast.Constant):
            method = str(node.args[0].value)
        yield from (f"{prefix}:{name}" for name in operations_of(model) if xform_name(name) == method)


@cache
def operations_of(service: str) -> frozenset[str]:
    """A service's operations, as botocore names them."""
    return frozenset(get_session().get_service_model(service).operation_names)
