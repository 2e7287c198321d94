"""The in-process engine: an unmodified Pulumi program against the local cloud, on a machine without the Pulumi CLI.

A test engine, not Pulumi's: docs/development/pulumi-cli.md says what it leaves out. Each operation runs in a process of
its own, as Pulumi's runtime keeps global state; where the system can fork, in one with Pulumi loaded.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mailstack_localcloud.isolation import isolated
from mailstack_localcloud.paths import IMPORT_PATH
from mailstack_localcloud.pulumi import fork_server, project, state
from mailstack_localcloud.pulumi.stack import Changes, DeploymentError
from mailstack_localcloud.pulumi.wire import SECRET, Props, bare, obj, signature

ENGINE = "in-process engine (a test engine, not Pulumi's)"
Verb: TypeAlias = Literal["preview", "up", "refresh", "destroy"]
_TIMEOUT = 900.0  # seconds for one operation
_LAST_LINES = 30


class InProcessStack:
    """One stack of one program under the in-process engine.

    Example:
        >>> from pathlib import Path
        >>> InProcessStack(Path("."), "local", state=Path("local.json")).engine
        "in-process engine (a test engine, not Pulumi's)"
    """

    engine = ENGINE

    def __init__(
        self,
        project_dir: Path,
        stack: str,
        *,
        state: Path,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Name a stack. Nothing is read or run before an operation.

        Args:
            project_dir: The folder with Pulumi.yaml.
            stack: The stack's name.
            state: The file that remembers the stack; made by the first `up`.
            config: Configuration that wins over Pulumi.<stack>.yaml; keys without a namespace get the project's.
            secrets: The same, and secret.
            environment: Variables for the program and the provider. Of this process they get what does not lead to
                another cloud; see `isolation`. PULUMI_CONFIG_PASSPHRASE among them opens what the stack's file holds
                encrypted.
        """
        self._project_dir, self._stack = Path(project_dir).resolve(), stack
        self._config, self._secrets, self._environment = (
            dict(config or {}),
            dict(secrets or {}),
            dict(environment or {}),
        )
        self._state = Path(state).resolve()

    @property
    def outputs(self) -> dict[str, object]:
        """The program's exports in the last `up`; secrets in plain text."""
        return obj(bare(self._exports))

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the outputs that are secret as a whole."""
        return frozenset(name for name, value in self._exports.items() if signature(value) == SECRET)

    @property
    def _exports(self) -> Props:
        stack = next((record for record in state.load(self._state) if record.type == state.STACK), None)
        return stack.outputs if stack else {}

    def preview(self) -> Changes:
        """The changes that `up` would make."""
        return self._run("preview")

    def up(self) -> Changes:
        """Bring the cloud in line with the program."""
        return self._run("up")

    def refresh(self) -> Changes:
        """Bring the state in line with the cloud."""
        return self._run("refresh")

    def destroy(self) -> Changes:
        """Delete everything that the state holds."""
        return self._run("destroy")

    def _run(self, verb: Verb) -> Changes:
        settled = project.load(self._project_dir, self._stack, self._config, self._secrets, self._environment)
        request: dict[str, Any] = {
            "verb": verb,
            "stack": self._stack,
            "project": settled.name,
            "root": str(settled.root),
            "program": str(settled.program),
            "config": settled.config,
            "secrets": sorted(settled.secrets),
            "state": str(self._state),
        }
        with tempfile.TemporaryDirectory(prefix="localcloud-stack-") as scratch:
            answer = Path(scratch) / "answer.json"
            done = self._work({**request, "answer": str(answer)})
            if not answer.exists():
                said = "\n".join((done.stdout + done.stderr).splitlines()[-_LAST_LINES:])
                raise DeploymentError(
                    f"{verb} of {self._stack} ended without an answer (status {done.returncode}):\n{said}"
                )
            result = json.loads(answer.read_text(encoding="utf-8"))
        if result["errors"]:
            raise DeploymentError(f"{verb} of {self._stack} failed:\n" + "\n".join(result["errors"]))
        return Changes.of([(operation, urn) for operation, urn in result["steps"]])

    def _work(self, request: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
        environment = isolated(os.environ, self._environment)
        # What Python itself reads there, it reads when it starts.
        if fork_server.POSSIBLE and not any(name.startswith("PYTHON") for name in self._environment):
            return fork_server.FORK_SERVER.run(request, environment, _TIMEOUT)
        return subprocess.run(
            [sys.executable, "-m", "mailstack_localcloud.pulumi.worker"],
            input=json.dumps(request),
            cwd=IMPORT_PATH,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
