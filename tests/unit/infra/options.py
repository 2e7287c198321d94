"""Options of a stack that tests share, and helpers that read what a stack registered."""

import json
from typing import Any

import pytest

from mailer.functions.guard import pausing_alarms
from tests.unit.infra.program import ACCOUNT, Deployment, Registered

BULK = {"transactional": {}, "bulk": {"tls": "OPTIONAL", "suppress": "COMPLAINT"}}


# Every option that a stream has.
KEPT_BY = "arn:aws:firehose:us-east-1:123456789012:deliverystream/mail-events"


FULL: dict[str, Any] = {
    "transactional": {
        "maxDeliverySeconds": 3600,
        "dedicatedPool": "receipts",
        "vdm": {"engagementMetrics": "DISABLED", "optimizedDelivery": "ENABLED"},
        "eventBridge": True,
        "firehose": KEPT_BY,
        "tracking": {
            "events": ["OPEN", "CLICK"],
            "domain": "links.example.com",
            "https": "REQUIRE",
            "target": "d111111abcdef8.cloudfront.net",
        },
        "metrics": {"dimensions": {"template": {}, "X-Campaign": {"source": "EMAIL_HEADER", "default": "other"}}},
    },
    "bulk": {"vdm": {"optimizedDelivery": "DISABLED"}, "dedicatedPool": "bulk"},
}


POOLS = {"bulk": {"scaling": "STANDARD"}}


UNGUARDED = {"transactional": {"guard": False}}


ADDRESS: dict[str, Any] = {
    "domain": "",
    "zone": "",
    "address": "ada@example.com",
    "sender": "Ada Lovelace <ada@example.com>",
}


ACCESS: dict[str, Any] = {
    "services": ["ecs", "lambda", "ec2"],
    "oidc": {
        "deploys": {
            "provider": "https://token.actions.githubusercontent.com",
            "create": True,
            "audiences": "sts.amazonaws.com",
            "subjects": ["repo:example/shop:ref:refs/heads/main", "repo:example/shop:environment:*"],
        },
        "pod": {
            "provider": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE",
            "audiences": "sts.amazonaws.com",
            "subjects": "system:serviceaccount:shop:*",
        },
    },
    "attachTo": "shop-web",
    "templates": ["receipt", "welcome"],
    "smtp": {"keys": [2, 1], "readBySender": True},
}


# Stack, and settings that differ from its file's.
MATRIX: list[tuple[str, dict[str, Any]]] = [
    ("dev", {}),
    ("prod", {}),
    ("local", {}),
    ("prod", {"region": "eu-south-1", "spf": True, "streams": BULK, "functionConcurrency": 5}),
    ("prod", {"streams": UNGUARDED, "dmarc": {"reports": ["dmarc@example.org"]}, "zone": "Z0EXAMPLECOM"}),
    ("prod", {"encryption": "aws", "dns": "none", "domain": "example.org", "sender": "", "spf": True}),
    ("prod", {"overwriteRecords": ["dkim", "dmarc"], "bimi": {"logo": f"https://example.com/{'l' * 300}.svg"}}),
    ("prod", {"warn": ["team@example.com"], "watchAccount": False, "tenants": {"acme": {}}}),
    ("prod", {"secondaryRegion": "eu-west-1", "encryption": "aws"}),
    ("prod", {"slack": {"workspace": "T07EA123LEP", "page": "C07EZ1ABC23", "warn": "C07EZ1ABC24"}}),
    ("prod", {"ownsAccount": True, "account": {"suppress": "BOUNCE", "vdm": True}, "streams": FULL, "pools": POOLS}),
    ("prod", {"access": ACCESS}),
    ("dev", {"access": ACCESS}),
    ("dev", {"page": ["https://events.example.org/x"], "mailFrom": {"subdomain": "m"}, "dkim": {"keyLength": 1024}}),
    ("dev", ADDRESS),
]


TRACKS = {"transactional": {"eventBridge": True, "tracking": {"events": "CLICK", "domain": "links.example.com"}}}


everywhere = pytest.mark.parametrize(("stack", "changed"), MATRIX, ids=[f"{s}-{'-'.join(c)}" for s, c in MATRIX])


USED = {
    *("aws:sesv2/emailIdentity:EmailIdentity", "aws:sesv2/configurationSet:ConfigurationSet"),
    "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
    "aws:sesv2/emailIdentityFeedbackAttributes:EmailIdentityFeedbackAttributes",
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
    *("aws:route53/record:Record", "aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy"),
    *("aws:sns/topicSubscription:TopicSubscription", "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"),
    *("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "aws:dynamodb/table:Table", "aws:iam/role:Role"),
    *("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:cloudwatch/logGroup:LogGroup"),
    *("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm"),
    *("aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"),
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:lambda/function:Function",
    *("aws:kms/key:Key", "aws:kms/alias:Alias"),
    *("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/instanceProfile:InstanceProfile"),
    *("aws:iam/user:User", "aws:iam/userPolicyAttachment:UserPolicyAttachment", "aws:iam/accessKey:AccessKey"),
    *("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "aws:secretsmanager/secret:Secret"),
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sesv2/accountSuppressionAttributes:AccountSuppressionAttributes",
    "aws:sesv2/accountVdmAttributes:AccountVdmAttributes",
    *("aws:lambda/eventSourceMapping:EventSourceMapping", "aws:ssm/parameter:Parameter"),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
    "aws:sesv2/dedicatedIpPool:DedicatedIpPool",
    "aws:sesv2/multiRegionEndpoint:MultiRegionEndpoint",
    *("aws:sesv2/tenant:Tenant", "aws:sesv2/tenantResourceAssociation:TenantResourceAssociation"),
}


def policy_documents(deployment: Deployment) -> list[tuple[str, dict[str, Any]]]:
    found = [
        (resource.urn, document)
        for resource in deployment.aws
        for key in ("policy", "assumeRolePolicy")
        if isinstance(document := resource.inputs.get(key), str)
    ]
    return [(urn, statement) for urn, text in found for statement in json.loads(text)["Statement"]]


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def named(count: int, **options: object) -> dict[str, Any]:
    """Streams of the longest names."""
    return {"transactional": options, **{f"stream-{number:03}-{'x' * 9}": options for number in range(count - 1)}}


def watched_by(alarm: Registered) -> dict[str, Any]:
    """What an alarm looks at: its own inputs, or the metric that is filled."""
    queries = alarm.inputs.get("metricQueries")
    if not queries:
        return alarm.inputs
    metric = next(query["metric"] for query in queries if "metric" in query)
    return {**alarm.inputs, **metric, "statistic": metric["stat"]}


def all_alarms(deployment: Deployment) -> list[Registered]:
    return deployment.of("MetricAlarm") + deployment.of("CompositeAlarm")


def guards_alarms(deployment: Deployment) -> dict[str, str]:
    """What the deployed guard makes of its environment: the set that each alarm pauses."""
    functions = [function.inputs["environment"]["variables"] for function in deployment.of("Function")]
    (guard,) = [each for each in functions if "MAILSTACK_GUARDED" in each] or [{}]
    return pausing_alarms(guard["MAILSTACK_STACK"], guard["MAILSTACK_GUARDED"]) if guard else {}
