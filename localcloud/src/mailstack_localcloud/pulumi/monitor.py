"""The engine's side of a running program: the services that Pulumi's SDK calls, as plain methods in the same process.

Not for deciding anything: requests become goals for `deployment.py`, records become answers.
"""
# The names of the methods are the protocol's (proto/pulumi/resource.proto, engine.proto), which documents them.
# ruff: noqa: ARG002, D102, N802

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import alias_pb2, callback_pb2, engine_pb2, resource_pb2

from mailstack_localcloud.pulumi.deployment import Deployment, StepError
from mailstack_localcloud.pulumi.goal import Goal
from mailstack_localcloud.pulumi.hooks import KINDS
from mailstack_localcloud.pulumi.plugin import PluginError
from mailstack_localcloud.pulumi.schema import PROVIDER
from mailstack_localcloud.pulumi.state import STACK, Record
from mailstack_localcloud.pulumi.transforms import Options, Transforms
from mailstack_localcloud.pulumi.wire import Props, bare, plain, secret, struct

if TYPE_CHECKING:
    from collections.abc import Iterable

# The last two are refused here, in words that fit: for what is missing the SDK blames the CLI.
_FEATURES = {
    "secrets": resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    "aliasSpecs": resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    "deletedWith": resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    "replaceWith": resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    "replacementTrigger": resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    "transforms": resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    "invokeTransforms": resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    "resourceHooks": resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    "errorHooks": resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
    "parameterization": resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    "stateMigrations": resource_pb2.RESOURCE_MONITOR_FEATURE_STATE_MIGRATIONS,
}
_PACKAGE = "aws"
_STACK_REFERENCE = "pulumi:pulumi:StackReference"
_QUIET = (engine_pb2.DEBUG, engine_pb2.INFO)


class InvokeFailed(grpc.RpcError):
    """A function of a provider failed, in the one form that a program can catch: the SDK knows gRPC's errors alone."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


@dataclass
class Monitor:
    """The resource monitor: a program registers its resources here."""

    deployment: Deployment
    project: str
    stack: str
    transforms: Transforms
    goals: dict[str, Goal] = field(default_factory=dict[str, Goal])
    """Registered resources by URN: children inherit some of their options."""

    # --- features --------------------------------------------------------------------------------------------------

    def GetDeploymentInfo(self, request: empty_pb2.Empty) -> resource_pb2.DeploymentInfo:
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES.values())

    def SupportsFeature(self, request: resource_pb2.SupportsFeatureRequest) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def SignalAndWaitForShutdown(self, request: empty_pb2.Empty) -> empty_pb2.Empty:
        # The program has said all; while it waits here, its functions still answer.
        self.deployment.prune()
        return empty_pb2.Empty()

    # --- transforms and hooks --------------------------------------------------------------------------------------

    def RegisterStackTransform(self, request: callback_pb2.Callback) -> empty_pb2.Empty:
        self.transforms.add(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: callback_pb2.Callback) -> empty_pb2.Empty:
        self.transforms.add_invoke(request)
        return empty_pb2.Empty()

    def RegisterResourceHook(self, request: resource_pb2.RegisterResourceHookRequest) -> empty_pb2.Empty:
        self.deployment.hooks.add(request)
        return empty_pb2.Empty()

    def RegisterErrorHook(self, request: resource_pb2.RegisterErrorHookRequest) -> empty_pb2.Empty:
        self.deployment.hooks.add_error(request)
        return empty_pb2.Empty()

    # --- resources -------------------------------------------------------------------------------------------------

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        if request.remote:
            raise self._refusal("does not support remote components", f"{request.type} '{request.name}'")
        if request.state_migrations:
            raise self._refusal("does not support state migrations", f"{request.type} '{request.name}'")
        if request.custom:
            self._check_package(request.type, request.name)
        goal = self._goal(request)
        record = self.deployment.register(goal)
        self.goals[goal.urn] = goal
        # What a resource without outputs of its own answers is not read.
        outputs = _with_secrets(record) if record.custom else {}
        return resource_pb2.RegisterResourceResponse(urn=record.urn, id=record.id, object=struct(outputs))

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        self.deployment.set_outputs(request.urn, plain(request.outputs))
        return empty_pb2.Empty()

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        self._check_package(request.type, request.name)
        goal = Goal(
            urn=self._urn(request.parent, request.type, request.name),
            type=request.type,
            custom=True,
            inputs=plain(request.properties),
            parent=request.parent,
            provider=self.deployment.provider(request.provider),
            dependencies=sorted({*request.dependencies}),
            secret_outputs=list(request.additionalSecretOutputs),
        )
        record = self.deployment.read(goal, request.id)
        return resource_pb2.ReadResourceResponse(urn=goal.urn, properties=struct(_with_secrets(record)))

    def ExistsResource(self, request: Any) -> Any:
        raise self._refusal("does not support checks whether a resource exists", f"{request.type} '{request.name}'")

    # --- functions -------------------------------------------------------------------------------------------------

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        args, provider = self.transforms.invoke(request)
        try:
            result = self.deployment.invoke(self.deployment.provider(provider), request.tok, bare(args))
        except (StepError, PluginError) as error:
            raise InvokeFailed(str(error)) from error
        values: Any = {"return": struct(result)}  # a keyword of Python
        return resource_pb2.ResourceInvokeResponse(**values)

    def Call(self, request: Any) -> Any:
        raise self._refusal("does not support methods of resources", request.tok)

    def RegisterPackage(self, request: Any) -> Any:
        raise self._refusal("does not support parameterized packages", request.name)

    def _check_package(self, kind: str, name: str) -> None:
        if kind == _STACK_REFERENCE:
            raise self._refusal("does not support references to other stacks", f"{kind} '{name}'")
        if kind != PROVIDER and not kind.startswith(f"{_PACKAGE}:"):
            raise self._refusal("supports the aws provider only", f"{kind} '{name}'")

    def _refusal(self, what: str, of: str) -> StepError:
        error = StepError(f"{of}: the in-process engine {what}. Run this program with the Pulumi CLI.")
        self.deployment.errors.append(str(error))
        return error

    # --- the engine service ----------------------------------------------------------------------------------------

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:
        if request.severity not in _QUIET:
            sys.stderr.write(f"{engine_pb2.LogSeverity.Name(request.severity).lower()}: {request.message}\n")
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any) -> engine_pb2.RequirePulumiVersionResponse:
        return engine_pb2.RequirePulumiVersionResponse()

    # --- goals -----------------------------------------------------------------------------------------------------

    def _goal(self, request: resource_pb2.RegisterResourceRequest) -> Goal:
        self._inherit(request)
        urn = self._urn(request.parent, request.type, request.name)
        inputs, options = self.transforms.resource(request, urn)
        said = options.provider or options.providers.get(_PACKAGE, "")
        managed = request.custom and request.type != PROVIDER
        return Goal(
            urn=urn,
            type=request.type,
            custom=request.custom,
            inputs=inputs,
            parent=request.parent,
            provider=self.deployment.provider(said) if managed else "",
            dependencies=sorted({*options.depends_on}),
            property_dependencies={name: sorted({*p.urns}) for name, p in request.propertyDependencies.items()},
            aliases=self._aliases(request, cast("Iterable[alias_pb2.Alias]", options.aliases)),
            ignored=list(options.ignore_changes),
            replaced_on=list(options.replace_on_changes),
            replaced_with=sorted({*options.replace_with}),
            trigger=_trigger(options),
            secret_outputs=list(options.additional_secret_outputs),
            delete_first=options.delete_before_replace if options.HasField("delete_before_replace") else None,
            import_id=str(getattr(options, "import")),  # a keyword of Python
            deleted_with=options.deleted_with,
            hooks={kind: list(names) for kind in KINDS if (names := getattr(options.hooks, kind))},
            protect=options.protect,
            retain=options.retain_on_delete,
        )

    def _inherit(self, request: resource_pb2.RegisterResourceRequest) -> None:
        """Options that hold for the children of a resource, too, unless they say otherwise."""
        parent = self.goals.get(request.parent)
        if parent is None:
            return
        if not request.HasField("protect"):
            request.protect = parent.protect
        if not request.HasField("retainOnDelete"):
            request.retainOnDelete = parent.retain
        request.deletedWith = request.deletedWith or parent.deleted_with

    # --- names -----------------------------------------------------------------------------------------------------

    def _urn(self, parent: str, kind: str, name: str) -> str:
        parent_type = parent.split("::")[2] if parent else STACK
        prefix = "" if parent_type == STACK else f"{parent_type}$"
        return f"urn:pulumi:{self.stack}::{self.project}::{prefix}{kind}::{name}"

    def _aliases(self, request: resource_pb2.RegisterResourceRequest, said: "Iterable[alias_pb2.Alias]") -> list[str]:
        """The URNs that a resource may have had: as it says itself, under its parent's name of now and of before."""
        own = [alias.urn or self._alias(request, alias.spec) for alias in said]
        before = self.deployment.old_urn(request.parent)
        if before == request.parent:
            return own
        this = self._urn(request.parent, request.type, request.name)
        return list(dict.fromkeys([*own, *(self._inherited(urn, request.parent, before) for urn in (this, *own))]))

    def _alias(self, request: resource_pb2.RegisterResourceRequest, spec: alias_pb2.Alias.Spec) -> str:
        parent = "" if spec.noParent else self.deployment.old_urn(spec.parentUrn) or request.parent
        former = Monitor(self.deployment, spec.project or self.project, spec.stack or self.stack, self.transforms)
        return former._urn(parent, spec.type or request.type, spec.name or request.name)

    def _inherited(self, urn: str, parent: str, before: str) -> str:
        """The URN that a child had before its parent was renamed, whose name its own may begin with."""
        kind, name = urn.split("::", 3)[2:]
        new, old = (parent.rsplit("::", 1)[-1], before.rsplit("::", 1)[-1])
        renamed = old + name.removeprefix(new) if name.startswith(new) else name
        return self._urn(before, kind.rsplit("$", 1)[-1], renamed)


def _trigger(options: Options) -> object:
    if not options.HasField("replacement_trigger"):
        return None
    return bare(json_format.MessageToDict(options.replacement_trigger))


def _with_secrets(record: Record) -> Props:
    return {name: secret(value) if name in record.secrets else value for name, value in record.outputs.items()}
