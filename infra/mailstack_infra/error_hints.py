"""What to do about a resource that cannot be made, said beside the provider's error. Not for preventing the error."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import monitor_supports_feature

Advice = Callable[[str, str, Mapping[str, Any], str], str]
"""What to do: given the resource's URN, its type, its inputs and the error; empty where it is another error."""


def explaining(opts: pulumi.ResourceOptions, name: str, advice: Advice) -> pulumi.ResourceOptions:
    """Options under which a failure is explained; the same ones where the engine is too old.

    Args:
        opts: The resource's own.
        name: The hook's, one for each kind of advice.
        advice: What to do.
    """
    if not hasattr(pulumi, "ErrorHook") or not monitor_supports_feature(
        resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS
    ):
        return opts

    def explain(args: "pulumi.ErrorHookArgs") -> bool:
        """Say it, and let the engine not try again."""
        text = advice(args.urn, args.type, args.new_inputs or {}, args.errors[0] if args.errors else "")
        if text:
            pulumi.log.error(text)
        return False

    hook = pulumi.ErrorHook(name, explain)
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook])))
