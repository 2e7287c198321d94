"""A stack under the caller's own Pulumi CLI and credentials, with its state in a folder that outlives a failure.

Not for tests of the program: `mailstack_localcloud.pulumi.cli` is. It reaches the local cloud alone, this one AWS.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import yaml
from pulumi import automation
from pulumi.automation import CommandError, CommandResult, EngineEvent, LocalWorkspace, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from mailstack_localcloud.pulumi.find_cli import examine
from mailstack_localcloud.pulumi.stack import Changes, DeploymentError, Operation

if TYPE_CHECKING:
    from tools.live.site import Options

ROOT = Path(__file__).parents[2]
# A deployment takes minutes on AWS; what is longer hangs.
SECONDS_TO_FINISH = 3600
# An interrupted engine ends what it began: cancelled half-way, AWS would have a resource that no state knows.
SECONDS_TO_STOP = 900
LAST_LINES = 12
_Result = TypeVar("_Result")
_OPERATIONS: tuple[Operation, ...] = ("create", "update", "replace", "delete", "same", "import")


class LiveStack:
    """One stack of `infra/`.

    Args:
        name: The stack's name.
        config: Its settings, with namespaces.
        options: The folder for project and state, the CLI, the plugin, the profile.

    Raises:
        DeploymentError: The CLI does not serve, or refuses the project.
    """

    def __init__(self, name: str, config: Mapping[str, object], options: "Options") -> None:
        cli = examine(options.pulumi)
        if cli.problem:
            raise DeploymentError(f"{options.pulumi} cannot be used: {cli.problem}. `make pulumi` installs one.")
        self.name = name
        self.outputs: dict[str, object] = {}
        self._command = _Command(options.pulumi, cli.version)
        workspace = LocalWorkspace(
            work_dir=str(_write_project(options.folder / name, name, config, options.plugin)),
            pulumi_command=self._command,
            env_vars=_environment(options),
        )
        self._stack = self._run("select", lambda _: automation.Stack.create_or_select(name, workspace))[0]

    def up(self) -> Changes:
        """Bring AWS in line with the program."""
        result, changes = self._run("up", lambda hear: self._stack.up(on_event=hear, show_secrets=False))
        self.outputs = {key: output.value for key, output in result.outputs.items()}
        return changes

    def refresh(self) -> Changes:
        """Bring the state in line with AWS."""
        return self._run("refresh", lambda hear: self._stack.refresh(on_event=hear, show_secrets=False))[1]

    def destroy(self) -> Changes:
        """Delete everything that the state holds, also after an operation that was interrupted."""
        return self._run("destroy", lambda hear: self._stack.destroy(on_event=hear, show_secrets=False))[1]

    def resource(self, kind: str, **properties: str) -> dict[str, Any]:
        """The outputs of the first resource of a type that has these properties, as the state has them.

        Raises:
            DeploymentError: There is none.
        """
        state = cast("Mapping[str, Any]", self._stack.export_stack().deployment or {})
        for one in cast("list[dict[str, Any]]", state.get("resources", [])):
            outputs = cast("dict[str, Any]", one.get("outputs", {}))
            if one["type"] == kind and properties.items() <= outputs.items():
                return outputs
        raise DeploymentError(f"the stack has no {kind} with {properties}")

    def unlock(self) -> None:
        """Release the lock of an operation whose process was killed."""
        with suppress(CommandError):
            self._stack.cancel()

    def forget(self) -> None:
        """Remove the stack's own state, once it is empty."""
        self._run("stack rm", lambda _: self._stack.workspace.remove_stack(self.name))

    def _run(self, what: str, operation: Callable[[Callable[[EngineEvent], None]], _Result]) -> tuple[_Result, Changes]:
        events: list[EngineEvent] = []
        try:
            result = operation(events.append)
        except CommandError as error:
            reason = _reason(events) or self._command.complaint()
            raise DeploymentError(f"pulumi {what} of stack {self.name} failed: {reason}") from error
        steps = [event.res_outputs_event.metadata for event in events if event.res_outputs_event]
        custom = [each for each in steps if (each.new or each.old) and not each.type.startswith("pulumi:")]
        counted = [(each.op, each.urn) for each in custom if getattr(each.new or each.old, "custom", False)]
        return result, Changes.of((cast("Operation", op), urn) for op, urn in counted if op in _OPERATIONS)


class _Command(PulumiCommand):
    """The Automation API's command, in a process group of its own: Ctrl+C reaches it once, and it is waited for."""

    def __init__(self, pulumi: Path, version: str) -> None:  # pyright: ignore[reportMissingSuperCall] - it asks PATH
        self.command = str(pulumi)
        self.version = VersionInfo.parse(version)
        self._last = CommandResult("", "", 0)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], object] | None = None,
        on_error: Callable[[str], object] | None = None,
    ) -> CommandResult:
        """Run `pulumi` to its end.

        Raises:
            CommandError: It failed.
            DeploymentError: It took too long.
        """
        command = [self.command, "--non-interactive", *args]
        env = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with subprocess.Popen(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            self._last = _finish(process, args[0])
        for hear, text in ((on_output, self._last.stdout), (on_error, self._last.stderr)):
            for line in text.splitlines() if hear else ():
                hear(line)  # pyright: ignore[reportOptionalCall]
        if self._last.code != 0:
            raise create_command_error(self._last)
        return self._last

    def complaint(self) -> str:
        """What the last command wrote last."""
        said = self._last.stderr.strip() or self._last.stdout.strip()
        return "\n".join(said.splitlines()[-LAST_LINES:]) or f"exit code {self._last.code}"


def _finish(process: "subprocess.Popen[str]", what: str) -> CommandResult:
    """Wait for the CLI. Interrupted, or late: interrupt it, and wait until it has saved its state."""
    try:
        out, err = process.communicate(timeout=SECONDS_TO_FINISH)
    except BaseException as error:
        process.send_signal(signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        said = "\n".join(out.splitlines()[-LAST_LINES:])
        raise DeploymentError(f"pulumi {what} had not ended after {SECONDS_TO_FINISH} s:\n{said}") from error
    return CommandResult(out, err, process.returncode)


def _write_project(folder: Path, name: str, config: Mapping[str, object], plugin: Path | None) -> Path:
    """The project of the repository, in a folder of its own: its stack files are left alone."""
    project = cast("dict[str, object]", yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8")))
    project["main"] = str(ROOT / "infra")
    in_virtualenv = sys.prefix != sys.base_prefix
    project["runtime"] = {"name": "python", "options": {"virtualenv": sys.prefix} if in_virtualenv else {}}
    if plugin:
        project["plugins"] = {"providers": [{"name": "aws", "path": str(plugin)}]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": dict(config)}), encoding="utf-8")
    return folder


def _environment(options: "Options") -> dict[str, str]:
    state = options.folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    path = [str(options.pulumi.parent), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        "PATH": os.pathsep.join(path),
        "PULUMI_BACKEND_URL": state.resolve().as_uri(),
        # The state holds no secret: settings and outputs of this stack are public, and it lives for an hour.
        "PULUMI_CONFIG_PASSPHRASE": "live",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **({"AWS_PROFILE": options.deploy_profile} if options.deploy_profile else {}),
    }


def _reason(events: list[EngineEvent]) -> str:
    """The engine's own errors."""
    errors = [event.diagnostic_event for event in events if event.diagnostic_event]
    said = [error.message.strip() for error in errors if error.severity == "error"]
    telling = [line for line in said if not line.endswith((" failed", " canceled"))]
    return "\n".join(dict.fromkeys(telling or said))
