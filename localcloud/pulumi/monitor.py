"""The engine's side of a running program: the services that Pulumi's SDK calls, as plain methods in the same process.

Not for deciding anything: requests become goals for `deployment.py`, records become answers.
"""
# The names of the methods are the protocol's (proto/pulumi/resource.proto, engine.proto), which documents them.
# ruff: noqa: ARG002, D102, N802

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from google.protobuf import empty_pb2
from pulumi.runtime.proto import alias_pb2, engine_pb2, resource_pb2

from localcloud.pulumi.deployment import Deployment, Goal, StepError
from localcloud.pulumi.state import STACK, Record
from localcloud.pulumi.wire import UNKNOWN, Props, bare, plain, secret, struct

if TYPE_CHECKING:
    from collections.abc import Iterable

_FEATURES = (resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS, resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS)
_BY_NAME = ("secrets", "aliasSpecs")
_QUIET = (engine_pb2.DEBUG, engine_pb2.INFO)


@dataclass
class Monitor:
    """What a program registers with."""

    deployment: Deployment
    project: str
    stack: str

    # --- features --------------------------------------------------------------------------------------------------

    def GetDeploymentInfo(self, request: empty_pb2.Empty) -> resource_pb2.DeploymentInfo:
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SupportsFeature(self, request: resource_pb2.SupportsFeatureRequest) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _BY_NAME)

    def SignalAndWaitForShutdown(self, request: empty_pb2.Empty) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    # --- resources -------------------------------------------------------------------------------------------------

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        if request.importId or request.remote:
            raise StepError(
                f"{request.type} '{request.name}': the in-process engine neither imports nor runs remote components."
            )
        record = self.deployment.register(self._goal(request))
        # What a resource without outputs of its own answers is not read.
        outputs = _with_secrets(record) if record.custom else {}
        identifier = record.id or (UNKNOWN if record.custom and self.deployment.preview else "")
        return resource_pb2.RegisterResourceResponse(urn=record.urn, id=identifier, object=struct(outputs))

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        for record in self.deployment.records:
            if record.urn == request.urn:
                record.outputs = plain(request.outputs)
        return empty_pb2.Empty()

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        urn = self._urn(request.parent, request.type, request.name)
        plugin = self.deployment.plugin(request.provider)
        found = plugin.read(urn, request.id, {}, bare(plain(request.properties)))
        if found is None:
            raise StepError(f"{request.type} '{request.name}': there is none with the id {request.id}.")
        return resource_pb2.ReadResourceResponse(urn=urn, properties=struct(found.state))

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        result, problems = self.deployment.plugin(request.provider).invoke(request.tok, bare(plain(request.args)))
        if problems:
            raise StepError(f"{request.tok}: " + "; ".join(f"{p.path}: {p.reason}" for p in problems))
        values: Any = {"return": struct(result)}  # a keyword of Python
        return resource_pb2.ResourceInvokeResponse(**values)

    # --- the engine service ----------------------------------------------------------------------------------------

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:
        if request.severity not in _QUIET:
            sys.stderr.write(f"{engine_pb2.LogSeverity.Name(request.severity).lower()}: {request.message}\n")
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any) -> engine_pb2.RequirePulumiVersionResponse:
        return engine_pb2.RequirePulumiVersionResponse()

    # --- names -----------------------------------------------------------------------------------------------------

    def _urn(self, parent: str, kind: str, name: str) -> str:
        parent_type = parent.split("::")[2] if parent else STACK
        prefix = "" if parent_type == STACK else f"{parent_type}$"
        return f"urn:pulumi:{self.stack}::{self.project}::{prefix}{kind}::{name}"

    def _goal(self, request: resource_pb2.RegisterResourceRequest) -> Goal:
        return Goal(
            urn=self._urn(request.parent, request.type, request.name),
            type=request.type,
            custom=request.custom,
            inputs=plain(request.object),
            parent=request.parent,
            provider=request.provider,
            dependencies=sorted({*request.dependencies}),
            property_dependencies={name: sorted({*p.urns}) for name, p in request.propertyDependencies.items()},
            aliases=self._aliases(request),
            ignored=list(request.ignoreChanges),
            replaced_on=list(request.replaceOnChanges),
            secret_outputs=list(request.additionalSecretOutputs),
            delete_first=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
            protect=request.protect,
            retain=request.retainOnDelete,
        )

    def _aliases(self, request: resource_pb2.RegisterResourceRequest) -> list[str]:
        """The URNs that a resource may have had: as it says itself, under its parent's name of now and of before."""
        aliases = cast("Iterable[alias_pb2.Alias]", request.aliases)
        own = [alias.urn or self._alias(request, alias.spec, request.parent) for alias in aliases]
        before = self.deployment.old_urn(request.parent)
        if before == request.parent:
            return own
        inherited = [self._alias(request, alias.spec, before) for alias in aliases if not alias.urn]
        return [*own, self._urn(before, request.type, request.name), *inherited]

    def _alias(self, request: resource_pb2.RegisterResourceRequest, spec: alias_pb2.Alias.Spec, parent: str) -> str:
        parent = "" if spec.noParent else spec.parentUrn or parent
        former = Monitor(self.deployment, spec.project or self.project, spec.stack or self.stack)
        return former._urn(parent, spec.type or request.type, spec.name or request.name)


def _with_secrets(record: Record) -> Props:
    return {name: secret(value) if name in record.secrets else value for name, value in record.outputs.items()}
