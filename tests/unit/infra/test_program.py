"""What the program registers, for the stacks of the repository and a matrix of options, in a preview and for real."""

import ast
import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pulumi
import pytest
from pulumi.runtime import rpc

from mailer.functions.account import measure
from mailer.functions.account import pagers as subscribed
from mailer.functions.guard import pausing_alarms
from mailer.functions.metrics import ACCOUNT_NAMESPACE as NAMESPACE
from mailer.functions.variables import GUARDED, STACK
from mailer.stack import MAX_ADVANCED_CHARACTERS, MAX_PARAMETER_CHARACTERS, StackOutputs
from mailer.stores.base import ProcessedEvent
from mailer.stores.dynamodb import DynamoDBEvents
from mailer.table import EVENTS
from mailstack_infra.environment import Environment
from mailstack_infra.limits import LONGEST_ENVIRONMENT, LONGEST_POLICY, MOST_WIDGETS
from mailstack_infra.sending.identity import _token
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.model import Settings
from mailstack_localcloud.pulumi import wire
from mailstack_localcloud.pulumi.schema import problems
from tests.unit.infra.program import ACCOUNT, ROOT, TOKENS, Deployment, Registered, Sent, Standing, run
from tests.unit.infra.rsa import private
from tests.unit.lambdas.records import handler

if TYPE_CHECKING:
    from botocore.model import StringShape

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
# Actions that AWS lets nobody narrow to a resource: https://docs.aws.amazon.com/service-authorization/latest/reference/.
WITHOUT_RESOURCE = {"ses:GetAccount", "cloudwatch:PutMetricData", "cloudwatch:DescribeAlarms"} | {
    f"cloudwatch:Get{what}" for what in ("MetricData", "MetricStatistics", "MetricWidgetImage")
}
# Inputs whose values AWS lists: the resource, the path, and where botocore's model has the list.
ENUMS = [
    ("ConfigurationSet", ("deliveryOptions", "tlsPolicy"), "sesv2", "TlsPolicy"),
    ("ConfigurationSet", ("suppressionOptions", "suppressedReasons"), "sesv2", "SuppressionListReason"),
    ("ConfigurationSetEventDestination", ("eventDestination", "matchingEventTypes"), "sesv2", "EventType"),
    ("AccountSuppressionAttributes", ("suppressedReasons",), "sesv2", "SuppressionListReason"),
    ("AccountVdmAttributes", ("vdmEnabled",), "sesv2", "FeatureStatus"),
    ("EmailIdentity", ("dkimSigningAttributes", "nextSigningKeyLength"), "sesv2", "DkimSigningKeyLength"),
    ("EmailIdentityMailFromAttributes", ("behaviorOnMxFailure",), "sesv2", "BehaviorOnMxFailure"),
    ("Record", ("type",), "route53", "RRType"),
    ("Table", ("billingMode",), "dynamodb", "BillingMode"),
    ("MetricAlarm", ("comparisonOperator",), "cloudwatch", "ComparisonOperator"),
    ("MetricAlarm", ("statistic",), "cloudwatch", "Statistic"),
    ("MetricAlarm", ("metricQueries", 0, "metric", "stat"), "cloudwatch", "Statistic"),
    ("Function", ("runtime",), "lambda", "Runtime"),
    ("Function", ("architectures",), "lambda", "Architecture"),
    ("EventSourceMapping", ("functionResponseTypes",), "lambda", "FunctionResponseType"),
    ("Parameter", ("type",), "ssm", "ParameterType"),
]
# An address has no keys, and an alarm one metric or queries.
OPTIONAL = {"dkimSigningAttributes", "statistic", "metricQueries"}


def at(inputs: Any, path: tuple[str | int, ...]) -> list[Any]:
    for part in path:
        inputs = inputs[part]
    return inputs if isinstance(inputs, list) else [inputs]


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


# --- Everything, everywhere ----------------------------------------------------------------------------------------


@everywhere
@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_every_input_is_one_that_the_provider_has(stack: str, changed: dict[str, Any], preview: bool):
    deployment = run(stack, preview=preview, **changed)
    found = {resource.urn: problems(resource.token, resource.inputs) for resource in deployment.aws}
    assert {urn: problem for urn, problem in found.items() if problem} == {}


def test_a_misspelt_nested_key_would_be_found():
    destination = run("dev").of("ConfigurationSetEventDestination")[0]
    broken = {**destination.inputs, "eventDestination": {**destination.inputs["eventDestination"], "enabeld": True}}
    assert problems(destination.token, broken) == ["eventDestination.enabeld: no such input; did you mean 'enabled'?"]


@everywhere
def test_every_listed_value_is_one_that_aws_has(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    session = botocore.session.get_session()
    for kind, path, service, shape in ENUMS:
        known = set(cast("StringShape", session.get_service_model(service).shape_for(shape)).enum)
        assert known, shape
        for resource in deployment.of(kind):
            if path[0] in resource.inputs or path[0] not in OPTIONAL:
                assert set(at(resource.inputs, path)) <= known, resource.urn


@everywhere
def test_only_agreed_types_are_used(stack: str, changed: dict[str, Any]):
    assert {resource.token for resource in run(stack, **changed).aws} <= USED


@everywhere
def test_a_preview_shows_everything_that_is_then_made(stack: str, changed: dict[str, Any]):
    shown, made = run(stack, preview=True, **changed), run(stack, **changed)
    assert Counter(r.urn for r in shown.resources) == Counter(r.urn for r in made.resources)


@everywhere
def test_names_are_unique_and_say_whose_they_are(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    urns = Counter(resource.urn for resource in deployment.resources)
    assert [urn for urn, times in urns.items() if times > 1] == []
    named = [
        (r.token, name)
        for r in deployment.aws
        if (name := r.inputs.get("configurationSetName") or r.inputs.get("name"))
        and not r.token.endswith((":Record", ":RolePolicy", ":ConfigurationSetEventDestination", ":EmailIdentity"))
    ]
    assert len(named) == len(set(named))
    for token, name in named:
        plain = name.removeprefix("/aws/lambda/").removeprefix("alias/")
        assert f"{plain}-".startswith((f"mailstack-{stack}-", f"/mailstack/{stack}/")), (token, name)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_two_stacks_of_one_account_share_no_name(stack: str):
    other = {"dev": "prod", "prod": "dev"}[stack]
    mine, theirs = ({r.arn for r in run(each).aws if r.arn} for each in (stack, other))
    assert mine
    assert mine & theirs == set()


@everywhere
def test_every_resource_that_takes_tags_has_them(stack: str, changed: dict[str, Any]):
    for resource in run(stack, **changed).aws:
        if problems(resource.token, {**resource.inputs, "tags": {}}) == []:
            assert resource.inputs["tags"]["mailstack"] == stack, resource.urn


def test_the_stacks_own_tag_cannot_be_taken_over():
    with pytest.raises(SettingsInvalid, match="mailstack is the stack's own tag"):
        run("dev", tags={"mailstack": "other"})


@everywhere
def test_every_part_stands_under_the_stacks_component(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    by_urn = {resource.urn: resource for resource in deployment.resources}
    for resource in deployment.aws:
        top: Registered = resource
        while top.parent in by_urn:
            top = by_urn[top.parent]
        assert top.token == "mailstack:index:MailStack", resource.urn


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
def test_whoever_lets_a_service_in_says_on_whose_behalf(stack: str, changed: dict[str, Any]):
    for urn, statement in policy_documents(run(stack, **changed)):
        service = statement.get("Principal", {}).get("Service")
        # These two tell nothing of themselves; a role of ours is taken for nobody else's channel or instance.
        if service and service not in {"ec2.amazonaws.com", "chatbot.amazonaws.com"}:
            conditions = {key.lower() for tests in statement["Condition"].values() for key in tests}
            assert conditions & {"aws:sourcearn", "aws:sourceaccount", "kms:encryptioncontext:aws:logs:arn"}, urn


@everywhere
def test_the_outputs_are_what_the_library_reads(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    values = deployment.values
    written = deployment.one("Parameter", "outputs")
    assert written.inputs["name"] == f"/mailstack/{stack}/outputs"
    assert StackOutputs.from_json(written.inputs["insecureValue"], source="The parameter") == values
    assert len(written.inputs["insecureValue"]) <= MAX_PARAMETER_CHARACTERS
    assert {name: deployment.exports[name] for name in StackOutputs.model_fields} == values.model_dump(mode="json")


def test_outputs_of_long_names_and_three_streams_fit_into_one_parameter():
    changed: dict[str, Any] = {
        "domain": f"{'a' * 40}.example.com",
        "streams": {"transactional": {}, "newsletter-campaign": {}, "announcements": {}},
    }
    deployment = run("prod", region="ap-southeast-3", zone="example.com", sender="", **changed)
    assert len(deployment.one("Parameter", "outputs").inputs["insecureValue"]) <= MAX_PARAMETER_CHARACTERS


def named(count: int, **options: object) -> dict[str, Any]:
    """Streams of the longest names."""
    return {"transactional": options, **{f"stream-{number:03}-{'x' * 9}": options for number in range(count - 1)}}


@pytest.mark.parametrize(("count", "secondary"), [(13, ""), (50, "eu-west-1")])
def test_fifty_guarded_streams_fit_into_what_aws_bounds(count: int, secondary: str):
    deployment = run("prod", secondaryRegion=secondary, streams=named(count))
    parameter = deployment.one("Parameter", "outputs").inputs
    size = len(parameter["insecureValue"])
    assert size <= MAX_ADVANCED_CHARACTERS
    assert (parameter.get("tier") == "Advanced") == (size > MAX_PARAMETER_CHARACTERS)
    assert len(deployment.values.streams) == count
    policy = deployment.one("Policy", "sender").inputs["policy"]
    assert len("".join(policy.split())) <= LONGEST_POLICY
    widgets = json.loads(deployment.one("Dashboard", "dashboard").inputs["dashboardBody"])["widgets"]
    shown = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert all(len(alarms) <= 100 for alarms in shown)
    assert len(set(itertools.chain(*shown))) == sum(map(len, shown))
    assert len(widgets) <= MOST_WIDGETS
    guard = deployment.one("Function", "sending-guard").inputs["environment"]["variables"]
    assert sum(len(f"{name}{value}") for name, value in guard.items()) <= LONGEST_ENVIRONMENT
    assert set(guards_alarms(deployment)) == {a.inputs["alarmName"] for a in pausing_alarms_of(deployment)}
    for topic, allowed in publishers_of(deployment).items():
        telling = {a.arn for a in all_alarms(deployment) if topic in a.inputs.get("alarmActions", [])}
        assert {arn for arn in telling if not any(fnmatchcase(arn, pattern) for pattern in allowed)} == set()
    for kind, most in {"RolePolicy": 10_240, "TopicPolicy": 30_720, "QueuePolicy": 8_192, "Key": 32_768}.items():
        assert all(len("".join(each.inputs["policy"].split())) <= most for each in deployment.of(kind)), kind


def publishers_of(deployment: Deployment) -> dict[str, list[str]]:
    """The alarms that each topic's policy lets publish, or patterns of their ARNs."""
    statements = [deployment.policy("TopicPolicy", each.name) for each in deployment.of("TopicPolicy")]
    found = [each["CloudWatchPublishesAlarms"] for each in statements if "CloudWatchPublishesAlarms" in each]
    return {each["Resource"]: listed(each["Condition"]["ArnEquals"]["aws:SourceArn"]) for each in found}


def pausing_alarms_of(deployment: Deployment) -> list[Registered]:
    """The composite alarms that tell the guard."""
    topic = deployment.one("Topic", "guard").arn
    return [alarm for alarm in deployment.of("CompositeAlarm") if topic in alarm.inputs["alarmActions"]]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"streams": {n: {"configurationSet": f"{n}-{'y' * 40}"} for n in named(50)}},
            "guard's environment would have",
        ),
        ({"streams": named(100)}, "The guard's policy would have about .* 100 streams, 100 of them with a guard"),
        ({"streams": named(180, guard=False)}, "The dashboard would have about .* widgets; CloudWatch allows 500"),
        (
            {"streams": {n: {"configurationSet": f"{n}-{'y' * 40}", "guard": False} for n in named(50)}},
            "The sender policy would be longer than the 6144 characters",
        ),
        ({"streams": named(300, guard=False)}, "The outputs would be about"),
        ({"allowedRecipients": [f"*@{n:03}.example.com" for n in range(300)]}, "The sender policy would be longer"),
    ],
)
def test_what_aws_would_refuse_for_its_length_is_told_first(changed: dict[str, Any], words: str):
    with pytest.raises(SettingsInvalid, match=words):
        run("prod", **changed)


# --- Identity and DNS ----------------------------------------------------------------------------------------------


def test_a_domain_identity_has_easy_dkim_and_a_mail_from_domain():
    deployment = run("prod")
    identity = deployment.one("EmailIdentity", "domain").inputs
    assert identity["emailIdentity"] == "example.com"
    assert identity["dkimSigningAttributes"] == {"nextSigningKeyLength": "RSA_2048_BIT"}
    assert identity["configurationSetName"] == "mailstack-prod-transactional"
    mail_from = deployment.one("EmailIdentityMailFromAttributes", "mail-from").inputs
    assert (mail_from["mailFromDomain"], mail_from["behaviorOnMxFailure"]) == (
        "bounce.example.com",
        "USE_DEFAULT_VALUE",
    )


@pytest.mark.parametrize("preview", [True, False])
def test_a_key_of_ones_own_signs_stays_secret_and_is_published(preview: bool):
    dkim = {"selector": "own", "privateKey": private(pem=True)}
    deployment = run("prod", preview=preview, secret=("dkim",), dkim=dkim)
    identity = deployment.one("EmailIdentity", "domain")
    assert identity.secret == {"dkimSigningAttributes"}
    secret = private()
    assert identity.inputs["dkimSigningAttributes"] == {
        "domainSigningSelector": "own",
        "domainSigningPrivateKey": secret,
    }
    (record,) = [r.inputs for r in deployment.of("Record") if "_domainkey" in r.inputs["name"]]
    assert (record["name"], record["type"]) == ("own._domainkey.example.com", "TXT")
    value = record["records"][0].replace('""', "")
    assert value.startswith("v=DKIM1; k=rsa; p=MII")
    assert secret not in json.dumps(deployment.exports, default=str)


@pytest.mark.parametrize("adopt", [True, False])
@pytest.mark.parametrize("preview", [True, False])
def test_a_single_address_has_an_identity_and_no_dns(preview: bool, adopt: bool):
    deployment = run("dev", preview=preview, adopt=adopt, **ADDRESS)
    assert [r.inputs["emailIdentity"] for r in deployment.of("EmailIdentity")] == ["ada@example.com"] * (not adopt)
    assert all("dkimSigningAttributes" not in r.inputs for r in deployment.of("EmailIdentity"))
    assert deployment.read == ([("aws:sesv2/emailIdentity:EmailIdentity", "ada@example.com")] if adopt else [])
    assert deployment.of("EmailIdentityMailFromAttributes") == deployment.of("Record") == []
    assert len(deployment.of("EmailIdentityFeedbackAttributes")) == (not adopt)
    assert "ada@example.com may send once the link in SES's mail to it was followed." in deployment.said


def test_a_single_address_is_what_the_outputs_name():
    values = run("dev", **ADDRESS).values
    assert values.identity_arn == f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/ada@example.com"
    assert (values.identity, values.domain) == ("ada@example.com", "example.com")
    assert (values.mail_from_domain, values.dns_records) == ("", ())
    assert values.sender == "Ada Lovelace <ada@example.com>"


@pytest.mark.parametrize("forwarded", [True, False])
def test_feedback_is_mailed_only_where_that_is_wanted(forwarded: bool):
    inputs = run("prod", feedbackForwarding=forwarded).one("EmailIdentityFeedbackAttributes", "feedback").inputs
    assert inputs == {"emailIdentity": "example.com", "emailForwardingEnabled": forwarded}


@pytest.mark.parametrize("preview", [True, False])
def test_an_adopted_identity_is_read_and_never_registered(preview: bool):
    deployment = run("prod", preview=preview, adopt=True, mailFrom={}, dmarc={}, streams=TRACKS)
    assert deployment.read == [("aws:sesv2/emailIdentity:EmailIdentity", "example.com")]
    assert deployment.of("EmailIdentity") == deployment.of("EmailIdentityMailFromAttributes") == []
    assert deployment.of("EmailIdentityFeedbackAttributes") == []
    assert [record.name for record in deployment.of("Record")] == ["tracking-transactional"]


def test_of_an_adopted_identity_the_stack_sets_what_is_named():
    deployment = run("prod", adopt=True, takeOver=["mailFrom", "records"], streams=TRACKS)
    assert deployment.one("EmailIdentityMailFromAttributes", "mail-from")
    assert deployment.of("EmailIdentityFeedbackAttributes") == []
    assert {"dkim-0", "dmarc", "mail-from-mx", "tracking-transactional"} < {r.name for r in deployment.of("Record")}


def test_an_adopted_identity_keeps_its_mail_from_domain():
    values = run("prod", adopt=True, mailFrom={}, dmarc={}).values
    assert values.mail_from_domain == "owner.example.com"
    assert [record.type for record in values.dns_records] == ["CNAME"] * 3


def test_an_adopted_identity_may_sign_with_its_owners_key():
    values = run("prod", adopt=True, mailFrom={}, dmarc={}, identity=Sent(origin="EXTERNAL", tokens=("own",))).values
    assert values.dns_records == ()


def test_an_identity_that_signs_with_a_key_of_its_own_cannot_be_adopted():
    settings = Settings(domain="example.com", page=("oncall@example.com",), adopt=True)
    with pytest.raises(pulumi.RunError, match=r"BYODKIM.*put-email-identity-dkim-signing-attributes"):
        _token(settings, 0, ["selector"])
    assert _token(settings, 1, ["a", "b", "c"]) == "b"


@everywhere
def test_the_records_in_route_53_are_the_ones_in_the_outputs(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    published = {
        (r.inputs["name"], r.inputs["type"], *(value.replace('""', "") for value in r.inputs["records"]))
        for r in deployment.of("Record")
    }
    wanted = {(r.name, r.type, *r.values) for r in deployment.values.dns_records}
    if changed.get("dns") == "none":
        assert published == set()
        return
    assert {record for record in wanted - published if "._report._dmarc." not in record[0]} == set()
    assert published <= wanted
    assert all(r.inputs["ttl"] == 600 for r in deployment.of("Record"))


@pytest.mark.parametrize(
    ("region", "target"), [("us-east-1", "dkim.amazonses.com"), ("eu-south-1", "dkim.eu-south-1.amazonses.com")]
)
def test_dkim_records_point_where_the_region_keeps_its_keys(region: str, target: str):
    deployment = run("prod", region=region)
    records = [deployment.one("Record", f"dkim-{number}").inputs for number in range(3)]
    assert [record["records"] for record in records] == [[f"{token}.{target}"] for token in TOKENS]
    assert [record["name"] for record in records] == [f"{token}._domainkey.example.com" for token in TOKENS]


def test_a_preview_shows_dkim_records_whose_names_are_unknown():
    record = run("prod", preview=True).one("Record", "dkim-2").inputs
    assert (record["name"], record["records"]) == (wire.UNKNOWN, wire.UNKNOWN)
    assert (record["type"], record["ttl"]) == ("CNAME", 600)
    assert wire.UNKNOWN == rpc.UNKNOWN


def test_a_subdomain_publishes_in_its_parents_zone():
    records = run("dev", zone="example.com").of("Record")
    assert {record.inputs["zoneId"] for record in records} == {"Z0EXAMPLECOM"}
    assert "_dmarc.dev.example.com" in {record.inputs["name"] for record in records}


def test_a_record_of_somebody_elses_zone_is_asked_for_and_not_published():
    deployment = run("prod", dmarc={"reports": ["dmarc@example.org"]})
    name = "example.com._report._dmarc.example.org"
    assert name not in {record.inputs["name"] for record in deployment.of("Record")}
    assert name in {record.name for record in deployment.values.dns_records}
    (warning,) = (said for said in deployment.warnings if "not in the zone" in said)
    assert f'{name} is not in the zone example.com. Ask its owner to publish: TXT "v=DMARC1"' in warning


def test_without_a_zone_the_records_are_for_somebody_else_to_publish():
    deployment = run("prod", dns="none", domain="example.org", sender="")
    assert deployment.of("Record") == []
    names = {record.name for record in deployment.values.dns_records}
    assert {"_dmarc.example.org", "bounce.example.org", f"{TOKENS[0]}._domainkey.example.org"} <= names


def test_a_long_txt_value_is_cut_as_the_provider_wants_it():
    logo = f"https://example.com/{'l' * 300}.svg"
    (value,) = run("prod", bimi={"logo": logo}).one("Record", "bimi").inputs["records"]
    first, second = value.split('""')
    assert len(first) == 255
    assert first + second == f"v=BIMI1; l={logo}"


def test_records_that_are_there_are_taken_over_only_when_that_is_said():
    records = run("prod", overwriteRecords=["dkim", "mail-from-mx"]).of("Record")
    taken = {record.name for record in records if record.inputs.get("allowOverwrite")}
    assert taken == {record.name for record in records if record.retained}
    assert taken == {"dkim-0", "dkim-1", "dkim-2", "mail-from-mx"}
    assert not [r for r in run("prod").of("Record") if "allowOverwrite" in r.inputs or r.retained]


def test_a_record_that_the_stack_does_not_have_is_not_taken_over():
    with pytest.raises(SettingsInvalid, match=r"overwriteRecords names bimi, and the stack publishes .*dkim, dmarc, "):
        run("prod", overwriteRecords=["bimi", "dmarc"])


def test_what_a_taken_record_held_is_told_and_stays_beside_it():
    standing = (Standing("TXT", "example.com", '"token=1"|"v=spf1 include:_spf.example.net -all"'),)
    deployment = run("prod", spf=True, overwriteRecords="spf", standing=standing)
    record = deployment.one("Record", "spf")
    merged = "v=spf1 include:_spf.example.net include:amazonses.com -all"
    assert record.inputs["records"] == ["token=1", merged]
    assert record.retained
    (warning,) = (said for said in deployment.warnings if "is taken over" in said)
    assert "It holds 'token=1' and 'v=spf1 include:_spf.example.net -all'" in warning
    assert f"and will hold 'token=1' and '{merged}'. It stays when the stack is destroyed." in warning


def test_values_of_others_stay_in_a_record_of_the_stacks_own():
    standing = (Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=reject"|"token=1"'),)
    record = run("prod", standing=standing).one("Record", "dmarc")
    assert record.inputs["records"][0] == "token=1"
    assert record.inputs["records"][1].startswith("v=DMARC1; p=quarantine")
    assert record.retained
    assert "allowOverwrite" not in record.inputs


def test_a_stricter_policy_is_lost_only_when_it_is_named():
    standing = (Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=reject"'),)
    with pytest.raises(SettingsInvalid, match=r"asks for reject, .* 'mailstack:dmarc\.replaces' reject"):
        run("prod", overwriteRecords="dmarc", standing=standing)
    replaced = {"policy": "none", "replaces": "reject"}
    assert run("prod", overwriteRecords="dmarc", dmarc=replaced, standing=standing).one("Record", "dmarc")
    stricter = {"policy": "reject", "confirmed": "quarantine"}
    assert run("prod", overwriteRecords="dmarc", dmarc=stricter, standing=standing).one("Record", "dmarc")


def test_a_policy_weaker_than_the_one_above_is_warned_of():
    standing = (Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=reject; sp=quarantine"'),)
    options: dict[str, Any] = {"domain": "mail.example.com", "zone": "example.com", "sender": "", "dmarc": {}}
    (warning,) = [said for said in run("prod", standing=standing, **options).warnings if "asks for less" in said]
    assert "of mail.example.com asks for less than that of example.com, which would ask for quarantine" in warning
    options["dmarc"] = {"publish": False}
    assert not [said for said in run("prod", standing=standing, **options).warnings if "asks for less" in said]


def test_a_zone_that_is_not_there_is_told_before_anything_is_made():
    with pytest.raises(SettingsInvalid, match=r"mailstack:zone.*public hosted zone that holds example\.org"):
        run("prod", domain="example.org", sender="", page=["oncall@example.org"])


def test_a_zone_named_by_id_must_hold_the_domain():
    with pytest.raises(SettingsInvalid, match=r"is example\.test, which does not hold example\.com"):
        run("prod", zone="Z0EXAMPLETEST")


OWN = Sent(origin="EXTERNAL", tokens=("m2025",))
OLD_KEY = Standing("TXT", "m2025._domainkey.example.com", '"v=DKIM1; k=rsa; p=AAAA"')
SECRET = ("dkim",)


def rotated(selector: str = "m2026", **previous: str) -> dict[str, Any]:
    return {"dkim": {"selector": selector, "privateKey": private(pem=True), "previous": previous}}


def test_an_earlier_key_stays_published_until_its_day():
    deployment = run("prod", secret=SECRET, identity=OWN, standing=(OLD_KEY,), **rotated(m2025="2999-12-31"))
    old, new = (deployment.one("Record", f"dkim.{selector}").inputs for selector in ("m2025", "m2026"))
    assert (old["name"], old["records"]) == ("m2025._domainkey.example.com", ["v=DKIM1; k=rsa; p=AAAA"])
    assert new["name"] == "m2026._domainkey.example.com"
    later = run("prod", secret=SECRET, identity=OWN, standing=(OLD_KEY,), **rotated(m2025="2020-01-01"))
    assert [record.name for record in later.of("Record") if record.name.startswith("dkim.")] == ["dkim.m2026"]


@pytest.mark.parametrize(
    ("changed", "standing", "words"),
    [
        (rotated(), (OLD_KEY,), r"SES signs with the selector m2025 now, .*'mailstack:dkim\.previous\.m2025' YYYY"),
        ({"dkim": {}}, (OLD_KEY,), "SES signs with the selector m2025 now"),
        (rotated("m2025"), (OLD_KEY,), r"m2025\._domainkey\.example\.com holds another key"),
        (rotated(m2025="2999-12-31"), (), r"previous names m2025, and the zone holds no key at m2025"),
    ],
)
def test_a_rotation_that_breaks_signatures_is_refused(
    changed: dict[str, Any], standing: tuple[Standing, ...], words: str
):
    with pytest.raises(SettingsInvalid, match=words):
        run("prod", secret=SECRET, identity=OWN, standing=standing, **changed)


EASY: dict[str, Any] = {"dkim": {}}


@pytest.mark.parametrize(
    ("before", "changed", "kept"),
    [
        (OWN, rotated(), ("m2025._domainkey.example.com", "TXT")),
        (OWN, EASY, ("m2025._domainkey.example.com", "TXT")),
        (Sent(), rotated(), (", ".join(f"{token}._domainkey.example.com" for token in TOKENS), "CNAME")),
        (OWN, rotated("m2025"), None),
        (Sent(), EASY, None),
        (Sent(status=""), rotated(), None),
        (OWN, rotated(m2025="2999-12-31"), None),
    ],
)
def test_whoever_publishes_is_told_which_records_to_keep(
    before: Sent, changed: dict[str, Any], kept: tuple[str, str] | None
):
    if before.status == "":
        before = before._replace(tokens=())
    warnings = run("prod", dns="none", secret=SECRET, identity=before, **changed).warnings
    told = [each for each in warnings if "until this deployment" in each]
    if kept is None:
        assert told == []
        return
    (warning,) = told
    names, kind = kept
    assert f"SES signs by {names} until this deployment. Keep that {kind} for a week or more" in warning


def test_whoever_publishes_is_told_how_long_an_earlier_record_stays():
    previous = {"m2025": "2999-12-31", "m2024": "2020-01-01"}
    said = run("prod", dns="none", secret=SECRET, identity=OWN, **rotated(**previous)).said
    assert any("Keep the TXT record m2025._domainkey.example.com until 2999-12-31" in each for each in said)
    assert any("m2024._domainkey.example.com may be deleted: its last day was 2020-01-01" in each for each in said)


def test_the_same_key_under_its_selector_goes_on():
    first = run("prod", secret=SECRET, **rotated()).one("Record", "dkim.m2026").inputs["records"]
    standing = (Standing("TXT", "m2026._domainkey.example.com", f'"{first[0]}"'),)
    again = run(
        "prod", secret=SECRET, identity=Sent(origin="EXTERNAL", tokens=("m2026",)), standing=standing, **rotated()
    )
    assert again.one("Record", "dkim.m2026").inputs["records"] == first


@pytest.mark.parametrize(("origin", "warned"), [("AWS_SES", True), ("EXTERNAL", False), ("", False)])
def test_a_change_of_whose_key_signs_is_warned_of(origin: str, warned: bool):
    deployment = run("prod", secret=SECRET, identity=Sent(origin=origin, tokens=("m2026",)), **rotated())
    assert bool([said for said in deployment.warnings if "mail may leave unsigned" in said]) is warned


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"region": "xx-north-1"}, "aws:region is xx-north-1, and botocore knows of no SES there"),
        ({"secondaryRegion": "us-gov-west-1"}, "secondaryRegion is us-gov-west-1, and must be another region with SES"),
        ({"secondaryRegion": "us-east-1"}, "secondaryRegion is us-east-1, and must be another region with SES"),
    ],
)
def test_a_region_without_ses_is_refused_beforehand(changed: dict[str, Any], words: str):
    with pytest.raises(SettingsInvalid, match=words):
        run("prod", **changed)


# --- Streams and feedback ------------------------------------------------------------------------------------------


def test_a_stream_requires_tls_keeps_reputation_and_suppresses():
    inputs = run("prod").one("ConfigurationSet", "transactional").inputs
    assert inputs["deliveryOptions"] == {"tlsPolicy": "REQUIRE"}
    assert inputs["reputationOptions"] == {"reputationMetricsEnabled": True}
    assert inputs["suppressionOptions"] == {"suppressedReasons": ["BOUNCE", "COMPLAINT"]}


def test_a_stream_with_every_option_on_says_each():
    inputs = run("prod", streams=FULL).one("ConfigurationSet", "transactional").inputs
    assert inputs["deliveryOptions"] == {
        "tlsPolicy": "REQUIRE",
        "maxDeliverySeconds": 3600,
        "sendingPoolName": "receipts",
    }
    assert inputs["vdmOptions"] == {
        "dashboardOptions": {"engagementMetrics": "DISABLED"},
        "guardianOptions": {"optimizedSharedDelivery": "ENABLED"},
    }
    assert inputs["trackingOptions"] == {"customRedirectDomain": "links.example.com", "httpsPolicy": "REQUIRE"}


def test_a_stream_says_nothing_of_what_it_was_not_told():
    inputs = run("prod").one("ConfigurationSet", "transactional").inputs
    assert not {"vdmOptions", "trackingOptions"} & set(inputs)
    partly = run("prod", streams=FULL).one("ConfigurationSet", "bulk").inputs
    assert partly["vdmOptions"] == {"guardianOptions": {"optimizedSharedDelivery": "DISABLED"}}


def test_events_go_to_the_bus_and_to_firehose_where_that_is_wanted():
    deployment = run("prod", streams=FULL)
    bus = deployment.one("ConfigurationSetEventDestination", "transactional-bus").inputs["eventDestination"]
    assert bus["eventBridgeDestination"] == {"eventBusArn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"}
    assert {"SEND", "DELIVERY", "BOUNCE", "OPEN", "CLICK"} <= set(bus["matchingEventTypes"])
    kept = deployment.one("ConfigurationSetEventDestination", "transactional-firehose")
    role = deployment.one("Role", "transactional-firehose")
    assert kept.inputs["eventDestination"]["kinesisFirehoseDestination"] == {
        "deliveryStreamArn": KEPT_BY,
        "iamRoleArn": role.arn,
    }
    assert deployment.one("RolePolicy", "transactional-firehose").urn in kept.depends_on
    (put,) = deployment.policy("RolePolicy", "transactional-firehose").values()
    assert (put["Action"], put["Resource"]) == ("firehose:PutRecordBatch", KEPT_BY)
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Condition"]["StringEquals"] == {
        "AWS:SourceAccount": ACCOUNT,
        "AWS:SourceArn": deployment.one("ConfigurationSet", "transactional").arn,
    }


@pytest.mark.parametrize("status", ["", "PENDING", "NOT_STARTED", "FAILED"])
def test_a_tracking_domain_waits_for_a_verified_identity(status: str):
    deployment = run("prod", streams=TRACKS, identity=Sent(status))
    assert "trackingOptions" not in deployment.one("ConfigurationSet", "transactional").inputs
    (warning,) = (said for said in deployment.warnings if "Tracked links" in said)
    assert "SES takes links.example.com only then" in warning
    assert "mailer dns --stack prod --check --wait 600" in warning


def test_a_tracking_domain_stays_while_ses_looks_again():
    deployment = run("prod", streams=TRACKS, identity=Sent("TEMPORARY_FAILURE"))
    assert "trackingOptions" in deployment.one("ConfigurationSet", "transactional").inputs


@pytest.mark.parametrize(
    ("tracking", "target"),
    [({}, "r.eu-west-1.awstrack.me"), ({"https": "REQUIRE", "target": "cdn.example.org"}, "cdn.example.org")],
)
def test_a_tracking_domain_leads_to_ses_or_to_what_stands_before_it(tracking: dict[str, str], target: str):
    wanted = {"events": "CLICK", "domain": "links.example.com", **tracking}
    streams = {"transactional": {"eventBridge": True, "tracking": wanted}}
    record = run("prod", region="eu-west-1", streams=streams).one("Record", "tracking-transactional").inputs
    assert (record["name"], record["type"], record["records"]) == ("links.example.com", "CNAME", [target])


def test_the_account_is_set_by_the_stack_that_owns_it_alone():
    assert not [r for r in run("prod").aws if ":account" in r.token]
    owner = run("prod", ownsAccount=True, account={"vdm": True})
    (suppression,) = owner.of("AccountSuppressionAttributes")
    assert suppression.inputs["suppressedReasons"] == ["BOUNCE", "COMPLAINT"]
    assert owner.one("AccountVdmAttributes", "vdm").inputs["dashboardAttributes"] == {"engagementMetrics": "DISABLED"}
    assert run("prod", ownsAccount=True).of("AccountVdmAttributes") == []


def test_a_deployment_does_not_start_a_paused_stream():
    stream = run("prod").one("ConfigurationSet", "transactional")
    assert stream.ignores == ("sendingOptions",)
    assert stream.inputs["sendingOptions"] == {"sendingEnabled": True}


@everywhere
def test_every_stream_publishes_what_must_be_acted_upon(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    topic, policy = deployment.one("Topic", "events"), deployment.one("TopicPolicy", "events")
    destinations = deployment.of("ConfigurationSetEventDestination")
    told = [each for each in destinations if each.inputs["eventDestinationName"] == "feedback"]
    assert len(told) == len(deployment.of("ConfigurationSet"))
    for destination in told:
        event = destination.inputs["eventDestination"]
        assert event["enabled"] is True
        assert event["snsDestination"] == {"topicArn": topic.arn}
        assert {"BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "REJECT"} <= set(event["matchingEventTypes"])
        assert policy.urn in destination.depends_on


@everywhere
def test_ses_may_publish_for_the_stacks_own_sets_alone(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    condition = deployment.policy("TopicPolicy", "events")["SesPublishesEvents"]["Condition"]["StringEquals"]
    assert set(listed(condition["AWS:SourceArn"])) == {r.arn for r in deployment.of("ConfigurationSet")}
    assert condition["AWS:SourceAccount"] == ACCOUNT


@pytest.mark.parametrize(
    ("worker", "topic"), [("feedback", "events"), ("sending-guard", "guard"), ("account-monitor", "pagers")]
)
def test_nothing_that_a_worker_hears_is_lost(worker: str, topic: str):
    deployment = run("prod")
    queue, dlq = deployment.one("Queue", worker), deployment.one("Queue", f"{worker}-dlq")
    assert json.loads(queue.inputs["redrivePolicy"]) == {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": 5}
    allow = deployment.one("RedriveAllowPolicy", f"{worker}-dlq").inputs
    assert json.loads(allow["redriveAllowPolicy"]) == {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
    assert dlq.inputs["messageRetentionSeconds"] > queue.inputs["messageRetentionSeconds"]

    subscription = deployment.one("TopicSubscription", worker)
    assert subscription.inputs["topic"] == deployment.one("Topic", topic).arn
    assert (subscription.inputs["protocol"], subscription.inputs["endpoint"]) == ("sqs", queue.arn)
    assert json.loads(subscription.inputs["redrivePolicy"]) == {"deadLetterTargetArn": dlq.arn}
    for each in (queue, dlq):
        assert deployment.one("QueuePolicy", each.name).urn in subscription.depends_on
        sends = deployment.policy("QueuePolicy", each.name)["TopicSends"]
        source = sends["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert (sends["Resource"], source) == (each.arn, subscription.inputs["topic"])


@everywhere
def test_every_delivery_has_a_dlq_that_takes_it(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    policies = {r.arn: deployment.policy("QueuePolicy", r.name) for r in deployment.of("Queue")}
    rules = {rule.inputs["name"]: rule.arn for rule in deployment.of("EventRule")}
    deliveries = [
        *(
            ("TopicSends", each.inputs["topic"], json.loads(each.inputs["redrivePolicy"])["deadLetterTargetArn"])
            for each in deployment.of("TopicSubscription")
        ),
        *(
            ("RuleSends", rules[each.inputs["rule"]], arn)
            for each in deployment.of("EventTarget")
            for arn in (each.inputs["deadLetterConfig"]["arn"], each.inputs["arn"])
        ),
    ]
    assert len(deliveries) >= 2
    for sid, source, queue in deliveries:
        assert source in listed(policies[queue][sid]["Condition"]["ArnEquals"]["aws:SourceArn"])


@everywhere
def test_eventbridge_publishes_to_no_topic_and_uses_no_key(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    let_in = {
        resource.token.rpartition(":")[2]
        for resource in deployment.aws
        for key in ("policy", "assumeRolePolicy")
        if "events.amazonaws.com" in str(resource.inputs.get(key))
    }
    assert let_in <= {"QueuePolicy"}
    sent_to = {target.inputs[key] for target in deployment.of("EventTarget") for key in ("arn",)}
    encrypted = {queue.arn for queue in deployment.of("Queue") if queue.inputs.get("kmsMasterKeyId")}
    assert sent_to & encrypted == set()
    assert {arn.split(":")[2] for arn in sent_to} <= {"sqs"}


@pytest.mark.parametrize("worker", ["feedback", "sending-guard", "account-monitor"])
def test_a_worker_polls_once_its_role_may_and_reports_single_failures(worker: str):
    deployment = run("prod")
    function, queue = deployment.one("Function", worker), deployment.one("Queue", worker)
    mapping = deployment.one("EventSourceMapping", worker)
    assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (mapping.inputs["eventSourceArn"], mapping.inputs["functionName"]) == (queue.arn, function.arn)
    assert deployment.one("RolePolicy", worker).urn in mapping.depends_on
    assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * function.inputs["timeout"]


def test_functions_are_the_zips_of_the_repository_with_logs_that_end():
    deployment = run("prod")
    for worker in ("feedback", "sending-guard"):
        function, group = deployment.one("Function", worker), deployment.one("LogGroup", worker)
        assert group.inputs["name"] == f"/aws/lambda/{function.inputs['name']}"
        assert group.inputs["retentionInDays"] == 365
        assert group.urn in function.depends_on
        assert (function.inputs["runtime"], function.inputs["architectures"]) == ("python3.13", ["arm64"])
        assert function.inputs["handler"] == "handler.handle"
        assert function.inputs["code"]["path"].startswith(str(ROOT / ".build"))
        assert "reservedConcurrentExecutions" not in function.inputs


@pytest.mark.parametrize(
    ("name", "source"),
    [("feedback", "feedback"), ("sending-guard", "sending_guard"), ("account-monitor", "account_monitor")],
)
def test_a_functions_environment_is_what_its_handler_reads(name: str, source: str):
    given = run("prod").one("Function", name).inputs["environment"]["variables"]
    assert set(given) == variables_read(handler(source))


def variables_read(module: ModuleType) -> set[str]:
    """The names that a module looks up in `os.environ`, as its own names have them."""
    tree = ast.parse(Path(str(module.__file__)).read_text())
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ"
    ]
    assert found
    assert ast.unparse(tree).count("os.environ") == len(found), "the environment is read by subscripts alone"
    return {eval(ast.unparse(node.slice), vars(module)) for node in found}  # noqa: S307 - the repository's own code


def test_the_guards_environment_names_the_streams_it_pauses():
    guard = run("prod", streams=BULK).one("Function", "sending-guard").inputs["environment"]["variables"]
    assert (guard[STACK], guard[GUARDED]) == ("prod", "transactional,bulk")


def test_the_tables_keys_are_those_that_the_stores_write():
    table = run("prod").one("Table", "store").inputs
    written: list[dict[str, Any]] = []

    class Api:
        def call(self, operation: str, request: Any) -> dict[str, Any]:
            written.extend(action["Put"]["Item"] for action in request["TransactItems"] if "Put" in action)
            return {}

    recent = datetime.now(UTC)
    event = ProcessedEvent(
        key="e",
        kind="Bounce",
        outcome="suppressed",
        detail="",
        recipient="",
        message_id="",
        simulator=False,
        occurred_at=recent,
        expires_at=recent + timedelta(days=1),
        counts_as="",
    )
    DynamoDBEvents("store", cast("Any", Api())).record(event)
    (item,) = written
    assert {table["hashKey"], table["rangeKey"], table["ttl"]["attributeName"]} <= item.keys()
    assert item[table["hashKey"]] == {"S": f"{EVENTS}e"}


def test_concurrency_is_bounded_where_the_queue_is_polled():
    deployment = run("prod", functionConcurrency=5)
    mappings = deployment.of("EventSourceMapping")
    assert [mapping.inputs["scalingConfig"] for mapping in mappings] == [{"maximumConcurrency": 5}] * 3
    assert not [mapping for mapping in run("prod").of("EventSourceMapping") if "scalingConfig" in mapping.inputs]
    # AWS refuses to reserve any in an account whose limit is 10.
    assert not [r for r in deployment.of("Function") if "reservedConcurrentExecutions" in r.inputs]


def test_the_table_forgets_on_time_and_can_be_restored():
    inputs = run("prod").one("Table", "store").inputs
    assert (inputs["hashKey"], inputs["rangeKey"], inputs["billingMode"]) == ("pk", "sk", "PAY_PER_REQUEST")
    assert inputs["ttl"] == {"attributeName": "expires_at", "enabled": True}
    assert inputs["pointInTimeRecovery"] == {"enabled": True}
    assert {attribute["name"] for attribute in inputs["attributes"]} == {"pk", "sk"}


@pytest.mark.parametrize(("stack", "protected"), [("prod", True), ("dev", False), ("local", False)])
def test_what_cannot_be_made_again_is_protected_in_production(stack: str, protected: bool):
    deployment = run(stack)
    dear = {
        "EmailIdentity",
        "EmailIdentityMailFromAttributes",
        "ConfigurationSet",
        "Key",
        "Table",
        "Parameter",
        "Record",
    }
    guarded = {resource.token.rpartition(":")[2] for resource in deployment.aws if resource.protect}
    assert guarded == (dear if protected else set())
    records = {record.name for record in deployment.of("Record") if record.protect}
    needed = {"dkim-0", "dkim-1", "dkim-2", "mail-from-mx", "mail-from-spf"}
    assert records == (needed if protected else set())
    assert deployment.one("Table", "store").inputs["deletionProtectionEnabled"] is protected


@everywhere
def test_the_protected_parameter_is_deleted_before_all_else(stack: str, changed: dict[str, Any]):
    """Pulumi deletes what nothing needs first, and stops at the first that is protected."""
    deployment = run(stack, **changed)
    needs = {resource.urn: resource.depends_on for resource in deployment.aws}
    reached, found = set[str](), {deployment.one("Parameter", "outputs").urn}
    while found:
        reached |= found
        found = {urn for each in found for urn in needs.get(each, ())} - reached
    assert {resource.urn for resource in deployment.aws} - reached == set()


# --- Encryption ----------------------------------------------------------------------------------------------------

# What keeps something, and the input that says whose key it is encrypted with.
KEPT = {
    "Topic": lambda inputs: inputs.get("kmsMasterKeyId"),
    "Queue": lambda inputs: inputs.get("kmsMasterKeyId"),
    "Table": lambda inputs: inputs.get("serverSideEncryption", {}).get("kmsKeyArn"),
    "LogGroup": lambda inputs: inputs.get("kmsKeyId"),
    "Function": lambda inputs: inputs.get("kmsKeyArn"),
}


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_everything_that_is_kept_is_encrypted_with_a_key_of_our_own(stack: str):
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


def test_the_accounts_principals_use_the_key_only_through_services():
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
def test_roles_and_senders_use_the_key_through_what_they_work_with(kind: str, name: str, services: set[str]):
    deployment = run("prod")
    use = deployment.policy(kind, name)["UseKey"]
    assert (use["Resource"], use["Action"]) == (
        deployment.one("Key", "key").arn,
        ["kms:Decrypt", "kms:GenerateDataKey"],
    )
    through = set(use["Condition"]["StringEquals"]["kms:ViaService"])
    assert through == {f"{service}.us-east-1.amazonaws.com" for service in services}


# --- Watching ------------------------------------------------------------------------------------------------------


def watched_by(alarm: Registered) -> dict[str, Any]:
    """What an alarm looks at: its own inputs, or the metric that is filled."""
    queries = alarm.inputs.get("metricQueries")
    if not queries:
        return alarm.inputs
    metric = next(query["metric"] for query in queries if "metric" in query)
    return {**alarm.inputs, **metric, "statistic": metric["stat"]}


def all_alarms(deployment: Deployment) -> list[Registered]:
    return deployment.of("MetricAlarm") + deployment.of("CompositeAlarm")


@everywhere
def test_every_alarm_pages_and_says_when_all_is_well(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    people = {topic.arn for topic in deployment.of("Topic") if topic.name in {"paging", "warnings"}}
    parts = {part for alarm in deployment.of("CompositeAlarm") for part in alarm.inputs["alarmRule"].split('"')[1::2]}
    for alarm in all_alarms(deployment):
        pages = alarm.inputs.get("okActions", [])
        assert bool(pages) == (alarm.inputs.get("name") not in parts), alarm.urn
        assert set(pages) <= people & set(alarm.inputs.get("alarmActions", [])), alarm.urn
        assert len(alarm.inputs["alarmDescription"]) <= 1024
    assert not [alarm.urn for alarm in deployment.of("MetricAlarm") if "unit" in alarm.inputs]


@pytest.mark.parametrize(
    ("alarm", "metric", "threshold"),
    [
        ("bounce-rate-warning", "Reputation.BounceRate", 0.04),
        ("bounce-rate-reached-critical", "Reputation.BounceRate", 0.08),
        ("complaint-rate-warning", "Reputation.ComplaintRate", 0.0008),
        ("complaint-rate-reached-critical", "Reputation.ComplaintRate", 0.004),
    ],
)
def test_rates_are_watched_by_configuration_set_as_fractions(alarm: str, metric: str, threshold: float):
    inputs = run("prod").one("MetricAlarm", f"transactional-{alarm}").inputs
    assert inputs["name"] == f"mailstack-prod-transactional-{alarm}"
    assert (inputs["namespace"], inputs["metricName"]) == ("AWS/SES", metric)
    assert inputs["dimensions"] == {"ses:configuration-set": "mailstack-prod-transactional"}
    assert inputs["threshold"] == threshold
    assert inputs["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert inputs["treatMissingData"] == "ignore"


@pytest.mark.parametrize("kind", ["bounce", "complaint"])
def test_a_critical_rate_acts_only_with_enough_mail_behind_it(kind: str):
    deployment = run("prod", streams={"transactional": {"minimumSends": 250}})
    critical = deployment.one("CompositeAlarm", f"transactional-{kind}-rate-critical")
    names = [f"transactional-{kind}-rate-reached-critical", "transactional-sends-enough"]
    rule = f'ALARM("mailstack-prod-{names[0]}") AND ALARM("mailstack-prod-{names[1]}")'
    assert critical.inputs["alarmRule"] == rule
    assert critical.inputs["alarmActions"] == [deployment.one("Topic", topic).arn for topic in ("paging", "guard")]
    assert {deployment.one("MetricAlarm", name).urn for name in names} <= critical.depends_on
    enough = deployment.one("MetricAlarm", names[1]).inputs
    assert (enough["metricName"], enough["statistic"], enough["period"]) == ("Send", "Sum", 86_400)
    assert (enough["comparisonOperator"], enough["threshold"]) == ("GreaterThanThreshold", 249)
    assert (enough["treatMissingData"], enough.get("alarmActions", [])) == ("notBreaching", [])


@everywhere
def test_ses_counts_for_every_metric_that_a_stream_is_watched_by(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    destinations = {r.inputs["configurationSetName"]: r.inputs["eventDestination"]
                    for r in deployment.of("ConfigurationSetEventDestination")
                    if r.inputs["eventDestinationName"] == "counts"}  # fmt: skip
    for alarm in deployment.of("MetricAlarm"):
        inputs = watched_by(alarm)
        name = inputs.get("dimensions", {}).get("ses:configuration-set")
        if name and not inputs["metricName"].startswith("Reputation."):
            counted = {event.replace("_", "").title().lower() for event in destinations[name]["matchingEventTypes"]}
            assert inputs["metricName"].lower() in counted, alarm.urn
            (dimension,) = destinations[name]["cloudWatchDestination"]["dimensionConfigurations"]
            assert (dimension["dimensionName"], dimension["dimensionValueSource"]) == (
                "ses:configuration-set",
                "MESSAGE_TAG",
            )


def test_functions_queues_and_deliveries_are_watched_as_counts():
    deployment = run("prod")
    watched = {
        (alarm.inputs["metricName"], alarm.inputs["threshold"], *alarm.inputs["dimensions"].items())
        for alarm in deployment.of("MetricAlarm")
        if watched_by(alarm)["namespace"] in {"AWS/Lambda", "AWS/SQS", "AWS/SNS", "AWS/Events", "Mailstack/Functions"}
    }
    names = [f"mailstack-prod-{worker}" for worker in ("feedback", "sending-guard", "account-monitor")]
    topics = [topic.inputs["name"] for topic in deployment.of("Topic")]
    rules = [rule.inputs["name"] for rule in deployment.of("EventRule")]
    of_functions = ("Errors", "Throttles", "FailedRecords")
    assert watched == {
        *((metric, 0, ("FunctionName", name)) for name in names for metric in of_functions),
        *(("ApproximateAgeOfOldestMessage", 900, ("QueueName", name)) for name in names),
        *(
            ("ApproximateNumberOfMessagesVisible", 0, ("QueueName", f"{name}-dlq"))
            for name in (*names, "mailstack-prod-paging")
        ),
        *(("NumberOfNotificationsFailed", 0, ("TopicName", name)) for name in topics),
        *(("FailedInvocations", 0, ("RuleName", name)) for name in rules),
    }
    assert (len(topics), len(rules)) == (4, 3)


def test_the_accounts_own_rates_are_watched_without_a_dimension():
    deployment = run("prod")
    account = {
        alarm.name: alarm.inputs["threshold"]
        for alarm in deployment.of("MetricAlarm")
        if alarm.inputs.get("metricName", "").startswith("Reputation.") and not alarm.inputs.get("dimensions")
    }
    assert account == {
        "account-bounce-rate-warning": 0.04,
        "account-bounce-rate-reached-critical": 0.08,
        "account-complaint-rate-warning": 0.0008,
        "account-complaint-rate-reached-critical": 0.004,
    }
    for kind in ("bounce", "complaint"):
        critical = deployment.one("CompositeAlarm", f"account-{kind}-rate-critical").inputs
        parts = [f"mailstack-prod-account-{part}" for part in (f"{kind}-rate-reached-critical", "sends-enough")]
        assert critical["alarmRule"] == " AND ".join(f'ALARM("{part}")' for part in parts)
        assert critical["alarmActions"] == [deployment.one("Topic", "paging").arn]


def test_the_account_needs_as_much_mail_as_the_most_watchful_stream():
    streams = {"transactional": {"minimumSends": 50}, "bulk": {"minimumSends": 500}}
    enough = run("prod", streams=streams).one("MetricAlarm", "account-sends-enough").inputs
    assert (enough["metricName"], enough["threshold"]) == ("SentLast24Hours", 50)
    assert (enough["comparisonOperator"], enough["dimensions"]) == ("GreaterThanOrEqualToThreshold", {"Stack": "prod"})


def test_a_stack_without_a_guard_only_pages():
    deployment = run("prod", streams=UNGUARDED)
    assert not [resource for resource in deployment.resources if "guard" in resource.name]
    assert deployment.values.guard_function == ""
    topics = {topic.arn: topic.name for topic in deployment.of("Topic")}
    assert {topics[arn] for alarm in all_alarms(deployment) for arn in alarm.inputs.get("alarmActions", [])} == {
        "paging",
        "pagers",
    }


def test_the_guard_pauses_only_streams_that_want_it():
    deployment = run("prod", streams={"transactional": {}, "bulk": {"guard": False}})
    pause = deployment.policy("RolePolicy", "sending-guard")["PauseSending"]
    assert pause["Resource"] == deployment.one("ConfigurationSet", "transactional").arn
    critical = deployment.one("CompositeAlarm", "bulk-bounce-rate-critical").inputs
    assert critical["alarmActions"] == [deployment.one("Topic", "paging").arn]


@everywhere
def test_every_alarm_that_the_guard_hears_of_is_one_that_it_knows(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    topics = {topic.arn for topic in deployment.of("Topic") if topic.name == "guard"}
    heard = {
        a.inputs.get("alarmName") for a in all_alarms(deployment) if topics & set(a.inputs.get("alarmActions", []))
    }
    known = guards_alarms(deployment)
    assert heard == set(known)
    sets = {each.inputs["configurationSetName"] for each in deployment.of("ConfigurationSet")}
    assert set(known.values()) <= sets


def guards_alarms(deployment: Deployment) -> dict[str, str]:
    """What the deployed guard makes of its environment: the set that each alarm pauses."""
    functions = [function.inputs["environment"]["variables"] for function in deployment.of("Function")]
    (guard,) = [each for each in functions if "MAILSTACK_GUARDED" in each] or [{}]
    return pausing_alarms(guard["MAILSTACK_STACK"], guard["MAILSTACK_GUARDED"]) if guard else {}


@everywhere
def test_exactly_the_alarms_that_publish_to_a_topic_may(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    for policy in deployment.of("TopicPolicy"):
        topic = deployment.one("Topic", policy.name)
        statement = deployment.policy("TopicPolicy", policy.name).get("CloudWatchPublishesAlarms", {})
        let_in = set(listed(statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", [])))
        publishing = [alarm for alarm in all_alarms(deployment) if topic.arn in alarm.inputs.get("alarmActions", [])]
        assert let_in == {alarm.arn for alarm in publishing}, policy.name
        assert statement.get("Resource", topic.arn) == topic.arn


@everywhere
def test_no_policy_lets_in_a_stack_whose_name_begins_with_this_ones(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    renamed = [(r.arn, r.arn.replace(f"-{stack}-", f"-{stack}-eu-")) for r in deployment.aws]
    theirs = {new for old, new in renamed if new != old}
    for urn, statement in policy_documents(deployment):
        if "SlackChannels" in urn:  # people in Slack may look at alarms, and do nothing else
            continue
        values = [value for test in statement.get("Condition", {}).values() for value in test.values()]
        named = {str(one) for value in (statement.get("Resource", []), *values) for one in listed(value)} - {"*"}
        assert not {arn for arn in theirs if any(fnmatchcase(arn, pattern) for pattern in named)}, urn


@pytest.mark.parametrize("worker", ["account-monitor", "sending-guard"])
def test_a_clock_ticks_straight_into_the_queue(worker: str):
    deployment = run("prod")
    rule, target = deployment.one("EventRule", worker), deployment.one("EventTarget", worker)
    queue, dlq = deployment.one("Queue", worker), deployment.one("Queue", f"{worker}-dlq")
    assert rule.inputs["scheduleExpression"] == "rate(5 minutes)"
    assert (target.inputs["rule"], target.inputs["arn"]) == (rule.inputs["name"], queue.arn)
    assert target.inputs["deadLetterConfig"] == {"arn": dlq.arn}
    assert {deployment.one("QueuePolicy", each.name).urn for each in (queue, dlq)} <= target.depends_on


def test_the_account_monitor_may_measure_page_and_mail_people():
    deployment = run("prod", warn=["https://events.example.org/x", "team@example.com"])
    role = deployment.policy("RolePolicy", "account-monitor")
    assert set(role) == {
        *("TakeFromTheQueue", "WriteTheLog", "SeeTheAccount", "PublishMetrics", "Page", "Send", "UseKey")
    }
    assert role["PublishMetrics"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Mailstack/Account"}}
    paging = deployment.one("Topic", "paging").arn
    assert (role["Page"]["Action"], role["Page"]["Resource"]) == (["sns:GetTopicAttributes", "sns:Publish"], paging)
    assert role["Send"]["Condition"] == {"StringEquals": {"ses:FromAddress": ["no-reply@example.com"]}}
    assert deployment.one("Function", "account-monitor").inputs["environment"]["variables"] == {
        "MAILSTACK_STACK": "prod",
        "MAILSTACK_PAGING_TOPIC_ARN": paging,
        "MAILSTACK_SENDER": "no-reply@example.com",
        "MAILSTACK_CONFIGURATION_SET": "mailstack-prod-transactional",
        "MAILSTACK_PEOPLE": '["oncall@example.com", "mail-team@example.com", "team@example.com"]',
    }


def test_missing_pagers_are_told_where_others_hear():
    apart = run("prod", warn=["team@example.com"])
    missing = apart.one("MetricAlarm", "account-pagers-missing").inputs
    heard = {topic.name for topic in apart.of("Topic") if topic.arn in missing["alarmActions"]}
    assert heard == {"paging", "warnings", "pagers"}
    assert (missing["metricName"], missing["threshold"], missing["comparisonOperator"]) == (
        "ConfirmedPagers",
        1,
        "LessThanThreshold",
    )
    nobody_asked = run("local").of("MetricAlarm")
    assert not [alarm for alarm in nobody_asked if alarm.name == "account-pagers-missing"]


def test_the_program_and_the_monitor_mean_the_same_metrics():
    account: Any = {
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "SendQuota": {"Max24HourSend": 1.0, "SentLast24Hours": 0.0, "MaxSendRate": 1.0},
    }
    topic = {"SubscriptionsConfirmed": "2", "SubscriptionsPending": "0"}
    data = [*measure(account, "prod"), *subscribed(topic, "prod")]
    published = {(d["MetricName"], *(x["Value"] for x in d.get("Dimensions", []))) for d in data}
    watched = [inputs for a in run("prod").of("MetricAlarm") if (inputs := watched_by(a))["namespace"] == NAMESPACE]
    assert len(watched) == 7
    assert {(alarm["metricName"], *alarm["dimensions"].values()) for alarm in watched} <= published


def test_the_account_is_watched_for_quota_standing_and_silence():
    deployment = run("prod")
    found = {
        alarm.name: (watched_by(alarm)["metricName"], alarm.inputs["threshold"], alarm.inputs["treatMissingData"])
        for alarm in deployment.of("MetricAlarm")
        if watched_by(alarm)["namespace"] == NAMESPACE
    }
    assert found == {
        "account-sends-enough": ("SentLast24Hours", 100, "ignore"),
        "account-quota-warning": ("QuotaUsed", 0.8, "ignore"),
        "account-quota-critical": ("QuotaUsed", 0.9, "ignore"),
        "account-enforcement": ("Enforcement", 0, "ignore"),
        "account-sending-disabled": ("SendingDisabled", 0, "ignore"),
        "account-pagers-missing": ("ConfirmedPagers", 1, "ignore"),
        "account-monitor-silent": ("QuotaUsed", 1, "breaching"),
    }
    heartbeat = watched_by(deployment.one("MetricAlarm", "account-monitor-silent"))
    assert (heartbeat["statistic"], heartbeat["period"], heartbeat["evaluationPeriods"]) == ("SampleCount", 300, 3)


def test_what_ses_says_about_the_account_pages():
    deployment = run("prod", warn=["team@example.com"])
    rule, target = deployment.one("EventRule", "ses-events"), deployment.one("EventTarget", "ses-events")
    pattern = json.loads(rule.inputs["eventPattern"])
    assert pattern["source"] == ["aws.ses"]
    assert {"Sending Status Disabled", "Advisor Recommendation Status Open"} <= set(pattern["detail-type"])
    assert target.inputs["arn"] == deployment.one("Queue", "account-monitor").arn
    assert deployment.one("QueuePolicy", "account-monitor").urn in target.depends_on


def test_one_stack_of_an_account_is_enough_to_watch_it():
    deployment = run("prod", watchAccount=False)
    assert [rule.name for rule in deployment.of("EventRule")] == ["sending-guard"]
    assert not [r.name for r in deployment.aws if r.name.startswith("account")]
    assert set(deployment.policy("TopicPolicy", "paging")) == {"CloudWatchPublishesAlarms", "OverTlsAlone"}


def test_warnings_can_go_elsewhere_and_critical_alarms_do_not():
    deployment = run("prod", page=["oncall@example.com"], warn=["team@example.com", "https://chat.example.org/x"])
    paging, warnings = (deployment.one("Topic", name).arn for name in ("paging", "warnings"))
    told = {r.inputs["endpoint"]: r.inputs["topic"] for r in deployment.of("TopicSubscription")}
    assert {told["team@example.com"], told["https://chat.example.org/x"]} == {warnings}
    assert told["oncall@example.com"] == paging
    levels = {alarm.name: alarm.inputs.get("okActions") for alarm in all_alarms(deployment)}
    assert levels["transactional-bounce-rate-warning"] == levels["feedback-errors"] == [warnings]
    assert levels["transactional-bounce-rate-critical"] == levels["feedback-dlq-depth"] == [paging]


def test_people_are_paged_by_mail_and_services_by_https():
    deployment = run("prod", page=["oncall@example.com", "https://events.example.org/x"])
    pages = [r.inputs for r in deployment.of("TopicSubscription") if r.name.startswith("page-")]
    assert {(page["protocol"], page["endpoint"]) for page in pages} == {
        ("email", "oncall@example.com"),
        ("https", "https://events.example.org/x"),
    }


def test_one_more_pager_leaves_the_others_subscriptions_alone():
    one, two = run("prod", page=["a@example.com"]), run("prod", page=["b@example.com", "a@example.com"])
    names = [{r.name for r in each.of("TopicSubscription")} for each in (one, two)]
    assert names[0] < names[1]


def test_whoever_deploys_is_told_who_hears_nothing_yet():
    page = ["oncall@example.com", "https://events.example.org/x"]
    (warning,) = run("prod", page=page).warnings
    assert warning.startswith("oncall@example.com has not confirmed the subscription to pages")
    assert "`mailer stack --stack prod`" in warning
    assert run("prod", page=page, preview=True).warnings == []


def test_an_encrypted_page_address_stays_encrypted():
    plain, encrypted = run("prod"), run("prod", secret=("page",))
    assert [r.secret for r in plain.of("TopicSubscription") if r.name.startswith("page-")] == [frozenset()] * 2
    pages = [r for r in encrypted.of("TopicSubscription") if r.name.startswith("page-")]
    assert [page.secret for page in pages] == [frozenset({"endpoint"})] * 2
    assert not [said for said in encrypted.warnings if "oncall" in said]


# --- Access --------------------------------------------------------------------------------------------------------


@everywhere
def test_a_sender_may_use_the_identity_and_every_configuration_set(stack: str, changed: dict[str, Any]):
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


IAM = ("Role", "Policy", "User", "InstanceProfile")


def test_one_stack_in_two_regions_shares_no_name_in_iam():
    streams = {"transactional": {"firehose": KEPT_BY}}
    slack = {"workspace": "T07EA123LEP", "page": "C07EZ1ABC23"}
    here, there = (
        {(r.token, r.inputs["name"]) for kind in IAM for r in deployment.of(kind)}
        for deployment in (
            run("prod", region=region, access=ACCESS, streams=streams, slack=slack)
            for region in ("us-east-1", "eu-west-1")
        )
    )
    assert len(here) == len(there) > 10
    assert here & there == set()


def test_roles_that_exist_keep_their_names():
    deployment = run("prod", access=ACCESS)
    assert {r.ignores for kind in IAM for r in deployment.of(kind)} == {("name",)}


@pytest.mark.parametrize("what", ["feedback", f"{'a' * 20}-firehose", f"app-{'b' * 40}"])
def test_names_in_iam_are_short_enough_and_differ(what: str):
    names = {
        Environment("s" * 30, ACCOUNT, region, "aws", {}).iam_name(name)
        for region in ("ap-southeast-3", "ap-southeast-5")
        for name in (what, f"{what}x")
    }
    assert len(names) == 4
    assert max(map(len, names)) <= 64


@pytest.mark.parametrize(("stack", "preview"), list(product(["dev", "prod", "local"], [False, True])))
def test_policies_are_known_in_a_preview(stack: str, preview: bool):
    # A key of one's own has no ARN until it is made, and the roles' policies name it.
    deployment = run(stack, preview=preview, encryption="aws") if preview else run(stack)
    for kind in ("Policy", "RolePolicy", "TopicPolicy", "Key"):
        for resource in deployment.of(kind):
            assert json.loads(resource.inputs["policy"])["Statement"], resource.urn
