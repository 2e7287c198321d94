"""The stack's key, and who may use it."""

from typing import Any

import pytest

from tests.unit.infra.options import everywhere, listed
from tests.unit.infra.program import ACCOUNT, run

# What keeps something, and the input that says whose key it is encrypted with.
KEPT = {
    "Topic": lambda inputs: inputs.get("kmsMasterKeyId"),
    "Queue": lambda inputs: inputs.get("kmsMasterKeyId"),
    "Table": lambda inputs: inputs.get("serverSideEncryption", {}).get("kmsKeyArn"),
    "LogGroup": lambda inputs: inputs.get("kmsKeyId"),
    "Function": lambda inputs: inputs.get("kmsKeyArn"),
}


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_all_stored_data_is_encrypted_with_the_customer_key(stack: str):
    deployment = run(stack)
    key = deployment.one("Key", "key").arn
    hear_rules = {f"{worker}{end}" for worker in ("account-monitor", "sending-guard") for end in ("", "-dlq")}
    for kind, encrypted_with in KEPT.items():
        assert deployment.of(kind)
        for resource in deployment.of(kind):
            if kind == "Queue" and resource.name in hear_rules:  # no key that EventBridge would need a grant on
                assert resource.inputs["sqsManagedSseEnabled"], resource.urn
                continue
            assert encrypted_with(resource.inputs) == key, resource.urn
            assert "sqsManagedSseEnabled" not in resource.inputs


def test_without_a_key_of_our_own_queues_are_still_encrypted():
    deployment = run("dev", encryption="aws")
    assert deployment.of("Key") == []
    assert all(queue.inputs["sqsManagedSseEnabled"] for queue in deployment.of("Queue"))
    assert not [r.urn for kind, by in KEPT.items() for r in deployment.of(kind) if by(r.inputs)]


def test_the_key_is_rotated_named_and_recoverable():
    deployment = run("prod")
    key, alias = deployment.one("Key", "key"), deployment.one("Alias", "key")
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    assert (alias.inputs["name"], alias.inputs["targetKeyId"]) == ("alias/mailstack-prod", key.outputs["keyId"])


@everywhere
def test_only_services_at_work_for_this_stack_use_its_key(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    if changed.get("encryption") == "aws":
        return
    granted = {
        service: statement["Condition"]
        for statement in deployment.policy("Key", "key").values()
        if (service := statement["Principal"].get("Service"))
    }
    topics = {topic.name: topic.arn for topic in deployment.of("Topic")}
    people = {arn for name, arn in topics.items() if name in {"paging", "warnings"}}
    alarmed = {arn for name, arn in topics.items() if name != "events"}
    context = "kms:EncryptionContext:aws:sns:topicArn"
    expected = {
        "ses.amazonaws.com": {"StringEquals": {"aws:SourceAccount": {ACCOUNT}, context: {topics["events"]}}},
        "cloudwatch.amazonaws.com": {"StringEquals": {"aws:SourceAccount": {ACCOUNT}, context: alarmed}},
        "sns.amazonaws.com": {"ArnEquals": {"aws:SourceArn": {topics["events"], *people}}},
        f"logs.{deployment.values.region}.amazonaws.com": {
            "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": {group.arn for group in deployment.of("LogGroup")}}
        },
    }
    assert {
        service: {test: {key: set(listed(values)) for key, values in keys.items()} for test, keys in condition.items()}
        for service, condition in granted.items()
    } == expected


def test_account_principals_use_the_key_only_through_services():
    statements = run("prod").policy("Key", "key")
    administers = statements["AccountAdministers"]["Action"]
    assert "kms:PutKeyPolicy" in administers  # without it nobody could ever change the policy again
    assert not {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"} & set(administers)
    via = statements["AccountUsesThroughServices"]["Condition"]["StringEquals"]
    assert via["kms:CallerAccount"] == ACCOUNT
    services = ("dynamodb", "lambda", "sns", "sqs")
    assert set(via["kms:ViaService"]) == {f"{name}.us-east-1.amazonaws.com" for name in services}


@pytest.mark.parametrize(
    ("kind", "name", "services"),
    [
        ("RolePolicy", "feedback", {"dynamodb", "lambda", "sqs"}),
        ("RolePolicy", "sending-guard", {"lambda", "sns"}),
        ("RolePolicy", "account-monitor", {"lambda", "sns"}),
        ("Policy", "sender", {"dynamodb"}),
    ],
)
def test_roles_use_the_key_only_through_their_services(kind: str, name: str, services: set[str]):
    deployment = run("prod")
    use = deployment.policy(kind, name)["UseKey"]
    assert (use["Resource"], use["Action"]) == (
        deployment.one("Key", "key").arn,
        ["kms:Decrypt", "kms:GenerateDataKey"],
    )
    through = set(use["Condition"]["StringEquals"]["kms:ViaService"])
    assert through == {f"{service}.us-east-1.amazonaws.com" for service in services}
