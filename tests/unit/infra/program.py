"""Runs the real program, `infra/__main__.py`, against a monitor that records what it registers.

Not an engine: nothing is made. What AWS would compute has AWS's own form, or is unknown in a preview.
"""

import asyncio
import json
import re
import runpy
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pulumi
import pytest
import yaml
from botocore.exceptions import UnknownRegionError
from botocore.session import Session
from pulumi.runtime import mocks, proto
from pulumi.runtime.proto import source_pb2

from mailer.stack import StackOutputs
from mailstack_localcloud.pulumi import wire

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "123456789012"
TOKENS = [letter * 32 for letter in "abc"]
# The ARN of each type of resource, and the input that names it.
ARNS = {
    "aws:sesv2/emailIdentity:EmailIdentity": ("ses:{region}:{account}:identity/{name}", "emailIdentity"),
    "aws:sesv2/configurationSet:ConfigurationSet": (
        "ses:{region}:{account}:configuration-set/{name}",
        "configurationSetName",
    ),
    "aws:sns/topic:Topic": ("sns:{region}:{account}:{name}", "name"),
    "aws:sqs/queue:Queue": ("sqs:{region}:{account}:{name}", "name"),
    "aws:dynamodb/table:Table": ("dynamodb:{region}:{account}:table/{name}", "name"),
    "aws:iam/role:Role": ("iam::{account}:role/{name}", "name"),
    "aws:iam/policy:Policy": ("iam::{account}:policy/{name}", "name"),
    "aws:iam/user:User": ("iam::{account}:user/{name}", "name"),
    "aws:secretsmanager/secret:Secret": ("secretsmanager:{region}:{account}:secret:{name}-AbCdEf", "name"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs:{region}:{account}:log-group:{name}", "name"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("cloudwatch:{region}:{account}:alarm:{name}", "name"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("cloudwatch:{region}:{account}:alarm:{name}", "alarmName"),
    "aws:cloudwatch/eventRule:EventRule": ("events:{region}:{account}:rule/{name}", "name"),
    "aws:lambda/function:Function": ("lambda:{region}:{account}:function:{name}", "name"),
    "aws:ssm/parameter:Parameter": ("ssm:{region}:{account}:parameter{name}", "name"),
}


ZONES = {"example.com": "Z0EXAMPLECOM", "dev.example.com": "Z0EXAMPLEDEV", "example.test": "Z0EXAMPLETEST"}
CLOUDFLARE_ZONES = {"example.com": f"{1:032x}", "example.test": f"{2:032x}"}


class Standing(NamedTuple):
    """A record that is at Cloudflare already, or a set in Route 53, its values between bars."""

    type: str
    name: str
    content: str
    comment: str | None = None


class Sent(NamedTuple):
    """The identity as SES has it before the deployment; none where the status is empty."""

    status: str = "SUCCESS"
    origin: str = "AWS_SES"
    tokens: tuple[str, ...] = tuple(TOKENS)
    mail_from: str = "owner.example.com"


SENT = Sent()


@dataclass(frozen=True)
class Registered:
    """One resource as the engine was asked for it."""

    token: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    urn: str
    parent: str
    depends_on: frozenset[str]
    protect: bool
    ignores: tuple[str, ...]
    secret: frozenset[str] = frozenset()
    provider: str = ""
    retained: bool = False

    @property
    def arn(self) -> str:
        return self.outputs.get("arn", "")


@dataclass
class Deployment:
    """What one run of the program registered, exported and said."""

    resources: list[Registered] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    read: list[tuple[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Each function that was called, and the provider that was to answer."""

    @property
    def aws(self) -> list[Registered]:
        return [resource for resource in self.resources if resource.token.startswith("aws:")]

    def of(self, kind: str) -> list[Registered]:
        """The resources of one type, by the last part of its token."""
        return [resource for resource in self.aws if resource.token.endswith(f":{kind}")]

    def one(self, kind: str, name: str) -> Registered:
        (found,) = (resource for resource in self.of(kind) if resource.name == name)
        return found

    def policy(self, kind: str, name: str) -> dict[str, Any]:
        """The statements of a policy, by Sid."""
        document = json.loads(self.one(kind, name).inputs["policy"])
        return {statement["Sid"]: statement for statement in document["Statement"]}

    @property
    def values(self) -> StackOutputs:
        return StackOutputs.from_json(json.dumps(self.exports["outputs"]), source="The export")


@cache
def partition(region: str) -> str:
    """That of a region that botocore does not know is the first one."""
    try:
        return Session().get_partition_for_region(region)
    except UnknownRegionError:
        return "aws"


class _Recorder(mocks.MockMonitor):
    def __init__(self, region: str, standing: Sequence[Standing], identity: Sent, *, preview: bool) -> None:
        self.partition = partition(region)
        super().__init__(_Facts(region, self.partition, standing, identity))
        self.region, self.preview, self.deployment = region, preview, Deployment()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - a method of the engine's protocol
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = wire.plain(request.object)
        outputs = {**inputs, **self._computed(request.type, wire.bare(inputs))}
        if request.type != "pulumi:pulumi:Stack":
            self.deployment.resources.append(
                Registered(
                    token=request.type,
                    name=request.name,
                    inputs=wire.bare(inputs),
                    outputs=outputs,
                    urn=urn,
                    parent=request.parent,
                    depends_on=frozenset(request.dependencies),
                    protect=request.protect,
                    ignores=tuple(request.ignoreChanges),
                    secret=frozenset(key for key, value in inputs.items() if wire.is_secret(value)),
                    provider=request.provider,
                    retained=request.retainOnDelete,
                )
            )
        known = "" if self.preview else f"{request.name}-id"
        response = proto.resource_pb2.RegisterResourceResponse
        return response(urn=urn, id=known if request.custom else "", object=wire.struct(outputs))

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        self.deployment.asked.append((request.tok, request.provider))
        return super().Invoke(request)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        assert request.type.endswith(":EmailIdentity"), "the program reads nothing else"
        known = {"emailIdentity": request.id, "dkimSigningAttributes": {}}
        outputs = {**known, **self._computed(request.type, known)}
        urn = self.make_urn(request.parent, request.type, request.name)
        self.deployment.read.append((request.type, request.id))
        return proto.resource_pb2.ReadResourceResponse(urn=urn, properties=wire.struct(outputs))

    def _computed(self, token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if token in ARNS:
            form, key = ARNS[token]
            made["arn"] = f"arn:{self.partition}:" + form.format(region=self.region, account=ACCOUNT, name=inputs[key])
        if token.endswith(":Key"):
            key = str(uuid.uuid5(uuid.NAMESPACE_DNS, inputs["description"]))
            made |= {"arn": f"arn:{self.partition}:kms:{self.region}:{ACCOUNT}:key/{key}", "keyId": key}
        if token.endswith(":EmailIdentity") and "dkimSigningAttributes" in inputs:
            made["dkimSigningAttributes"] = {**inputs["dkimSigningAttributes"], "tokens": TOKENS}
        if token.endswith(":MultiRegionEndpoint"):
            made["endpointId"] = "abcdef12.g3h"
        if token.endswith(":OpenIdConnectProvider"):
            made["arn"] = f"arn:{self.partition}:iam::{ACCOUNT}:oidc-provider/{inputs['url'].removeprefix('https://')}"
        if token.endswith(":AccessKey"):
            made |= {key: wire.secret(f"{key} of {inputs['user']}") for key in ("secret", "sesSmtpPasswordV4")}
        if token.endswith(":TopicSubscription"):
            made["pendingConfirmation"] = inputs["protocol"] == "email"
        if token.endswith(":Queue"):
            made["url"] = f"https://sqs.{self.region}.amazonaws.com/{ACCOUNT}/{inputs['name']}"
        return dict.fromkeys(made, wire.UNKNOWN) if self.preview else made


class _Facts(mocks.Mocks):
    """What the program asks AWS before it makes anything."""

    def __init__(self, region: str, partition: str, standing: Sequence[Standing], identity: Sent) -> None:
        self._region, self._partition, self._standing, self._identity = region, partition, standing, identity

    def call(self, args: mocks.MockCallArgs) -> Any:
        answers = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:index/getRegion:getRegion": {"region": self._region},
            "aws:index/getPartition:getPartition": {"partition": self._partition},
        }
        others = {
            "aws:route53/getZone:getZone": lambda given: self._zone(ZONES, given.get("name"), given),
            "cloudflare:index/getZone:getZone": lambda given: self._zone(
                CLOUDFLARE_ZONES, given.get("filter", {}).get("name"), given
            ),
            "aws:route53/getRecords:getRecords": lambda given: self._sets(given["nameRegex"]),
            "aws:sesv2/getEmailIdentity:getEmailIdentity": lambda _: self._sent(),
            "aws:sesv2/getEmailIdentityMailFromAttributes:getEmailIdentityMailFromAttributes": lambda _: {
                "mailFromDomain": self._identity.mail_from
            },
            "cloudflare:index/getDnsRecords:getDnsRecords": lambda given: self._records(given["name"]["exact"]),
        }
        return answers.get(args.token) or others[args.token](args.args)

    def _sets(self, names: str) -> Any:
        found = [each for each in self._standing if re.search(names, f"{each.name}.")]
        sets = [
            {
                "name": f"{each.name}.",
                "type": each.type,
                "resourceRecords": [{"value": v} for v in each.content.split("|")],
            }
            for each in found
        ]
        return {"resourceRecordSets": sets}

    def _sent(self) -> Any:
        if not self._identity.status:
            return {}, [("emailIdentity", "couldn't find resource")]
        dkim = {"signingAttributesOrigin": self._identity.origin, "tokens": list(self._identity.tokens)}
        return {"verificationStatus": self._identity.status, "dkimSigningAttributes": [dkim]}

    def _zone(self, zones: Mapping[str, str], wanted: str | None, given: Mapping[str, Any]) -> Any:
        for name, zone_id in zones.items():
            if given.get("zoneId") == zone_id or wanted == name:
                return {"zoneId": zone_id, "id": zone_id, "name": name}
        return {}, [("name", "no matching zone found")]

    def _records(self, name: str) -> Any:
        found = [each for each in self._standing if each.name == name]
        return {"results": [{**each._asdict(), "id": f"{number:032x}"} for number, each in enumerate(found)]}

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError("resources are registered with the recorder itself")


class _Engine(mocks.MockEngine):
    def __init__(self, deployment: Deployment) -> None:
        super().__init__(None)
        self._deployment = deployment

    def Log(self, request: Any) -> None:  # noqa: N802
        heard = {proto.engine_pb2.WARNING: self._deployment.warnings, proto.engine_pb2.INFO: self._deployment.said}
        heard.get(request.severity, []).append(request.message)


def config_of(stack: str) -> dict[str, str]:
    """A stack's configuration as Pulumi hands it to the program: text, and JSON for what is not."""
    values = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def run(
    stack: str,
    *,
    preview: bool = False,
    secret: tuple[str, ...] = (),
    standing: tuple[Standing, ...] = (),
    identity: Sent = SENT,
    **changed: object,
) -> Deployment:
    """Run the program once for a set of arguments; later calls get the same deployment.

    Args:
        stack: Whose Pulumi.<stack>.yaml.
        preview: Leave what AWS computes unknown.
        secret: Keys of the namespace that are encrypted.
        standing: What is at Cloudflare or in Route 53 already.
        identity: What is in SES already.
        changed: Settings that differ from the file's; `region` for the region, `called` for another stack's name.
    """
    return _run(stack, preview, secret, standing, identity, json.dumps(changed))


@cache
def _run(
    stack: str, preview: bool, secret: tuple[str, ...], standing: tuple[Standing, ...], identity: Sent, changes: str
) -> Deployment:
    changed = json.loads(changes)
    config = config_of(stack)
    region = changed.pop("region", config["aws:region"])
    called = changed.pop("called", stack)
    for key, value in changed.items():
        config[f"mailstack:{key}"] = value if isinstance(value, str) else json.dumps(value)
    recorder = _Recorder(region, standing, identity, preview=preview)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_CONFIG", json.dumps(config))
        patch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps([f"mailstack:{key}" for key in secret]))
        patch.setattr(sys, "path", [*sys.path])
        asyncio.run(_in_stack(recorder, called, lambda: _program(recorder.deployment)))
    return recorder.deployment


def run_own(program: Callable[[], None], *, stack: str = "dev", preview: bool = False) -> Deployment:
    """Run a program of one's own."""
    recorder = _Recorder("us-east-1", (), SENT, preview=preview)
    asyncio.run(_in_stack(recorder, stack, program))
    return recorder.deployment


async def _in_stack(recorder: _Recorder, stack: str, program: Callable[[], None]) -> None:
    # Where each resource stands in the source is for the engine's messages, and takes a tenth of a run.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace)
        await _run_in_stack(recorder, stack, program)


async def _run_in_stack(recorder: _Recorder, stack: str, program: Callable[[], None]) -> None:
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=recorder,
            engine=_Engine(recorder.deployment),
            project="mailstack",
            stack=stack,
            dry_run=recorder.preview,
        )
    )
    await pulumi.runtime.run_in_stack(program)


def _program(deployment: Deployment) -> None:
    exports = runpy.run_path(str(ROOT / "infra"), run_name="__main__")["mailstack"].exports
    pulumi.Output.all(**exports).apply(deployment.exports.update)
