"""The real Pulumi CLI as a `stack.Stack`, through the Automation API: the engine that every real environment has.

It runs a project's program from a temporary project folder, with a file backend, a `PULUMI_HOME` and a plugin lookup of
its own: nothing is written to the repository, and the local cloud's `aws` plugin is never met by a user's own `pulumi`.
Not for real environments: there people run `pulumi` itself.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, TypeVar, cast

import yaml
from pulumi import automation
from pulumi.automation import CommandError, CommandResult, ConfigValue, EngineEvent, LocalWorkspace, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from mailstack_localcloud.pulumi.encrypted import PASSPHRASE
from mailstack_localcloud.pulumi.find_cli import examine, find_pulumi
from mailstack_localcloud.pulumi.project import named, read_config
from mailstack_localcloud.pulumi.shell import ENGINE, write_plugin
from mailstack_localcloud.pulumi.stack import Changes, DeploymentError, Operation

if TYPE_CHECKING:
    from pulumi.automation.events import DiagnosticEvent, StepEventMetadata

__all__ = ["CliStack", "find_pulumi"]

# One whole operation on a stack that takes two seconds; what is longer hangs.
SECONDS_TO_FINISH = 900
SECONDS_TO_STOP = 60
LAST_LINES = 10
# The user's own AWS_* and PULUMI_* must reach neither engine, program nor plugin.
INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
# A replacement's own steps (create-replacement, delete-replaced) are not counted apart.
OPERATIONS: dict[str, Operation] = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "delete": "delete",
    "same": "same",
    "import": "import",
}

Settings = dict[str, object]
_Result = TypeVar("_Result")


class CliStack:
    """A stack of a project on disk, deployed to the local cloud by the real CLI.

    Args:
        project_dir: Holds `Pulumi.yaml` and, if there is one, `Pulumi.<stack>.yaml`; both are only read.
        stack: The stack's name.
        config: Merged over the stack's configuration; keys without a namespace get the project's.
        environment: Variables for engine, program and plugin, `LocalCloud.environment()` for one. Its AWS_ENDPOINT_URL
            takes the place of `aws:endpoints` in the stack's file; its PULUMI_CONFIG_PASSPHRASE opens what that file
            holds encrypted.
        state: The file backend's folder; None for one that ends with this object.
        pulumi: The CLI; see `find_pulumi`.
        policy_packs: Folders of policy packs that every preview and update must pass.
        secrets: Merged like `config`, and secret.

    Raises:
        DeploymentError: The CLI does not serve, or refuses the project.

    Example:
        with CliStack(ROOT, "local", config={}, environment=cloud.environment(), pulumi=pulumi) as stack:
            stack.up().create
    """

    def __init__(
        self,
        project_dir: Path,
        stack: str,
        *,
        config: Mapping[str, str],
        environment: Mapping[str, str],
        pulumi: Path,
        state: Path | None = None,
        policy_packs: Sequence[Path] = (),
        secrets: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        cli = examine(pulumi)
        if cli.problem:
            raise DeploymentError(f"{pulumi} cannot be used: {cli.problem}.")
        self.engine = f"pulumi v{cli.version}"
        self.outputs: dict[str, object] = {}
        self.secrets: frozenset[str] = frozenset()
        self._stack_name = stack
        self._packs = [str(pack.resolve()) for pack in policy_packs]
        self._folder = tempfile.TemporaryDirectory(prefix="mailstack-pulumi-")
        folder = Path(self._folder.name)
        project, closed = _write_project(project_dir.resolve(), stack, config, secrets, environment, folder)
        self._command = _Command(pulumi, cli.version)
        workspace = LocalWorkspace(
            work_dir=str(project),
            pulumi_home=str(_made(folder / "home")),
            pulumi_command=self._command,
            env_vars=_environment(environment, pulumi, _made(state or folder / "state")),
        )
        self._stack = self._run("select", lambda _: automation.Stack.create_or_select(stack, workspace))[0]
        if closed:
            values = {key: ConfigValue(value, secret=True) for key, value in closed.items()}
            self._run("config", lambda _: self._stack.set_all_config(values))

    def preview(self) -> Changes:
        """The changes that `up` would make."""
        return self._run("preview", lambda hear: self._stack.preview(on_event=hear, policy_packs=self._packs))[1]

    def up(self) -> Changes:
        """Bring the local cloud in line with the program."""
        # show_secrets is about the history, and costs deriving a key; outputs come in plain text all the same.
        result, changes = self._run(
            "up", lambda hear: self._stack.up(on_event=hear, policy_packs=self._packs, show_secrets=False)
        )
        self.outputs = {name: output.value for name, output in result.outputs.items()}
        self.secrets = frozenset(name for name, output in result.outputs.items() if output.secret)
        return changes

    def refresh(self) -> Changes:
        """Bring the state in line with the local cloud."""
        return self._run("refresh", lambda hear: self._stack.refresh(on_event=hear, show_secrets=False))[1]

    def destroy(self) -> Changes:
        """Delete everything that the state holds."""
        changes = self._run("destroy", lambda hear: self._stack.destroy(on_event=hear, show_secrets=False))[1]
        self.outputs = {}
        return changes

    def close(self) -> None:
        """Remove the temporary folders, with the state unless it was given."""
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, what: str, operation: Callable[[Callable[[EngineEvent], None]], _Result]) -> tuple[_Result, Changes]:
        """Run one operation; hear what the engine does meanwhile."""
        events: list[EngineEvent] = []
        try:
            result = operation(events.append)
        except CommandError as error:
            reason = _reason(events) or self._command.complaint()
            raise DeploymentError(f"pulumi {what} of stack {self._stack_name!r} failed: {reason}") from error
        return result, Changes.of(_steps(events))


class _Command(PulumiCommand):
    """The Automation API's command, with a limit in time and without the caller's own environment."""

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
        env = {**additional_env, "PULUMI_AUTOMATION_API": "true"}
        with subprocess.Popen(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            self._last = _finish(process, args[0])
        _pass_on(on_output, self._last.stdout)
        _pass_on(on_error, self._last.stderr)
        if self._last.code != 0:
            raise create_command_error(self._last)
        return self._last

    def complaint(self) -> str:
        """The error output of the last command, for failures before the engine reports anything."""
        said = self._last.stderr.strip() or self._last.stdout.strip()
        return said.removeprefix("error: ") or f"exit code {self._last.code}"


def _finish(process: subprocess.Popen[str], what: str) -> CommandResult:
    """Wait for the CLI; interrupt it when it takes too long, so that it ends its plugins, and kill it if it must be."""
    try:
        out, err = process.communicate(timeout=SECONDS_TO_FINISH)
    except subprocess.TimeoutExpired as error:
        process.send_signal(signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        said = "\n".join(out.splitlines()[-LAST_LINES:])
        raise DeploymentError(
            f"pulumi {what} had not ended after {SECONDS_TO_FINISH} s; its last output:\n{said}"
        ) from error
    return CommandResult(out, err, process.returncode)


def _pass_on(hear: Callable[[str], object] | None, text: str) -> None:
    if hear:
        for line in text.splitlines():
            hear(line)


def _write_project(
    project_dir: Path,
    stack: str,
    config: Mapping[str, str],
    secrets: Mapping[str, str],
    environment: Mapping[str, str],
    folder: Path,
) -> tuple[Path, dict[str, str]]:
    """A project of the same name and program in a folder of its own, with the local cloud's plugin.

    The plugin is named in the project file, where the engine looks first, and is in no folder where other engines look.

    Returns:
        The folder, and the secret part of the configuration, which the CLI must encrypt for a backend of its own.
    """
    project = _read(project_dir / "Pulumi.yaml")
    settings_file = project_dir / f"Pulumi.{stack}.yaml"
    settings = _read(settings_file) if settings_file.exists() else {}
    name = str(project["name"])
    given, closed = named(name, config), named(name, secrets)
    opened, encrypted = read_config(name, settings, {*given, *closed}, environment.get(PASSPHRASE))
    # Of a backend of its own, and of no use to another: the copy gets this backend's.
    for key in ("encryptionsalt", "encryptedkey", "secretsprovider"):
        settings.pop(key, None)
    if "AWS_ENDPOINT_URL" in environment:
        opened.pop("aws:endpoints", None)
    settings["config"] = {**opened, **given}
    project["main"] = str(project_dir / str(project.get("main") or "."))
    project["runtime"] = {"name": "python", "options": _interpreter()}
    project["plugins"] = {"providers": [{"name": "aws", "path": str(write_plugin(folder / "plugins"))}]}
    target = _made(folder / "project")
    (target / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (target / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(settings))
    return target, {**encrypted, **closed}


def _read(file: Path) -> Settings:
    return cast("Settings", yaml.safe_load(file.read_text()) or {})


def _interpreter() -> Settings:
    """The interpreter that runs this; outside a virtual environment, `_environment` puts it first on PATH."""
    return {"virtualenv": sys.prefix} if sys.prefix != sys.base_prefix else {}


def _environment(given: Mapping[str, str], pulumi: Path, state: Path) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    path = [str(pulumi.parent), str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]
    return {
        **inherited,
        **ENGINE,
        **given,
        "PATH": os.pathsep.join(path),
        "PULUMI_BACKEND_URL": state.resolve().as_uri(),
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _steps(events: Iterable[EngineEvent]) -> list[tuple[Operation, str]]:
    """The change of each custom resource; components, providers and the stack itself are left out."""
    outcomes = [event.res_outputs_event.metadata for event in events if event.res_outputs_event]
    return [(OPERATIONS[step.op], step.urn) for step in outcomes if step.op in OPERATIONS and _is_custom(step)]


def _is_custom(step: "StepEventMetadata") -> bool:
    state = step.new or step.old
    return bool(state and state.custom) and not step.type.startswith("pulumi:")


def _reason(events: Iterable[EngineEvent]) -> str:
    """The engine's own errors, each with the resource that it is about; "" if it gave none."""
    errors = [event.diagnostic_event for event in events if event.diagnostic_event]
    said = [_sentence(error) for error in errors if error.severity == "error"]
    denied = [event.policy_event for event in events if event.policy_event]
    said += [f"{_resource(policy.resource_urn or '')}: {policy.message.strip()}" for policy in denied]
    # "update failed" and the like only sum up what the others say.
    telling = [line for line in said if not line.endswith((" failed", " canceled"))]
    return "\n".join(dict.fromkeys(telling or said))


def _sentence(error: "DiagnosticEvent") -> str:
    message = error.message.strip()
    resource = _resource(error.urn or "")
    return message if all(part in message for part in resource.split()) else f"{resource}: {message}"


def _resource(urn: str) -> str:
    """`urn:pulumi:dev::mail::parent$aws:sns/topic:Topic::events` as `aws:sns/topic:Topic events`."""
    kind, _, name = urn.partition("::")[2].partition("::")[2].partition("::")
    return f"{kind.rsplit('$', 1)[-1]} {name}"
