"""Advice next to the provider's error if a resource cannot be created. Not for preventing the error."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import monitor_supports_feature

Advice = Callable[[str, str, Mapping[str, Any], str], str]
"""Returns the advice for a resource's URN, type, inputs and error; empty if it has none for the error."""


def explaining(opts: pulumi.ResourceOptions, name: str, advice: Advice) -> pulumi.ResourceOptions:
    """Options that add advice to a failure; unchanged if the engine does not support error hooks.

    Args:
        opts: The resource's options.
        name: The hook's name, one for each kind of advice.
        advice: Returns the advice.
    """
    if not hasattr(pulumi, "ErrorHook") or not monitor_supports_feature(
        resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS
    ):
        return opts

    def explain(args: "pulumi.ErrorHookArgs") -> bool:
        """Log the advice; do not retry."""
        text = advice(args.urn, args.type, args.new_inputs or {}, args.errors[0] if args.errors else "")
        if text:
            pulumi.log.error(text)
        return False

    hook = pulumi.ErrorHook(name, explain)
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook])))
