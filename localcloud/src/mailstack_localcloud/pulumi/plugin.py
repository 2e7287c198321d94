"""A provider plugin as an engine sees it: a child process, and its calls on plain values.

The untyped edge of gRPC's stubs ends here.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from mailstack_localcloud.paths import IMPORT_PATH
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, plain, struct

COMMAND = (sys.executable, "-P", "-m", "mailstack_localcloud.pulumi.provider")
_START = 120.0  # seconds until the plugin must answer
_CALL = 300.0  # seconds for one call
_STOP = 60.0  # seconds to leave
_MAX_MESSAGE = 400 * 1024 * 1024
_OPTIONS = [("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.max_send_message_length", _MAX_MESSAGE)]


class PluginError(RuntimeError):
    """The plugin answered with an error: the message is its own sentence."""


@dataclass(frozen=True)
class DiffResult:
    """The differences that a plugin found."""

    changed: bool
    names: tuple[str, ...]
    replaces: tuple[str, ...]
    delete_first: bool
    paths: tuple[str, ...] = ()
    """What differs inside them."""


@dataclass(frozen=True)
class ReadResult:
    """The result of a plugin's read."""

    state: Props
    inputs: Props


class Plugin:
    """A running plugin. Close it, or use it as a context manager.

    It starts while its owner goes on; the first call waits for it, and raises `PluginError` when it does not start.
    """

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        said: IO[bytes] | None = None,
    ) -> None:
        """Start the plugin, unless it has been started.

        Args:
            command: What to run.
            environment: Its environment; default: this process's.
            folder: Its working directory; default: the current one.
            said: The standard output of a plugin that another process started, and kills if it does not exit.
        """
        self._process = None if said else _started(command, os.environ if environment is None else environment, folder)
        self._said = said or cast("IO[bytes]", cast("Any", self._process).stdout)
        self._channel: grpc.Channel | None = None
        self._lock = threading.Lock()

    @cached_property
    def _connected(self) -> Any:
        line = self._said.readline().strip()
        if not line.isdigit():
            raise PluginError(f"The plugin did not start: it printed {line!r} instead of its port.")
        self._channel = grpc.insecure_channel(f"127.0.0.1:{int(line)}", options=_OPTIONS)
        grpc.channel_ready_future(self._channel).result(timeout=_START)
        return provider_pb2_grpc.ResourceProviderStub(self._channel)

    @property
    def _stub(self) -> Any:
        with self._lock:
            return self._connected

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask the plugin to exit, and kill it if it does not. Idempotent."""
        if self._said.closed:
            return
        try:
            if self._channel:
                self._stub.Cancel(empty_pb2.Empty(), timeout=_STOP)
            elif self._process:
                self._process.terminate()
            if self._process:
                self._process.wait(_STOP)
        except (grpc.RpcError, subprocess.TimeoutExpired):
            if self._process:
                self._process.kill()
                self._process.wait()
        finally:
            if self._channel:
                self._channel.close()
            self._said.close()

    def _call(self, method: str, request: object) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=_CALL)
        except grpc.RpcError as error:
            raise PluginError(cast("Any", error).details() or str(error)) from error

    @property
    def version(self) -> str:
        """The version that the plugin reports."""
        return str(self._call("GetPluginInfo", empty_pb2.Empty()).version)

    def check_config(self, urn: str, args: Props) -> tuple[Props, list[Problem]]:
        """Judge and complete a configuration."""
        checked = self._call("CheckConfig", provider_pb2.CheckRequest(urn=urn, news=struct(args)))
        return plain(checked.inputs), _problems(checked)

    def replaces_config(self, urn: str, olds: Props, news: Props) -> bool:
        """Whether another configuration makes another provider."""
        request = provider_pb2.DiffRequest(urn=urn, olds=struct(olds), old_inputs=struct(olds), news=struct(news))
        return bool(self._call("DiffConfig", request).replaces)

    def configure(self, urn: str, args: Props) -> list[Problem]:
        """Check and set the plugin's configuration; not set when there are problems."""
        inputs, problems = self.check_config(urn, args)
        if not problems:
            flags = {"acceptSecrets": True, "acceptResources": True, "sends_old_inputs": True}
            self._call("Configure", provider_pb2.ConfigureRequest(args=struct(inputs), **cast("Any", flags)))
        return problems

    def check(self, urn: str, news: Props, olds: Props | None, seed: bytes) -> tuple[Props, list[Problem]]:
        """Judge and complete inputs."""
        request = provider_pb2.CheckRequest(urn=urn, news=struct(news), randomSeed=seed)
        if olds is not None:
            request.olds.CopyFrom(struct(olds))
        answer = self._call("Check", request)
        return plain(answer.inputs), _problems(answer)

    def diff(
        self, urn: str, identifier: str, olds: Props, state: Props, news: Props, ignored: Sequence[str] = ()
    ) -> DiffResult:
        """Compare a resource with new inputs."""
        request = provider_pb2.DiffRequest(
            urn=urn,
            id=identifier,
            olds=struct(state),
            old_inputs=struct(olds),
            news=struct(news),
            ignoreChanges=ignored,
        )
        answer = self._call("Diff", request)
        return DiffResult(
            changed=answer.changes == provider_pb2.DiffResponse.DIFF_SOME,
            names=tuple(answer.diffs),
            replaces=tuple(answer.replaces),
            delete_first=answer.deleteBeforeReplace,
            paths=tuple(answer.detailedDiff),
        )

    def create(self, urn: str, inputs: Props, *, preview: bool = False) -> tuple[str, Props]:
        """Make a resource: its id and outputs."""
        answer = self._call(
            "Create", provider_pb2.CreateRequest(urn=urn, properties=struct(inputs), preview=preview, timeout=_CALL)
        )
        return str(answer.id), plain(answer.properties)

    def read(self, urn: str, identifier: str, inputs: Props, state: Props) -> ReadResult | None:
        """Look a resource up; None when it is gone."""
        request = provider_pb2.ReadRequest(urn=urn, id=identifier, inputs=struct(inputs), properties=struct(state))
        answer = self._call("Read", request)
        return ReadResult(plain(answer.properties), plain(answer.inputs)) if answer.id else None

    def update(
        self,
        urn: str,
        identifier: str,
        olds: Props,
        state: Props,
        news: Props,
        ignored: Sequence[str] = (),
        *,
        preview: bool = False,
    ) -> Props:
        """Change a resource in place: its outputs."""
        request = provider_pb2.UpdateRequest(
            urn=urn,
            id=identifier,
            olds=struct(state),
            old_inputs=struct(olds),
            news=struct(news),
            ignoreChanges=ignored,
            preview=preview,
            timeout=_CALL,
        )
        return plain(self._call("Update", request).properties)

    def delete(self, urn: str, identifier: str, inputs: Props, state: Props) -> None:
        """Delete a resource."""
        request = provider_pb2.DeleteRequest(
            urn=urn, id=identifier, properties=struct(state), old_inputs=struct(inputs), timeout=_CALL
        )
        self._call("Delete", request)

    def invoke(self, token: str, args: Props) -> tuple[Props, list[Problem]]:
        """Call a function."""
        answer = self._call("Invoke", provider_pb2.InvokeRequest(tok=token, args=struct(args)))
        return plain(getattr(answer, "return")), _problems(answer)


def _started(command: Sequence[str], environment: Mapping[str, str], folder: Path | None) -> "subprocess.Popen[bytes]":
    arguments = [*command, "127.0.0.1:0"]  # an engine's address, which nothing listens on
    path = os.pathsep.join(filter(None, (IMPORT_PATH, environment.get("PYTHONPATH"))))
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**environment, "PYTHONPATH": path}, cwd=folder)


def _problems(answer: Any) -> list[Problem]:
    return [Problem(str(failure.property), str(failure.reason)) for failure in answer.failures]
