"""Calls back into a program: the transforms that it registered for its resources, its whole stack, its invokes.

After pkg/resource/deploy/source_eval.go in pulumi/pulumi: a resource's own come first, then those of its parents from
the nearest on, then the stack's.
"""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pulumi.runtime.proto import callback_pb2, resource_pb2

from mailstack_localcloud.pulumi import wire
from mailstack_localcloud.pulumi.callbacks import CallbackError, Callbacks
from mailstack_localcloud.pulumi.wire import Props

if TYPE_CHECKING:
    from collections.abc import Iterable

Options: TypeAlias = resource_pb2.TransformResourceOptions


class TransformError(RuntimeError):
    """A transform raised: the message is the program's own."""


class Transforms:
    """The transforms that a program registered. Thread-safe: requests come from many threads at once."""

    def __init__(self, callbacks: Callbacks) -> None:
        """Begin with none.

        Args:
            callbacks: How to call the program.
        """
        self._callbacks = callbacks
        self._stack: list[callback_pb2.Callback] = []
        self._invokes: list[callback_pb2.Callback] = []
        self._own: dict[str, tuple[str, list[callback_pb2.Callback]]] = {}

    def add(self, callback: callback_pb2.Callback) -> None:
        """One for every resource that is registered from now on."""
        self._stack.append(callback)

    def add_invoke(self, callback: callback_pb2.Callback) -> None:
        """One for every invoke from now on."""
        self._invokes.append(callback)

    def resource(self, request: resource_pb2.RegisterResourceRequest, urn: str) -> tuple[Props, Options]:
        """A resource's inputs and options after its transforms, which its children inherit.

        Raises:
            TransformError: One of them raised.
        """
        own = list(cast("Iterable[callback_pb2.Callback]", request.transforms))
        self._own[urn] = (request.parent, own)
        inputs, options = wire.plain(request.object), _options(request)
        chain = [*own, *self._inherited(request.parent), *self._stack]
        if not chain:
            return inputs, options
        values = _outputs(inputs, request) if own else _marked(inputs)
        for callback in chain:
            asked = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=wire.struct(values),
                options=options,
            )
            answer = resource_pb2.TransformResponse.FromString(
                self._call(callback, asked, f"{request.type} '{request.name}'")
            )
            values = wire.plain(answer.properties) if answer.HasField("properties") else values
            options = answer.options if answer.HasField("options") else options
        return values, options

    def invoke(self, request: resource_pb2.ResourceInvokeRequest) -> tuple[Props, str]:
        """An invoke's arguments and provider after the stack's transforms.

        Raises:
            TransformError: One of them raised.
        """
        args = wire.plain(request.args)
        options = resource_pb2.TransformInvokeOptions(
            provider=request.provider, version=request.version, plugin_download_url=request.pluginDownloadURL
        )
        for callback in self._invokes:
            asked = resource_pb2.TransformInvokeRequest(
                token=request.tok, args=wire.struct(_marked(args)), options=options
            )
            answer = resource_pb2.TransformInvokeResponse.FromString(self._call(callback, asked, request.tok))
            args = wire.plain(answer.args) if answer.HasField("args") else args
            options = answer.options if answer.HasField("options") else options
        return args, options.provider

    def _inherited(self, parent: str) -> list[callback_pb2.Callback]:
        found: list[callback_pb2.Callback] = []
        while parent in self._own:
            parent, own = self._own[parent]
            found += own
        return found

    def _call(self, callback: callback_pb2.Callback, request: Any, title: str) -> bytes:
        try:
            return self._callbacks.call(callback, request)
        except CallbackError as error:
            raise TransformError(f"{title}: a transform failed: {error}") from error


def _options(request: resource_pb2.RegisterResourceRequest) -> Options:
    named: dict[str, Any] = {
        "depends_on": request.dependencies,
        "ignore_changes": request.ignoreChanges,
        "replace_on_changes": request.replaceOnChanges,
        "aliases": request.aliases,
        "provider": request.provider,
        "providers": request.providers,
        "deleted_with": request.deletedWith,
        "replace_with": request.replace_with,
        "additional_secret_outputs": request.additionalSecretOutputs,
        "import": request.importId,
        "hooks": request.hooks,
    }
    if request.HasField("protect"):
        named["protect"] = request.protect
    if request.HasField("retainOnDelete"):
        named["retain_on_delete"] = request.retainOnDelete
    if request.deleteBeforeReplaceDefined:
        named["delete_before_replace"] = request.deleteBeforeReplace
    if request.HasField("replacement_trigger"):
        named["replacement_trigger"] = request.replacement_trigger
    if request.HasField("customTimeouts"):
        named["custom_timeouts"] = request.customTimeouts
    return resource_pb2.TransformResourceOptions(**named)


def _marked(value: Any) -> Any:
    """Secrets and unknowns as outputs, which is how a transform must see them."""
    if wire.signature(value) == wire.SECRET:
        inner = value["value"]
        known = {} if wire.is_unknown(inner) else {"value": inner}
        return {wire.SIGNATURE: wire.OUTPUT, "secret": True, **known}
    if value == wire.UNKNOWN:
        return {wire.SIGNATURE: wire.OUTPUT}
    if isinstance(value, dict):
        return {name: _marked(member) for name, member in cast("Props", value).items()}
    return [_marked(member) for member in cast("list[Any]", value)] if isinstance(value, list) else value


def _outputs(inputs: Props, request: resource_pb2.RegisterResourceRequest) -> Props:
    """Inputs that come from other resources as outputs that say so."""
    values: Props = _marked(inputs)
    for name, dependencies in request.propertyDependencies.items():
        if name in values and dependencies.urns:
            value = values[name]
            output = value if wire.signature(value) == wire.OUTPUT else {wire.SIGNATURE: wire.OUTPUT, "value": value}
            values[name] = {**output, "dependencies": sorted(dependencies.urns)}
    return values
