"""A project on disk: its name, where its program is, and the configuration of a stack.

Not for writing: the repository's Pulumi.*.yaml are never changed from here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from localcloud.pulumi.stack import DeploymentError
from localcloud.pulumi.wire import Props, obj


@dataclass(frozen=True)
class Project:
    """What an engine needs to know to run a program as one stack."""

    name: str
    root: Path
    program: Path
    """The folder or file that Pulumi.yaml calls `main`; the root without one."""
    config: dict[str, str]
    """Full keys, such as `aws:region`; what is no string is JSON, as Pulumi hands it to programs."""


def load(root: Path, stack: str, overrides: Mapping[str, str]) -> Project:
    """Read Pulumi.yaml and Pulumi.<stack>.yaml.

    Args:
        root: The folder that holds them.
        stack: The stack's name; it need not have a file.
        overrides: Configuration that wins over the files'.

    Raises:
        DeploymentError: There is no project, or a value is encrypted, which only the real CLI can read.
    """
    try:
        project = obj(yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8")))
    except OSError as error:
        raise DeploymentError(f"{root} is no Pulumi project: Pulumi.yaml cannot be read: {error.strerror}.") from error
    name = str(project["name"])
    stack_file = root / f"Pulumi.{stack}.yaml"
    of_stack = obj(yaml.safe_load(stack_file.read_text(encoding="utf-8"))) if stack_file.is_file() else {}
    values: Props = {
        **{key: _default(value) for key, value in obj(project.get("config")).items()},
        **obj(of_stack.get("config")),
        **overrides,
    }
    config = {
        key if ":" in key else f"{name}:{key}": _text(key, value) for key, value in values.items() if value is not None
    }
    return Project(name, root, (root / str(project.get("main", "."))).resolve(), config)


def _default(declared: Any) -> Any:
    """A project's configuration is a value, or a declaration that may hold one."""
    declaration = obj(declared)
    return declaration.get("value", declaration.get("default")) if declaration else declared


def _text(key: str, value: Any) -> str:
    if isinstance(value, dict) and "secure" in value:
        raise DeploymentError(f"{key} is encrypted: only the real CLI can read it. Give its value as an override.")
    return value if isinstance(value, str) else json.dumps(cast("object", value))
