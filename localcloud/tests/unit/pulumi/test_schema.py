"""The checker of resource inputs, against the installed pulumi_aws wheel."""

import pulumi
import pytest

from mailstack_localcloud.pulumi import schema, wire
from mailstack_localcloud.pulumi.schema import problems

DESTINATION = "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination"


@pytest.mark.parametrize(
    ("token", "inputs", "expected"),
    [
        (
            "aws:sns/topic:Topic",
            {"displayname": "x"},
            ["displayname: no such input; did you mean 'displayName'?"],
        ),
        (
            "aws:sqs/queue:Queue",
            {"visibilityTimeoutSeconds": "30"},
            ["visibilityTimeoutSeconds: expected int, got str"],
        ),
        ("aws:sqs/queue:Queue", {"delaySeconds": 1.5}, ["delaySeconds: expected int, got float"]),
        ("aws:sqs/queue:Queue", {"delaySeconds": True}, ["delaySeconds: expected int, got bool"]),
        ("aws:iam/role:Role", {}, ["assumeRolePolicy: required"]),
        (
            DESTINATION,
            {
                "configurationSetName": "x",
                "eventDestinationName": "y",
                "eventDestination": {"matchingEventTypes": "SEND", "snsDestination": {"topicArm": "t"}},
            },
            [
                "eventDestination.matchingEventTypes: expected a list, got str",
                "eventDestination.snsDestination.topicArm: no such input; did you mean 'topicArn'?",
                "eventDestination.snsDestination.topicArn: required",
            ],
        ),
        (
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {"comparisonOperator": "x", "evaluationPeriods": 1, "dimensions": {"a": 1}},
            ["dimensions.a: expected str, got int"],
        ),
        ("aws:dynamodb/table:Table", {"attributes": [{"name": "pk"}]}, ["attributes[0].type: required"]),
    ],
)
def test_a_wrong_input_is_named_with_its_path(token: str, inputs: dict[str, object], expected: list[str]):
    assert sorted(problems(token, inputs)) == sorted(expected)


def test_an_enum_of_the_sdk_only_suggests_values():
    record = {"zoneId": "Z1", "name": "_443._tcp.example.com", "type": "TLSA", "ttl": 600, "records": ["3 1 1 00"]}
    assert problems("aws:route53/record:Record", record) == []


def test_right_inputs_have_no_problems():
    record = {"zoneId": "Z1", "name": "a.example.com", "type": "TXT", "ttl": 600.0, "records": ["v=spf1 -all"]}
    assert problems("aws:route53/record:Record", record) == []


def test_unknowns_secrets_and_archives_pass_the_check():
    secret = wire.secret(3)
    function = {"role": wire.UNKNOWN, "code": pulumi.FileArchive("x.zip"), "layers": wire.UNKNOWN, "timeout": secret}
    assert problems("aws:lambda/function:Function", function) == []


def test_a_secret_is_judged_by_its_value():
    secret = wire.secret("3")
    assert problems("aws:lambda/function:Function", {"role": "r", "timeout": secret}) == [
        "timeout: expected int, got str"
    ]


def test_the_configuration_of_the_provider_itself_is_checked():
    assert problems(schema.PROVIDER, {"region": "us-east-1", "regoin": "x"})[0].startswith("regoin: no such input")


@pytest.mark.parametrize("token", ["aws:sns/topic:Tropic", "aws:snss/topic:Topic", "gcp:x/y:Z", "nonsense"])
def test_an_unknown_resource_is_an_error_and_not_an_empty_answer(token: str):
    with pytest.raises(schema.UnknownTokenError, match=token):
        problems(token, {})
