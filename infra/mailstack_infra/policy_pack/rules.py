"""The rules of the policy pack, as pure functions of one resource or of all resources.

Types and inputs are Pulumi's own. Not for registering the rules with Pulumi: `infra/policy/` does.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

# Actions that do not support resources: https://docs.aws.amazon.com/service-authorization/latest/reference/.
_GRAPHS = {"cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:GetMetricWidgetImage"}
# DescribeAlarms returns composite alarms only with a grant on every resource:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
WITHOUT_RESOURCE = frozenset({"cloudwatch:DescribeAlarms", "cloudwatch:PutMetricData", "ses:GetAccount"} | _GRAPHS)
PRODUCTION = re.compile(r"prod(uction)?(-|\Z)")
# Types with data or reputation that cannot be recreated.
DEAR = (
    "aws:dynamodb/table:Table",
    "aws:kms/key:Key",
    "aws:sesv2/dedicatedIpPool:DedicatedIpPool",
    "aws:sesv2/configurationSet:ConfigurationSet",
    "aws:sesv2/emailIdentity:EmailIdentity",
    "aws:sesv2/tenant:Tenant",
)
# Services that assume roles without a condition key of the account; see `trust.py`.
SILENT = frozenset({"chatbot.amazonaws.com", "ec2.amazonaws.com"})
# EventBridge supports no condition in a topic's policy, and no condition on the source in the policy of its key:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (Amazon SNS permissions),
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
EVENTS = "events.amazonaws.com"
UNCONDITIONED = (":TopicPolicy", ":kms/key:Key")
SOURCES = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"})
# Exports are the outputs of the stack resource.
STACK = "pulumi:pulumi:Stack"
# Outputs that are secrets: the type, and the path of the value.
SECRET_OUTPUTS = (
    ("aws:iam/accessKey:AccessKey", ("secret",)),
    ("aws:iam/accessKey:AccessKey", ("sesSmtpPasswordV4",)),
    ("aws:secretsmanager/secretVersion:SecretVersion", ("secretString",)),
    ("aws:sesv2/emailIdentity:EmailIdentity", ("dkimSigningAttributes", "domainSigningPrivateKey")),
)
_EVERYTHING = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*")
_SECRETS = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|(?i:password|secret_?key)\"?\s*[:=]"
)


@dataclass(frozen=True)
class Resource:
    """One resource of the program."""

    kind: str
    name: str
    props: Mapping[str, Any]
    protect: bool = False
    urn: str = ""

    @property
    def stack(self) -> str:
        """The stack's name, a part of the URN: `urn:pulumi:<stack>::…`."""
        return self.urn.split(":")[2] if self.urn else ""


@dataclass(frozen=True)
class Rule:
    """A rule about single resources; `check` yields problems."""

    name: str
    description: str
    check: Callable[[Resource], Iterator[str]]


@dataclass(frozen=True)
class StackRule:
    """A rule about all resources; `check` yields a URN and a problem."""

    name: str
    description: str
    check: Callable[[Sequence[Resource]], Iterator[tuple[str, str]]]


def _no_star(resource: Resource) -> Iterator[str]:
    own_key = resource.kind == "aws:kms/key:Key"  # in a key's policy the resource * is that key
    for statement in _allowing(resource):
        sid, actions = statement.get("Sid", "a statement"), _listed(statement.get("Action"))
        inverted = sorted({"NotAction", "NotResource", "NotPrincipal"} & set(statement))
        if inverted:
            yield f"{sid} uses {', '.join(inverted)}, which allows everything else: list what it allows"
        stars = [action for action in actions if "*" in action]
        if stars:
            yield f"{sid} allows {', '.join(stars)}: list each action"
        everything = any(_EVERYTHING.fullmatch(arn) for arn in _listed(statement.get("Resource")))
        if everything and not own_key and not set(actions) <= WITHOUT_RESOURCE:
            yield f"{sid} applies to every resource: list the ARNs"


def _conditioned(resource: Resource) -> Iterator[str]:
    for statement in _allowing(resource):
        sid, who = statement.get("Sid", "a statement"), statement.get("Principal")
        principal = cast("dict[str, Any]", who) if isinstance(who, dict) else {"AWS": who}
        keys = {key.lower() for test in statement.get("Condition", {}).values() for key in test}
        if "*" in _listed(principal.get("AWS")):
            yield f"{sid} allows everybody: name the principals"
        sourced = keys & SOURCES or any("encryptioncontext" in key for key in keys)
        services = set(_listed(principal.get("Service"))) - SILENT
        if EVENTS in services and resource.kind.endswith(UNCONDITIONED):
            services.remove(EVENTS)
            if resource.kind.endswith(":TopicPolicy") and keys:
                yield f"{sid} has a condition, with which EventBridge cannot publish: let the rule send to a queue"
        if services and not sourced:
            yield f"{sid} allows {', '.join(sorted(services))} for every account: add aws:SourceArn"
        if principal.get("Federated") and not all(any(key.endswith(end) for key in keys) for end in (":aud", ":sub")):
            yield f"{sid} accepts every token: add conditions on aud and sub"


def _tls(resource: Resource) -> Iterator[str]:
    if resource.kind.endswith(":ConfigurationSet") and _at(resource, "deliveryOptions", "tlsPolicy") != "REQUIRE":
        yield "mail may be delivered without TLS: set tls to REQUIRE, unless a recipient's server does not support it"
    if resource.kind.endswith((":TopicPolicy", ":QueuePolicy")):
        statements = list(_statements(resource))
        denials = [json.dumps(each.get("Condition")) for each in statements if each["Effect"] == "Deny"]
        if statements and not any("aws:SecureTransport" in condition for condition in denials):
            yield "messages may be sent without TLS: deny requests without aws:SecureTransport"


def _https(resource: Resource) -> Iterator[str]:
    if resource.kind.endswith(":TopicSubscription") and resource.props.get("protocol") == "http":
        yield "pages would be sent without TLS: subscribe an https URL"


def _retention(resource: Resource) -> Iterator[str]:
    if resource.kind.endswith(":LogGroup") and not resource.props.get("retentionInDays"):
        yield "the log would be kept, and billed, forever: set retentionInDays"


def _restorable(resource: Resource) -> Iterator[str]:
    if resource.kind.endswith("dynamodb/table:Table") and _at(resource, "pointInTimeRecovery", "enabled") is not True:
        yield "the table could not be restored: enable pointInTimeRecovery"


def _protected(resource: Resource) -> Iterator[str]:
    if not PRODUCTION.match(resource.stack) or resource.kind not in DEAR:
        return
    if not resource.protect:
        yield "it must be protected in production: set mailstack:protect to true"
    if resource.kind.endswith(":Table") and resource.props.get("deletionProtectionEnabled") is not True:
        yield "the table must be protected in production: enable deletionProtectionEnabled"


def _no_secret(resource: Resource) -> Iterator[str]:
    for place, value in _shown(resource):
        if _SECRETS.search(value):
            yield f"{place} holds what looks like a secret in plain text: keep it in Secrets Manager"


def _no_known_secret(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """No secret of a resource is in an export or another readable place.

    A pack sees encrypted values in plain text, so an encrypted export is refused as well.
    """
    kept = {value for resource in resources for value in _secrets_of(resource)}
    for resource in resources:
        exports = _leaves(resource.props) if resource.kind == STACK else ()
        for place, value in (*exports, *_shown(resource)):
            if any(secret in value for secret in kept) or (resource.kind == STACK and _SECRETS.search(value)):
                yield resource.urn, f"{place} holds a secret: keep it in Secrets Manager, and export the secret's name"


def _secrets_of(resource: Resource) -> Iterator[str]:
    for kind, path in SECRET_OUTPUTS:
        value: Any = resource.props if resource.kind == kind else {}
        for key in path:
            members: Mapping[str, Any] = value or {}
            value = members.get(key)
        if isinstance(value, str) and value:
            yield value


def _shown(resource: Resource) -> Iterator[tuple[str, str]]:
    """The texts of a resource that many can read, with their places."""
    if resource.kind.endswith(":Parameter"):
        yield from _leaves(resource.props.get("insecureValue"), "insecureValue")
    if resource.kind.endswith(":Function"):
        yield from _leaves(_at(resource, "environment", "variables"), "environment")


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a nested value with its path; each text has its key, as in JSON."""
    if isinstance(value, Mapping):
        for key, member in cast("Mapping[str, Any]", value).items():
            yield from ((at, f"{key}: {text}") for at, text in _leaves(member, f"{place}.{key}".lstrip(".")))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for member in cast("Sequence[Any]", value):
            yield from _leaves(member, place)
    elif value is not None:
        yield place, str(value)


def _alarms_act(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """An alarm without actions is useful only as a part of one with actions."""
    alarms = [r for r in resources if r.kind.endswith((":MetricAlarm", ":CompositeAlarm"))]
    parts = {part for alarm in alarms for part in re.findall(r'"([^"]+)"', alarm.props.get("alarmRule") or "")}
    for alarm in alarms:
        name = alarm.props.get("name") or alarm.props.get("alarmName")
        if not alarm.props.get("alarmActions") and name not in parts:
            yield alarm.urn, "the alarm notifies nobody: set alarmActions"


def _allowing(resource: Resource) -> Iterator[dict[str, Any]]:
    return (statement for statement in _statements(resource) if statement["Effect"] == "Allow")


def _statements(resource: Resource) -> Iterator[dict[str, Any]]:
    for key in ("policy", "assumeRolePolicy"):
        found: Any = _document(resource.props.get(key)).get("Statement", [])
        yield from cast("list[dict[str, Any]]", found if isinstance(found, list) else [found])


def _document(text: Any) -> dict[str, Any]:
    """A policy; empty if it is still unknown, as in a preview."""
    try:
        return json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}


def _listed(value: Any) -> list[str]:
    return [] if value is None else list(cast("list[str]", value)) if isinstance(value, list) else [value]


def _at(resource: Resource, block: str, member: str) -> Any:
    members: Mapping[str, Any] = resource.props.get(block) or {}
    return members.get(member)


RULES = (
    Rule("no-star", "No statement allows every action, or every resource if AWS supports resources.", _no_star),
    Rule(
        "conditioned",
        "Grants to services have a condition on the source account or resource (confused deputy).",
        _conditioned,
    ),
    Rule("tls", "Mail and messages are sent only over TLS.", _tls),
    Rule("https", "Pages are sent over https.", _https),
    Rule("retention", "Every log has a retention.", _retention),
    Rule("restorable", "Tables can be restored.", _restorable),
    Rule("protected", "Data and reputation are protected in production.", _protected),
    Rule("no-plain-secret", "No secret is readable in plain text.", _no_secret),
)
STACK_RULES = (
    StackRule("alarms-act", "Every alarm notifies somebody.", _alarms_act),
    StackRule("no-exported-secret", "No secret is exported or readable by many.", _no_known_secret),
)
