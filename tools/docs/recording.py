"""Runs the component against a monitor that records what it registers, and creates nothing.

For pictures and counts of what a stack has; not for tests of values, which are those of a preview here.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import mocks, proto, rpc

from mailstack_infra.settings.model import Settings

STACK = "pulumi:pulumi:Stack"
# Inputs whose value AWS adds to, which a preview would take for all of it.
_HALF_MADE_UP = {"dkimSigningAttributes"}
_FACTS: Mapping[str, Mapping[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"},
    "aws:index/getRegion:getRegion": {"region": "us-east-1"},
    "aws:index/getPartition:getPartition": {"partition": "aws"},
    "aws:route53/getZone:getZone": {"zoneId": "Z0123456789ABC"},
    "aws:route53/getRecords:getRecords": {"resourceRecordSets": []},
    "aws:sesv2/getEmailIdentity:getEmailIdentity": {"verificationStatus": "SUCCESS", "dkimSigningAttributes": []},
    "aws:sesv2/getEmailIdentityMailFromAttributes:getEmailIdentityMailFromAttributes": {},
}


@dataclass(frozen=True)
class Registered:
    """A resource as the engine was asked for it.

    Attributes:
        parent: The URN of the component that it belongs to.
        needs: The URNs of what must be there before.
        inputs: What the program said of it; what AWS makes up is missing.
    """

    urn: str
    type: str
    name: str
    parent: str
    needs: frozenset[str]
    inputs: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The last part of its type: `Topic` of `aws:sns/topic:Topic`."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def custom(self) -> bool:
        """Whether it is something of AWS's, rather than a component."""
        return not self.type.startswith("mailstack:")


def record(settings: Settings, stack: str = "prod") -> list[Registered]:
    """What a stack with these settings registers, in the order of the program."""
    monitor = _Monitor(settings)
    asyncio.run(_run(monitor, stack, settings))
    return monitor.registered


async def _run(monitor: "_Monitor", stack: str, settings: Settings) -> None:
    from mailstack_infra.mailstack import MailStack

    def program() -> None:
        MailStack("mailstack", settings)

    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=monitor,
            engine=mocks.MockEngine(None),
            project="mailstack",
            stack=stack,
            # What AWS generates is unknown, as in a preview.
            dry_run=True,
        )
    )
    await pulumi.runtime.run_in_stack(program)


class _Monitor(mocks.MockMonitor):
    def __init__(self, settings: Settings) -> None:
        super().__init__(_Facts(settings))
        self.registered: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - a method of the engine's protocol
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type != STACK:
            inputs = dict(_plain(request.object))
            needs = frozenset(request.dependencies)
            self.registered.append(Registered(urn, request.type, request.name, request.parent, needs, inputs))
        for name in _HALF_MADE_UP & request.object.fields.keys():
            request.object.fields[name].string_value = rpc.UNKNOWN
        return proto.resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)


class _Facts(mocks.Mocks):
    """The program's questions to AWS before it creates anything."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def call(self, args: mocks.MockCallArgs) -> Any:
        return {**_FACTS[args.token], **({"name": self._settings.zone} if args.token.endswith("getZone") else {})}

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError(f"{args.typ} is registered with the monitor itself")


def _plain(struct: Any) -> Iterator[tuple[str, Any]]:
    """The inputs at the top that are text, numbers or switches."""
    for name, value in struct.fields.items():
        if (kind := value.WhichOneof("kind")) in {"string_value", "number_value", "bool_value"}:
            yield name, getattr(value, kind)
