"""The policy pack's rules: nothing that the program declares breaks one, and each refuses what it is there for."""

import json
from typing import Any

import pytest

from mailstack_infra.policy_pack.rules import RULES, STACK, STACK_RULES, Resource
from mailstack_localcloud.pulumi import wire
from tests.unit.infra.options import everywhere
from tests.unit.infra.program import Deployment, run

BY_NAME = {rule.name: rule for rule in RULES}
BY_NAME_OF_STACK = {rule.name: rule for rule in STACK_RULES}


def resources(deployment: Deployment, *, made: bool) -> list[Resource]:
    """What the pack is shown: inputs before a resource is made, outputs and the exports once all are."""
    shown = [(r, wire.bare({**r.inputs, **r.outputs}) if made else r.inputs) for r in deployment.aws]
    exports = Resource(STACK, "mailstack-prod", deployment.exports, urn=deployment.aws[0].urn)
    return [*(Resource(r.token, r.name, props, protect=r.protect, urn=r.urn) for r, props in shown), exports]


@everywhere
@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_nothing_that_the_program_declares_breaks_a_rule(stack: str, changed: dict[str, Any], preview: bool):
    declared = resources(run(stack, preview=preview, **changed), made=False)
    found = {(r.name, rule.name) for rule in RULES for r in declared for _ in rule.check(r)}
    streams: dict[str, dict[str, Any]] = changed.get("streams", {})
    assert found == {(name, "tls") for name, stream in streams.items() if stream.get("tls") == "OPTIONAL"}


@everywhere
def test_nothing_that_the_program_makes_or_exports_breaks_a_rule(stack: str, changed: dict[str, Any]):
    made = resources(run(stack, **changed), made=True)
    assert [(rule.name, *problem) for rule in STACK_RULES for problem in rule.check(made)] == []


def statement(**changed: Any) -> str:
    allowed = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns:us-east-1:123456789012:t"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, **changed}]})


SNS = {"Service": "sns.amazonaws.com"}
EVENTS = {"Service": "events.amazonaws.com"}
URN = "urn:pulumi:prod::mailstack::x::y"


@pytest.mark.parametrize(
    ("rule", "kind", "props", "words"),
    [
        ("no-star", "aws:iam/policy:Policy", {"policy": statement(Action="ses:*")}, "list each action"),
        ("no-star", "aws:iam/rolePolicy:RolePolicy", {"policy": statement(Resource="*")}, "list the ARNs"),
        ("conditioned", "aws:sns/topicPolicy:TopicPolicy", {"policy": statement(Principal=SNS)}, "for every account"),
        ("conditioned", "aws:sqs/queuePolicy:QueuePolicy", {"policy": statement(Principal="*")}, "allows everybody"),
        ("conditioned", "aws:sns/topicPolicy:TopicPolicy", {"policy": statement(Principal={"AWS": "*"})}, "everybody"),
        ("no-star", "aws:iam/policy:Policy", {"policy": statement(NotAction="iam:*")}, "NotAction"),
        ("no-star", "aws:iam/policy:Policy", {"policy": statement(Resource="arn:aws:sns:us-east-1:1:*")}, "list the"),
        ("conditioned", "aws:iam/role:Role", {"assumeRolePolicy": statement(Principal=SNS)}, "for every account"),
        ("conditioned", "aws:iam/role:Role", {"assumeRolePolicy": statement(Principal={"Federated": "x"})}, "token"),
        (
            "conditioned",
            "aws:sns/topicPolicy:TopicPolicy",
            {
                "policy": statement(
                    Principal=EVENTS, Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:events:::rule/x"}}
                )
            },
            "EventBridge cannot publish",
        ),
        (
            "conditioned",
            "aws:sqs/queuePolicy:QueuePolicy",
            {"policy": statement(Principal=EVENTS)},
            "for every account",
        ),
        ("protected", "aws:kms/key:Key", {}, "must be protected"),
        ("tls", "aws:sesv2/configurationSet:ConfigurationSet", {"deliveryOptions": {"tlsPolicy": "OPTIONAL"}}, "tls"),
        ("tls", "aws:sesv2/configurationSet:ConfigurationSet", {}, "without TLS"),
        ("tls", "aws:sqs/queuePolicy:QueuePolicy", {"policy": statement(Principal=SNS)}, "aws:SecureTransport"),
        ("https", "aws:sns/topicSubscription:TopicSubscription", {"protocol": "http"}, "https URL"),
        ("retention", "aws:cloudwatch/logGroup:LogGroup", {"name": "x"}, "forever"),
        ("restorable", "aws:dynamodb/table:Table", {"pointInTimeRecovery": {"enabled": False}}, "restored"),
        ("protected", "aws:sesv2/emailIdentity:EmailIdentity", {}, "must be protected"),
        ("protected", "aws:dynamodb/table:Table", {"deletionProtectionEnabled": False}, "deletionProtectionEnabled"),
        ("no-plain-secret", "aws:ssm/parameter:Parameter", {"insecureValue": '{"password": "x"}'}, "plain text"),
        (
            "no-plain-secret",
            "aws:lambda/function:Function",
            {"environment": {"variables": {"KEY": "AKIAIOSFODNN7EXAMPLE"}}},
            "Secrets Manager",
        ),
    ],
)
def test_a_rule_refuses_what_it_is_there_for(rule: str, kind: str, props: dict[str, Any], words: str):
    problems = list(BY_NAME[rule].check(Resource(kind, "x", props, urn=URN)))
    assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize("kind", ["aws:sns/topicPolicy:TopicPolicy", "aws:kms/key:Key"])
def test_policy_documented_for_eventbridge_is_allowed(kind: str):
    granted = Resource(kind, "x", {"policy": statement(Principal=EVENTS)}, urn=URN)
    assert list(BY_NAME["conditioned"].check(granted)) == []


@pytest.mark.parametrize("stack", ["dev", "local", "preprod"])
def test_only_production_must_be_protected(stack: str):
    table = Resource("aws:dynamodb/table:Table", "x", {}, urn=URN.replace("prod", stack))
    assert list(BY_NAME["protected"].check(table)) == []


def test_an_alarm_without_actions_must_be_part_of_another():
    silent = Resource("aws:cloudwatch/metricAlarm:MetricAlarm", "a", {"name": "a"}, urn="urn:a")
    rule = {"alarmName": "b", "alarmRule": 'ALARM("a")', "alarmActions": ["arn:aws:sns:us-east-1:123456789012:t"]}
    both = Resource("aws:cloudwatch/compositeAlarm:CompositeAlarm", "b", rule, urn="urn:b")
    check = BY_NAME_OF_STACK["alarms-act"].check
    assert [urn for urn, _ in check([silent])] == ["urn:a"]
    assert list(check([silent, both])) == []


KEY = Resource("aws:iam/accessKey:AccessKey", "smtp-1", {"secret": "s3cr3t/of/a/user", "sesSmtpPasswordV4": "BPa55"})
DKIM = Resource(
    "aws:sesv2/emailIdentity:EmailIdentity", "domain", {"dkimSigningAttributes": {"domainSigningPrivateKey": "MIIEpA"}}
)


@pytest.mark.parametrize(
    ("kind", "props", "place"),
    [
        (STACK, {"login": "BPa55"}, "login"),
        (STACK, {"outputs": {"streams": [{"key": "MIIEpA"}]}}, "outputs.streams.key"),
        (STACK, {"smtp": {"password": "unknown"}}, "smtp.password"),
        (STACK, {"url": "https://AKIAIOSFODNN7EXAMPLE@example.com"}, "url"),
        ("aws:ssm/parameter:Parameter", {"insecureValue": '{"login": "s3cr3t/of/a/user"}'}, "insecureValue"),
        ("aws:lambda/function:Function", {"environment": {"variables": {"LOGIN": "BPa55"}}}, "environment.LOGIN"),
    ],
)
def test_a_secret_is_neither_exported_nor_stored_in_plain_text(kind: str, props: dict[str, Any], place: str):
    check = BY_NAME_OF_STACK["no-exported-secret"].check
    leak = Resource(kind, "x", props, urn="urn:leak")
    ((urn, problem),) = check([KEY, DKIM, leak])
    assert (urn, problem.partition(" holds ")[0]) == ("urn:leak", place)
    assert list(check([KEY, DKIM, Resource(kind, "x", {"domain": "example.com"})])) == []
