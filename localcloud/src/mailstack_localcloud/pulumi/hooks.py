"""Hooks: functions of a program that run before and after a step on a resource, and when one fails.

After pkg/resource/deploy/{deployment,retries}.go in pulumi/pulumi. Not for deciding when: `deployment.py` does.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pulumi.runtime.proto import callback_pb2, resource_pb2

from mailstack_localcloud.pulumi.callbacks import CallbackError, Callbacks
from mailstack_localcloud.pulumi.plugin import PluginError
from mailstack_localcloud.pulumi.wire import Props, struct

KINDS = (
    "before_create", "after_create", "before_update", "after_update", "before_delete", "after_delete", "on_error",
)  # fmt: skip
MOST_TRIES = 100
_Result = TypeVar("_Result")


class HookError(RuntimeError):
    """A hook failed, or is not there."""


@dataclass(frozen=True)
class Subject:
    """The arguments of a hook. A value that does not exist yet, or no longer, is None."""

    urn: str
    type: str
    id: str = ""
    new_inputs: Props | None = None
    old_inputs: Props | None = None
    new_outputs: Props | None = None
    old_outputs: Props | None = None

    def request(self) -> dict[str, Any]:
        """The members that every hook's message has."""
        values = {name: getattr(self, name) for name in ("new_inputs", "old_inputs", "new_outputs", "old_outputs")}
        outputs = {name: struct(value) for name, value in values.items() if value is not None}
        return {"urn": self.urn, "type": self.type, "id": self.id, "name": self.urn.rsplit("::", 1)[-1], **outputs}


@dataclass
class Hooks:
    """The hooks that a program registered, by name."""

    callbacks: Callbacks = field(default_factory=Callbacks)
    preview: bool = False
    _of_steps: dict[str, resource_pb2.RegisterResourceHookRequest] = field(default_factory=dict[str, Any])
    _of_errors: dict[str, callback_pb2.Callback] = field(default_factory=dict[str, Any])

    def add(self, request: resource_pb2.RegisterResourceHookRequest) -> None:
        """One for before or after a step."""
        self._of_steps[request.name] = request

    def add_error(self, request: resource_pb2.RegisterErrorHookRequest) -> None:
        """One for when a step failed."""
        self._of_errors[request.name] = request.callback

    def run(self, hooks: Mapping[str, list[str]], kind: str, subject: Subject) -> None:
        """Run a resource's hooks of one kind.

        Raises:
            HookError: One failed, and its errors are not ignored.
        """
        for name in hooks.get(kind, ()):
            hook = self._of_steps.get(name)
            if hook is None:
                raise HookError(f"its hook {name!r} is not registered: run the program that registers it")
            if self.preview and not hook.on_dry_run:
                continue
            failure = self._failure(hook, subject)
            if failure and hook.ignore_errors:
                sys.stderr.write(f"warning: {kind} hook {name!r} failed: {failure}\n")
            elif failure:
                raise HookError(f"its {kind.partition('_')[0]} hook {name!r} failed: {failure}")

    def _failure(self, hook: resource_pb2.RegisterResourceHookRequest, subject: Subject) -> str:
        try:
            answer = self.callbacks.call(
                cast("callback_pb2.Callback", hook.callback), resource_pb2.ResourceHookRequest(**subject.request())
            )
        except CallbackError as error:
            return str(error)
        return resource_pb2.ResourceHookResponse.FromString(answer).error

    def trying(
        self, hooks: Mapping[str, list[str]], operation: str, subject: Subject, step: Callable[[], _Result]
    ) -> _Result:
        """Do a step; when it fails, ask the resource's hooks whether to do it again.

        Raises:
            PluginError: It failed, and none of them wants it again.
            HookError: One of them failed.
        """
        failures: list[str] = []
        while True:
            try:
                return step()
            except PluginError as error:
                failures.insert(0, str(error))
                if len(failures) >= MOST_TRIES or not self._again(hooks, operation, subject, failures):
                    raise

    def _again(self, hooks: Mapping[str, list[str]], operation: str, subject: Subject, failures: list[str]) -> bool:
        wanted = False
        for name in hooks.get("on_error", ()):
            callback = self._of_errors.get(name)
            if callback is None:
                raise HookError(f"its error hook {name!r} is not registered: run the program that registers it")
            members = {key: value for key, value in subject.request().items() if key != "new_outputs"}
            asked = resource_pb2.ErrorHookRequest(**members, failed_operation=operation, errors=failures)
            try:
                answer = resource_pb2.ErrorHookResponse.FromString(self.callbacks.call(callback, asked))
            except CallbackError as error:
                raise HookError(f"its error hook {name!r} failed: {error}") from error
            if answer.error:
                raise HookError(f"its error hook {name!r} failed: {answer.error}")
            wanted = wanted or answer.retry
        return wanted
