"""The permission to send."""

import json
from email.utils import parseaddr
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest

from tests.unit.infra.options import everywhere
from tests.unit.infra.program import ACCOUNT, run


@everywhere
def test_a_sender_may_use_every_configuration_set(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    send = deployment.policy("Policy", "sender")["Send"]
    made = {r.arn for r in deployment.of("EmailIdentity") + deployment.of("ConfigurationSet")}
    assert all(any(fnmatchcase(arn, allowed) for allowed in send["Resource"]) for arn in made)
    own = {test: found["ses:FromAddress"] for test, found in send["Condition"].items() if "ses:FromAddress" in found}
    assert own == {"StringEquals": [parseaddr(deployment.values.sender)[1]]}
    assert deployment.values.sender_policy_arn == deployment.one("Policy", "sender").arn


def test_development_cannot_write_to_customers():
    deployment = run("dev")
    send = deployment.policy("Policy", "sender")["Send"]
    allowed = ["*@example.com", "*@simulator.amazonses.com"]
    assert send["Condition"]["ForAllValues:StringLike"] == {"ses:Recipients": allowed}
    assert "ForAllValues:StringLike" not in run("prod").policy("Policy", "sender")["Send"]["Condition"]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_in_the_sandbox_recipients_identities_are_allowed_too(stack: str):
    deployment = run(stack)
    send = deployment.policy("Policy", "sender")["Send"]
    assert f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/*" in send["Resource"]
    assert send["Condition"]["StringEquals"]["ses:FromAddress"] == [f"no-reply@{deployment.values.domain}"]


def test_bulk_mail_may_come_from_the_stacks_own_identity_alone():
    deployment = run("prod", access={"bulk": True})
    bulk = deployment.policy("Policy", "sender")["SendBulk"]
    identities = [arn for arn in bulk["Resource"] if ":identity/" in arn]
    assert identities == [deployment.one("EmailIdentity", "domain").arn]


@pytest.mark.parametrize(("stack", "preview"), list(product(["dev", "prod", "local"], [False, True])))
def test_policies_are_known_in_a_preview(stack: str, preview: bool):
    # A key of one's own has no ARN until it is made, and the roles' policies name it.
    deployment = run(stack, preview=preview, encryption="aws") if preview else run(stack)
    for kind in ("Policy", "RolePolicy", "TopicPolicy", "Key"):
        for resource in deployment.of(kind):
            assert json.loads(resource.inputs["policy"])["Statement"], resource.urn
