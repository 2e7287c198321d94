"""The policy pack's rules: nothing that the program declares breaks one, and each refuses what it is there for."""

import json
from typing import Any

import pytest

from mailstack_infra.rules import RULES, STACK_RULES, Resource
from tests.unit.infra.program import Deployment, run

MATRIX: list[tuple[str, dict[str, Any]]] = [
    ("dev", {}),
    ("prod", {}),
    ("local", {}),
    ("prod", {"streams": {"transactional": {}, "bulk": {"guard": False}}, "warn": ["team@example.com"]}),
]
BY_NAME = {rule.name: rule for rule in RULES}


def resources(deployment: Deployment) -> list[Resource]:
    return [Resource(r.token, r.name, r.inputs, protect=r.protect, urn=r.urn) for r in deployment.aws]


@pytest.mark.parametrize(("stack", "changed"), MATRIX, ids=["dev", "prod", "local", "streams"])
@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_nothing_that_the_program_declares_breaks_a_rule(stack: str, changed: dict[str, Any], preview: bool):
    declared = resources(run(stack, preview=preview, **changed))
    found = [(r.name, rule.name, problem) for rule in RULES for r in declared for problem in rule.check(r)]
    assert found == []
    if not preview:  # topics have no ARNs yet
        assert [problem for rule in STACK_RULES for problem in rule.check(declared)] == []


def statement(**changed: Any) -> str:
    allowed = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns:us-east-1:123456789012:t"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, **changed}]})


SNS = {"Service": "sns.amazonaws.com"}
URN = "urn:pulumi:prod::mailstack::x::y"


@pytest.mark.parametrize(
    ("rule", "kind", "props", "words"),
    [
        ("no-star", "aws:iam/policy:Policy", {"policy": statement(Action="ses:*")}, "name each action"),
        ("no-star", "aws:iam/rolePolicy:RolePolicy", {"policy": statement(Resource="*")}, "name the ARNs"),
        ("conditioned", "aws:sns/topicPolicy:TopicPolicy", {"policy": statement(Principal=SNS)}, "for anybody"),
        ("conditioned", "aws:sqs/queuePolicy:QueuePolicy", {"policy": statement(Principal="*")}, "lets everybody in"),
        ("conditioned", "aws:sns/topicPolicy:TopicPolicy", {"policy": statement(Principal={"AWS": "*"})}, "everybody"),
        ("tls", "aws:sesv2/configurationSet:ConfigurationSet", {"deliveryOptions": {"tlsPolicy": "OPTIONAL"}}, "tls"),
        ("tls", "aws:sesv2/configurationSet:ConfigurationSet", {}, "unencrypted"),
        ("https", "aws:sns/topicSubscription:TopicSubscription", {"protocol": "http"}, "https URL"),
        ("retention", "aws:cloudwatch/logGroup:LogGroup", {"name": "x"}, "for ever"),
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


@pytest.mark.parametrize("stack", ["dev", "local", "preprod"])
def test_only_production_must_be_protected(stack: str):
    table = Resource("aws:dynamodb/table:Table", "x", {}, urn=URN.replace("prod", stack))
    assert list(BY_NAME["protected"].check(table)) == []


def test_an_alarm_that_nobody_hears_of_is_refused_unless_another_is_made_of_it():
    silent = Resource("aws:cloudwatch/metricAlarm:MetricAlarm", "a", {"name": "a"}, urn="urn:a")
    rule = {"alarmName": "b", "alarmRule": 'ALARM("a")', "alarmActions": ["arn:aws:sns:us-east-1:123456789012:t"]}
    both = Resource("aws:cloudwatch/compositeAlarm:CompositeAlarm", "b", rule, urn="urn:b")
    (check,) = (rule.check for rule in STACK_RULES)
    assert [urn for urn, _ in check([silent])] == ["urn:a"]
    assert list(check([silent, both])) == []
