"""A project on disk: its name, where its program is, and the configuration of a stack.

Not for writing: the repository's Pulumi.*.yaml are never changed from here.
"""

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from mailstack_localcloud.pulumi.encrypted import PASSPHRASE, DecryptionError, decrypter
from mailstack_localcloud.pulumi.stack import DeploymentError
from mailstack_localcloud.pulumi.wire import Props, obj


@dataclass(frozen=True)
class Project:
    """The project and the configuration of one stack."""

    name: str
    root: Path
    program: Path
    """The folder or file that Pulumi.yaml calls `main`; the root without one."""
    config: dict[str, str]
    """Full keys, such as `aws:region`; values other than strings are JSON, as Pulumi passes them to programs."""
    secrets: frozenset[str]
    """Those keys whose values are secret."""


def load(
    root: Path, stack: str, config: Mapping[str, str], secrets: Mapping[str, str], environment: Mapping[str, str]
) -> Project:
    """Read Pulumi.yaml and Pulumi.<stack>.yaml.

    Args:
        root: The folder that holds them.
        stack: The stack's name; it need not have a file.
        config: Configuration that wins over the files'; keys without a namespace get the project's.
        secrets: The same, and secret.
        environment: May hold PULUMI_CONFIG_PASSPHRASE, for encrypted values in the stack's file.

    Raises:
        DeploymentError: There is no project, or a value is encrypted and cannot be read.
    """
    try:
        project = obj(yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8")))
    except OSError as error:
        raise DeploymentError(
            f"{root} is not a Pulumi project: Pulumi.yaml cannot be read: {error.strerror}."
        ) from error
    name = str(project["name"])
    stack_file = root / f"Pulumi.{stack}.yaml"
    of_stack = obj(yaml.safe_load(stack_file.read_text(encoding="utf-8"))) if stack_file.is_file() else {}
    given, closed = named(name, config), named(name, secrets)
    opened, encrypted = read_config(name, of_stack, {*given, *closed}, environment.get(PASSPHRASE))
    declared = {key: _default(value) for key, value in obj(project.get("config")).items()}
    values: Props = {**named(name, declared), **opened, **encrypted, **given, **closed}
    texts = {key: _text(value) for key, value in values.items() if value is not None}
    return Project(
        name, root, (root / str(project.get("main", "."))).resolve(), texts, frozenset({*encrypted, *closed})
    )


def named(project: str, config: Mapping[str, Any]) -> Props:
    """Configuration by full key.

    Example:
        >>> named("mailstack", {"domain": "example.com", "aws:region": "eu-west-1"})
        {'mailstack:domain': 'example.com', 'aws:region': 'eu-west-1'}
    """
    return {key if ":" in key else f"{project}:{key}": value for key, value in config.items()}


def read_config(
    project: str, of_stack: Props, known: Container[str], passphrase: str | None
) -> tuple[Props, dict[str, str]]:
    """The configuration in a stack's file, by full key: plain values, and decrypted ones.

    Args:
        project: The project's name.
        of_stack: The file's content.
        known: Keys whose values in the file are not needed.
        passphrase: What the file's values were encrypted with.

    Raises:
        DeploymentError: An encrypted value cannot be read.
    """
    config = {key: value for key, value in named(project, obj(of_stack.get("config"))).items() if key not in known}
    closed = {key for key, value in config.items() if _is_closed(value)}
    if not closed:
        return config, {}
    keys = ", ".join(sorted(closed))
    salt = of_stack.get("encryptionsalt")
    if passphrase is None or not salt:
        how = f"set {PASSPHRASE} in the stack's environment" if salt else "only its key's service can read it"
        raise DeploymentError(f"{keys} is encrypted: {how}, or give its value among the stack's secrets.")
    try:
        read = decrypter(str(salt), passphrase)
        encrypted = {key: _text(_opened(config[key], read)) for key in closed}
    except DecryptionError as error:
        raise DeploymentError(f"{keys} cannot be read: {error}. Check {PASSPHRASE}.") from error
    return {key: value for key, value in config.items() if key not in closed}, encrypted


def _default(declared: Any) -> Any:
    """A project's configuration is a value, or a declaration that may hold one."""
    declaration = obj(declared)
    return declaration.get("value", declaration.get("default")) if declaration else declared


def _is_closed(value: Any) -> bool:
    if isinstance(value, dict):
        members = cast("Props", value)
        return [*members] == ["secure"] or any(map(_is_closed, members.values()))
    return isinstance(value, list) and any(map(_is_closed, cast("list[Any]", value)))


def _opened(value: Any, read: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        members = cast("Props", value)
        if [*members] == ["secure"]:
            return read(str(members["secure"]))
        return {name: _opened(member, read) for name, member in members.items()}
    return [_opened(member, read) for member in cast("list[Any]", value)] if isinstance(value, list) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(cast("object", value))
