"""The provider's tables refuse what the official provider refuses, before anything is sent. No service is asked."""

import json
from typing import Any

import pytest

from mailstack_localcloud.pulumi import schema
from mailstack_localcloud.pulumi.provider import lifecycle
from mailstack_localcloud.pulumi.provider.resource import Resource
from mailstack_localcloud.pulumi.provider.resources import RESOURCES
from mailstack_localcloud.pulumi.wire import ARCHIVE, SIGNATURE, UNKNOWN

Props = dict[str, Any]
TOPIC = "arn:aws:sns:us-east-1:000000000000:events"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
SNS = {"matchingEventTypes": ["BOUNCE"], "snsDestination": {"topicArn": TOPIC}}
METRIC = {"metricName": "Send", "namespace": "AWS/SES", "statistic": "Sum", "threshold": 1, "period": 60}
# Inputs that pass, one set for each type.
GOOD: dict[str, Props] = {
    "sns/topic:Topic": {"name": "events"},
    "sns/topicPolicy:TopicPolicy": {"arn": TOPIC, "policy": TRUST},
    "sns/topicSubscription:TopicSubscription": {"topic": TOPIC, "protocol": "sqs", "endpoint": "e"},
    "sqs/queue:Queue": {"name": "inbox"},
    "cloudwatch/metricAlarm:MetricAlarm": {
        "name": "bounces",
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        **METRIC,
    },
    "cloudwatch/compositeAlarm:CompositeAlarm": {"alarmName": "both", "alarmRule": 'ALARM("a")'},
    "cloudwatch/dashboard:Dashboard": {"dashboardName": "mail", "dashboardBody": "{}"},
    "cloudwatch/eventRule:EventRule": {"name": "advice", "eventPattern": '{"source": ["aws.ses"]}'},
    "cloudwatch/eventTarget:EventTarget": {"rule": "advice", "targetId": "page", "arn": TOPIC},
    "cloudwatch/logGroup:LogGroup": {"name": "/aws/lambda/feedback", "retentionInDays": 14},
    "dynamodb/table:Table": {
        "name": "mail",
        "hashKey": "pk",
        "attributes": [{"name": "pk", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST",
    },
    "iam/role:Role": {"name": "feedback", "assumeRolePolicy": TRUST},
    "iam/rolePolicy:RolePolicy": {"name": "send", "role": "feedback", "policy": TRUST},
    "iam/policy:Policy": {"name": "send", "policy": TRUST},
    "kms/key:Key": {"description": "mail"},
    "kms/alias:Alias": {"name": "alias/mail", "targetKeyId": KEY},
    "lambda/eventSourceMapping:EventSourceMapping": {"functionName": "feedback", "eventSourceArn": TOPIC},
    "ssm/parameter:Parameter": {"name": "/mail", "type": "String", "value": "x"},
    "sesv2/emailIdentity:EmailIdentity": {"emailIdentity": "example.com"},
    "sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes": {"emailIdentity": "example.com"},
    "sesv2/configurationSet:ConfigurationSet": {"configurationSetName": "receipts"},
    "sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": {
        "configurationSetName": "receipts",
        "eventDestinationName": "events",
        "eventDestination": SNS,
    },
    "sesv2/accountSuppressionAttributes:AccountSuppressionAttributes": {"suppressedReasons": ["BOUNCE"]},
    "sesv2/accountVdmAttributes:AccountVdmAttributes": {"vdmEnabled": "ENABLED"},
    "route53/zone:Zone": {"name": "example.test"},
    "iam/userPolicy:UserPolicy": {"name": "send", "user": "ada", "policy": TRUST},
    "lambda/function:Function": {
        "name": "feedback",
        "role": "arn:aws:iam::000000000000:role/feedback",
        "runtime": "python3.13",
        "handler": "handler.handle",
        "code": {SIGNATURE: ARCHIVE, "hash": "x"},
    },
    "lambda/permission:Permission": {
        "function": "feedback",
        "action": "lambda:InvokeFunction",
        "principal": "sns.amazonaws.com",
    },
    "sesv2/contactList:ContactList": {"contactListName": "readers"},
    "sesv2/emailIdentityPolicy:EmailIdentityPolicy": {
        "emailIdentity": "example.com",
        "policyName": "senders",
        "policy": TRUST,
    },
    "route53/record:Record": {"zoneId": "Z1", "name": "x.test", "type": "TXT", "ttl": 60, "records": ["a"]},
}
DESTINATION = "sesv2/configurationSetEventDestination:ConfigurationSetEventDestination"
# By type: what is changed in those, and the input that is then refused.
WRONG: list[tuple[str, Props, str]] = [
    ("sns/topic:Topic", {"name": "two words"}, "name"),
    ("sns/topic:Topic", {"name": "x" * 257}, "name"),
    ("sns/topic:Topic", {"fifoTopic": True}, "name"),
    ("sns/topic:Topic", {"contentBasedDeduplication": True}, "contentBasedDeduplication"),
    ("sns/topic:Topic", {"signatureVersion": 3}, "signatureVersion"),
    ("sns/topicPolicy:TopicPolicy", {"arn": "events"}, "arn"),
    ("sns/topicSubscription:TopicSubscription", {"topic": "events"}, "topic"),
    ("sns/topicSubscription:TopicSubscription", {"protocol": "pigeon"}, "protocol"),
    ("sqs/queue:Queue", {"kmsMasterKeyId": KEY, "sqsManagedSseEnabled": False}, "sqsManagedSseEnabled"),
    ("sqs/queue:Queue", {"messageRetentionSeconds": 59}, "messageRetentionSeconds"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"alarmActions": ["page"]}, "alarmActions"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"okActions": [TOPIC] * 6}, "okActions"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"evaluationPeriods": 0}, "evaluationPeriods"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"datapointsToAlarm": 0}, "datapointsToAlarm"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"period": 45}, "period"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"namespace": ":SES"}, "namespace"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"alarmDescription": "x" * 1025}, "alarmDescription"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"statistic": "Median"}, "statistic"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"statistic": None, "extendedStatistic": "p101"}, "extendedStatistic"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"metricQueries": [{"id": "m"}]}, "metricQueries"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"metricQueries": [{"id": "m", "returnData": True}]}, "metricName"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"metricName": None}, "metricName"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"threshold": None}, "threshold"),
    ("cloudwatch/metricAlarm:MetricAlarm", {"unit": "Mails"}, "unit"),
    ("cloudwatch/compositeAlarm:CompositeAlarm", {"alarmActions": [TOPIC] * 6}, "alarmActions"),
    ("cloudwatch/compositeAlarm:CompositeAlarm", {"alarmRule": "x" * 10_241}, "alarmRule"),
    ("cloudwatch/dashboard:Dashboard", {"dashboardName": "my mail"}, "dashboardName"),
    ("cloudwatch/dashboard:Dashboard", {"dashboardBody": "{"}, "dashboardBody"),
    ("cloudwatch/eventRule:EventRule", {"name": "x" * 65}, "name"),
    ("cloudwatch/eventRule:EventRule", {"eventPattern": json.dumps({"x": ["y" * 4096]})}, "eventPattern"),
    ("cloudwatch/eventRule:EventRule", {"eventPattern": None}, "eventPattern"),
    ("cloudwatch/eventRule:EventRule", {"state": "ASLEEP"}, "state"),
    ("cloudwatch/eventTarget:EventTarget", {"arn": "events"}, "arn"),
    ("cloudwatch/eventTarget:EventTarget", {"targetId": "a b"}, "targetId"),
    ("cloudwatch/eventTarget:EventTarget", {"input": "{}", "inputPath": "$"}, "inputPath"),
    ("cloudwatch/logGroup:LogGroup", {"name": "with space"}, "name"),
    ("cloudwatch/logGroup:LogGroup", {"logGroupClass": "COLD"}, "logGroupClass"),
    ("dynamodb/table:Table", {"attributes": [{"name": "pk", "type": "X"}]}, "attributes.type"),
    (
        "dynamodb/table:Table",
        {"pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 36}},
        "pointInTimeRecovery.recoveryPeriodInDays",
    ),
    (
        "dynamodb/table:Table",
        {"serverSideEncryption": {"enabled": True, "kmsKeyArn": "key"}},
        "serverSideEncryption.kmsKeyArn",
    ),
    ("iam/role:Role", {"name": "x" * 65}, "name"),
    ("iam/role:Role", {"description": "a \u201cquote\u201d"}, "description"),
    ("iam/role:Role", {"permissionsBoundary": "mine"}, "permissionsBoundary"),
    ("iam/rolePolicy:RolePolicy", {"role": "a/b"}, "role"),
    ("iam/policy:Policy", {"name": "x" * 129}, "name"),
    ("kms/key:Key", {"deletionWindowInDays": 6}, "deletionWindowInDays"),
    ("kms/key:Key", {"rotationPeriodInDays": 90}, "rotationPeriodInDays"),
    ("kms/alias:Alias", {"name": "alias/aws/mail"}, "name"),
    ("lambda/eventSourceMapping:EventSourceMapping", {"functionResponseTypes": ["All"]}, "functionResponseTypes"),
    (
        "lambda/eventSourceMapping:EventSourceMapping",
        {"scalingConfig": {"maximumConcurrency": 1}},
        "scalingConfig.maximumConcurrency",
    ),
    ("lambda/eventSourceMapping:EventSourceMapping", {"maximumRecordAgeInSeconds": 30}, "maximumRecordAgeInSeconds"),
    ("ssm/parameter:Parameter", {"type": "Text"}, "type"),
    ("ssm/parameter:Parameter", {"description": "x" * 1025}, "description"),
    ("ssm/parameter:Parameter", {"insecureValue": "y"}, "value"),
    ("sesv2/emailIdentity:EmailIdentity", {"configurationSetName": "x" * 65}, "configurationSetName"),
    (
        "sesv2/emailIdentity:EmailIdentity",
        {"dkimSigningAttributes": {"domainSigningSelector": "mail"}},
        "dkimSigningAttributes.domainSigningPrivateKey",
    ),
    (
        "sesv2/emailIdentity:EmailIdentity",
        {
            "dkimSigningAttributes": {
                "domainSigningSelector": "mail",
                "domainSigningPrivateKey": "AAAA",
                "nextSigningKeyLength": "RSA_2048_BIT",
            }
        },
        "dkimSigningAttributes.nextSigningKeyLength",
    ),
    (
        "sesv2/emailIdentity:EmailIdentity",
        {"dkimSigningAttributes": {"nextSigningKeyLength": "RSA_4096_BIT"}},
        "dkimSigningAttributes.nextSigningKeyLength",
    ),
    (
        "sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
        {"behaviorOnMxFailure": "REJECT_MESSAGE"},
        "mailFromDomain",
    ),
    ("sesv2/configurationSet:ConfigurationSet", {"configurationSetName": ""}, "configurationSetName"),
    (
        "sesv2/configurationSet:ConfigurationSet",
        {"deliveryOptions": {"maxDeliverySeconds": 299}},
        "deliveryOptions.maxDeliverySeconds",
    ),
    (
        "sesv2/configurationSet:ConfigurationSet",
        {"suppressionOptions": {"suppressedReasons": ["SPAM"]}},
        "suppressionOptions.suppressedReasons",
    ),
    (
        "sesv2/configurationSet:ConfigurationSet",
        {"vdmOptions": {"dashboardOptions": {"engagementMetrics": "ON"}}},
        "vdmOptions.dashboardOptions.engagementMetrics",
    ),
    (
        DESTINATION,
        {"eventDestination": {**SNS, "matchingEventTypes": ["Bounce"]}},
        "eventDestination.matchingEventTypes",
    ),
    (
        DESTINATION,
        {"eventDestination": {**SNS, "snsDestination": {"topicArn": "events"}}},
        "eventDestination.snsDestination.topicArn",
    ),
    (DESTINATION, {"eventDestination": {"matchingEventTypes": ["BOUNCE"]}}, "eventDestination"),
    (
        "sesv2/accountSuppressionAttributes:AccountSuppressionAttributes",
        {"suppressedReasons": ["SPAM"]},
        "suppressedReasons",
    ),
    ("sesv2/accountVdmAttributes:AccountVdmAttributes", {"vdmEnabled": "ON"}, "vdmEnabled"),
    ("route53/record:Record", {"records": []}, "records"),
    ("route53/record:Record", {"type": "TEXT"}, "type"),
    ("lambda/function:Function", {"runtime": "cobol"}, "runtime"),
    (
        "lambda/function:Function",
        {"loggingConfig": {"logFormat": "JSON", "systemLogLevel": "ERROR"}},
        "loggingConfig.systemLogLevel",
    ),
    ("lambda/permission:Permission", {"action": "invoke"}, "action"),
    ("lambda/permission:Permission", {"statementId": "a b"}, "statementId"),
    ("lambda/permission:Permission", {"sourceAccount": "me"}, "sourceAccount"),
    (
        "sesv2/contactList:ContactList",
        {"topics": [{"topicName": "a", "displayName": "A", "defaultSubscriptionStatus": "IN"}]},
        "topics.defaultSubscriptionStatus",
    ),
    ("sesv2/emailIdentityPolicy:EmailIdentityPolicy", {"policyName": "x" * 65}, "policyName"),
    ("sesv2/emailIdentityPolicy:EmailIdentityPolicy", {"policy": "{"}, "policy"),
    ("route53/zone:Zone", {"comment": "x" * 257}, "comment"),
    ("iam/userPolicy:UserPolicy", {"policy": {"Version": "2012-10-17"}}, "policy"),
]


def problems(kind: str, changed: Props) -> list[str]:
    inputs = {**GOOD[kind], **changed}
    return [each.path for each in lifecycle.check(RESOURCES[f"aws:{kind}"], "x", inputs, {}, b"seed", {})[1]]


@pytest.mark.parametrize("kind", GOOD)
def test_right_inputs_pass(kind: str):
    assert problems(kind, {}) == []


@pytest.mark.parametrize("of", RESOURCES.values(), ids=RESOURCES)
def test_every_argument_is_served_or_refused_by_name(of: Resource):
    offered = schema.inputs_of(of.kind)
    assert set(of.all_args) <= set(offered)
    required = {name: UNKNOWN for name, field in offered.items() if field.required}
    for name in offered:
        found = lifecycle.check(of, "x", {**required, name: UNKNOWN}, {}, b"seed", {})[1]
        refused = {problem.path for problem in found if "does not serve this input" in problem.reason}
        assert (name in refused) is (name not in of.all_args), name


@pytest.mark.parametrize("of", RESOURCES.values(), ids=RESOURCES)
def test_tables_name_only_members_of_the_sdk(of: Resource):
    for name, arg in of.all_args.items():
        for path in arg.members:
            kind: object = schema.inputs_of(of.kind)[name].type
            for step in path.split("."):
                fields = schema.members_of(kind)
                assert step in fields, f"{name}.{path}"
                kind = fields[step].type


@pytest.mark.parametrize(("kind", "changed", "path"), WRONG, ids=[f"{k.split(':')[1]}-{p}" for k, _, p in WRONG])
def test_a_wrong_input_is_refused_and_named(kind: str, changed: Props, path: str):
    assert path in problems(kind, changed)


@pytest.mark.parametrize(
    ("before", "after", "changed", "replaced"),
    [
        ("Advanced", "Standard", ["tier"], ["tier"]),
        ("Standard", "Advanced", ["tier"], []),
        ("Advanced", "Intelligent-Tiering", [], []),
    ],
)
def test_parameter_tier_upgrade_in_place_downgrade_replaces(
    before: str, after: str, changed: list[str], replaced: list[str]
):
    of = RESOURCES["aws:ssm/parameter:Parameter"]
    inputs = {**GOOD["ssm/parameter:Parameter"], "tier": before}
    state = {**inputs, "region": "us-east-1", "tags": {}, "overwrite": False}
    found = lifecycle.diff(of, inputs, state, {**inputs, "tier": after})
    assert ([*found.names], found.replaces) == (changed, replaced)


def test_a_difference_names_the_members_that_differ():
    of = RESOURCES["aws:sesv2/configurationSet:ConfigurationSet"]
    inputs = {"configurationSetName": "receipts", "deliveryOptions": {"tlsPolicy": "REQUIRE", "sendingPoolName": "a"}}
    state = {**inputs, "region": "us-east-1", "tags": {}}
    news = {**inputs, "deliveryOptions": {"tlsPolicy": "OPTIONAL", "maxDeliverySeconds": 300}, "tags": {"a b": "1"}}
    found = lifecycle.diff(of, inputs, state, news)
    assert {change.name: change.kinds for change in found.changes} == {
        "deliveryOptions": {
            "deliveryOptions.tlsPolicy": "UPDATE",
            "deliveryOptions.maxDeliverySeconds": "ADD",
            "deliveryOptions.sendingPoolName": "DELETE",
        },
        "tags": {'tags["a b"]': "ADD"},
    }
