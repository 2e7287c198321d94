"""The provider as a gRPC server, in Pulumi's protocol (proto/pulumi/provider.proto).

It builds on the generated service and not on `pulumi.provider.experimental`, which drops the old inputs from Diff,
Update and Delete, cannot write an unknown value, and puts tracebacks into every error.
"""
# The names of the methods are the protocol's, which documents them; not every one needs its arguments.
# ruff: noqa: ARG002, D102, N802

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from types import FrameType
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from mailstack_localcloud.pulumi import schema
from mailstack_localcloud.pulumi.provider import config, invokes, lifecycle
from mailstack_localcloud.pulumi.provider.cloud import ProviderError
from mailstack_localcloud.pulumi.provider.resource import Resource
from mailstack_localcloud.pulumi.provider.resources import RESOURCES
from mailstack_localcloud.pulumi.wire import Props, bare, plain, struct

_Method = TypeVar("_Method", bound=Callable[..., object])
_WORKERS = 8
_GRACE = 5  # seconds for calls under way at the stop
_PARENT_LOOK = 1.0  # seconds
_MAX_MESSAGE = 400 * 1024 * 1024  # as Pulumi's own
_OPTIONS = [("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.max_send_message_length", _MAX_MESSAGE)]
_KINDS = provider_pb2.PropertyDiff.Kind


def _translate_errors(method: _Method) -> _Method:
    """An error of ours as a status with its sentence, and no traceback."""

    @wraps(method)
    def answered(servicer: "AwsServicer", request: object, context: grpc.ServicerContext) -> object:
        try:
            return method(servicer, request, context)
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise AssertionError from error  # abort raises

    return cast("_Method", answered)


def _name_of(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _resource_of(urn: str) -> Resource:
    """The type's table. A URN's type has its parents' before it, separated by `$`."""
    token = urn.split("::")[2].rsplit("$", 1)[-1]
    if token not in RESOURCES:
        raise ProviderError(
            f"The local cloud's provider does not serve {token}; it serves {', '.join(sorted(RESOURCES))}."
        )
    return RESOURCES[token]


class AwsServicer(provider_pb2_grpc.ResourceProviderServicer):
    """One configured provider. `stopped` is set when the engine is done with it."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._settings: config.Settings | None = None

    @property
    def settings(self) -> config.Settings:
        """The result of `Configure`.

        Raises:
            ProviderError: `Configure` was not called.
        """
        if self._settings is None:
            raise ProviderError("The provider is not configured: the engine must call Configure first.")
        return self._settings

    # --- the plugin ------------------------------------------------------------------------------------------------

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=schema.version())

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False, accept_resources=False, accept_outputs=False
        )

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.stopped.set()
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=f'{{"name":"aws","version":"{schema.version()}"}}')

    # --- configuration ---------------------------------------------------------------------------------------------

    @_translate_errors
    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        news = plain(request.news)
        problems = config.check(news)
        return provider_pb2.CheckResponse(inputs=struct(config.complete(news)), failures=_failures(problems))

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        changed = config.diff(plain(request.old_inputs), plain(request.news))
        message = provider_pb2.DiffResponse
        return message(
            changes=message.DIFF_SOME if changed else message.DIFF_NONE,
            diffs=changed,
            replaces=[name for name in changed if name in config.REPLACING],
        )

    @_translate_errors
    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        self._settings = config.configure(plain(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    @_translate_errors
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        args = _inputs(plain(request.args))
        result = invokes.invoke(request.tok, args, self.settings.cloud)
        values: Any = {"return": struct(result)}  # a keyword of Python
        return provider_pb2.InvokeResponse(**values)

    # --- resources -------------------------------------------------------------------------------------------------

    @_translate_errors
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        news, olds = _inputs(plain(request.news)), _inputs(plain(request.olds))
        tags = self.settings.default_tags
        resource, name = _resource_of(request.urn), _name_of(request.urn)
        inputs, problems = lifecycle.check(resource, name, news, olds, request.randomSeed, tags)
        return provider_pb2.CheckResponse(inputs=struct(inputs), failures=_failures(problems))

    @_translate_errors
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        found = lifecycle.diff(
            _resource_of(request.urn),
            _inputs(plain(request.old_inputs)),
            _inputs(plain(request.olds)),
            _inputs(plain(request.news)),
            request.ignoreChanges,
        )
        kinds = {
            path: f"{kind}_REPLACE" if change.replaces else kind
            for change in found.changes
            for path, kind in change.kinds.items()
        }
        message = provider_pb2.DiffResponse
        return message(
            changes=message.DIFF_SOME if found.changes else message.DIFF_NONE,
            replaces=found.replaces,
            diffs=sorted(found.names),
            deleteBeforeReplace=found.delete_first,
            detailedDiff={
                n: provider_pb2.PropertyDiff(kind=_KINDS.Value(kind), inputDiff=True) for n, kind in kinds.items()
            },
            hasDetailedDiff=True,
        )

    @_translate_errors
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        resource, inputs, cloud = _resource_of(request.urn), _inputs(plain(request.properties)), self.settings.cloud
        if request.preview:
            return provider_pb2.CreateResponse(properties=struct(lifecycle.preview_create(resource, inputs, cloud)))
        identifier, state = lifecycle.create(resource, _name_of(request.urn), inputs, cloud)
        return provider_pb2.CreateResponse(id=identifier, properties=struct(state))

    @_translate_errors
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        inputs, state = _inputs(plain(request.inputs)), _inputs(plain(request.properties))
        resource, name = _resource_of(request.urn), _name_of(request.urn)
        found = lifecycle.read(resource, name, request.id, inputs, state, self.settings.cloud)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=struct(found.state), inputs=struct(found.inputs))

    @_translate_errors
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        resource, cloud = _resource_of(request.urn), self.settings.cloud
        olds, state = _inputs(plain(request.old_inputs)), _inputs(plain(request.olds))
        news = _inputs(plain(request.news))
        if request.preview:
            return provider_pb2.UpdateResponse(
                properties=struct(lifecycle.preview_update(resource, state, news, cloud))
            )
        name = _name_of(request.urn)
        after = lifecycle.update(resource, name, request.id, olds, state, news, request.ignoreChanges, cloud)
        return provider_pb2.UpdateResponse(properties=struct(after))

    @_translate_errors
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        state = _inputs(plain(request.properties))
        lifecycle.delete(_resource_of(request.urn), _name_of(request.urn), request.id, state, self.settings.cloud)
        return empty_pb2.Empty()


def _inputs(values: Props) -> Props:
    """Values without envelopes: the engine puts those of secrets back."""
    return {name: bare(value) for name, value in values.items()}


def _failures(problems: list[schema.Problem]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=problem.path, reason=problem.reason) for problem in problems]


def serve() -> None:
    """Serve until a signal, or until the parent process exits. Prints the port first, as every plugin does."""
    servicer = AwsServicer()
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        servicer.stopped.set()

    signal.signal(signal.SIGTERM, stop)
    # An interrupt goes to the whole group: the engine decides when this plugin exits.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    parent = os.getppid()
    while not servicer.stopped.wait(_PARENT_LOOK) and os.getppid() == parent:
        pass
    server.stop(_GRACE).wait()
