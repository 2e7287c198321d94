"""Finds and reads the files that hold the mail settings of a project. It reads files, and runs none."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.migrate.block import without_block
from mailer.migrate.env_file import read_env
from mailer.migrate.python_file import located, parsed, read_python
from mailer.migrate.setting import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailer.migrate.setting import Setting

MAX_BYTES = 2_000_000
# The usual places, below the current folder.
ENV_FILES = (".env", ".envs/.production/.django", ".env.production", "config/.env")
PYTHON_FILES = ("config.py", "settings.py", "app/config.py", "app/core/config.py", "src/config.py", "core/config.py")
_MODULE = re.compile(r"[A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){1,20}\Z")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class Sources:
    """What was found.

    Attributes:
        env_files: The `.env` files.
        python_files: The settings files that were named or found, without those that they include.
        settings: All settings; those of Python, which the program sees, stand before the variables that give them.
        problems: What could not be read.
        has_classes: Whether the settings of Django are classes.
    """

    env_files: list[Path] = field(default_factory=list["Path"])
    python_files: list[Path] = field(default_factory=list["Path"])
    settings: list["Setting"] = field(default_factory=list["Setting"])
    problems: list[str] = field(default_factory=list[str])
    has_classes: bool = False


def read_sources(
    named: "Sequence[str]", folder: Path, environ: "Mapping[str, str] | None" = None, *, with_block: bool = False
) -> Sources:
    """Read the files.

    Args:
        named: Files and modules; empty for the usual places.
        folder: Where they are.
        environ: Environment variables that settings files of Python may read, beside those of the `.env` files.
        with_block: Whether the lines count that `mailer migrate` has written.

    Raises:
        ConfigurationError: There are none, or one cannot be read.
    """
    paths = [_path(name, folder) for name in named] or _usual(folder)
    if not paths:
        words = f"{folder} has no settings that are known: no .env, manage.py, settings.py or config.py."
        raise ConfigurationError(words, hint="Name the files: mailer migrate .env shop/settings.py")
    found = Sources()
    for path in paths:
        (found.python_files if path.suffix == ".py" else found.env_files).append(path)
    variables: dict[str, Setting] = {}
    for path in found.env_files:
        text = text_of(path)
        variables |= {one.name: one for one in read_env(text if with_block else without_block(text), str(path))}
    known: dict[str, object] = {**(environ or {}), **{name: one.value for name, one in variables.items()}}
    for path in found.python_files:
        text_of(path)
        read = read_python(path, known, with_block=with_block)
        found.settings += read.settings.values()
        found.problems += read.problems
        found.has_classes |= read.has_classes
    found.settings += variables.values()
    return found


def text_of(path: Path) -> str:
    """The text of a file, in the encodings that editors write.

    Raises:
        ConfigurationError: It cannot be read, or is too large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path} is larger than {MAX_BYTES:,} bytes.", hint="Name a file of settings.")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", hint="Name a file of settings."
        ) from error
    return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig", errors="replace")


def _path(name: str, folder: Path) -> Path:
    """The file that a name stands for: a path, or a dotted module."""
    path = folder / name
    if path.is_file() or not _MODULE.match(name):
        return path
    found = located(folder, name) or located(folder / "src", name)
    if found is None:
        hint = "Run it in the project's root folder, or name the file."
        raise ConfigurationError(f"There is neither a file {name} nor a module of that name in {folder}.", hint=hint)
    return found


def _usual(folder: Path) -> list[Path]:
    envs = [folder / name for name in ENV_FILES if (folder / name).is_file()]
    django = _django_settings(folder)
    pythons = [django] if django else [folder / name for name in PYTHON_FILES if (folder / name).is_file()][:1]
    return [*envs[:1], *pythons]


def _django_settings(folder: Path) -> Path | None:
    """The settings that `manage.py` names, or the variable DJANGO_SETTINGS_MODULE of a `.env`."""
    manage, env = folder / "manage.py", folder / ".env"
    if not manage.is_file():
        return None
    given = {one.name: one.value for one in read_env(text_of(env), ".env")} if env.is_file() else {}
    module = as_text(given.get("DJANGO_SETTINGS_MODULE")) or _module_of(manage)
    return located(folder, module) if _MODULE.match(module) else None


def _module_of(manage: Path) -> str:
    try:
        tree = parsed(text_of(manage))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    named = texts.index("DJANGO_SETTINGS_MODULE") if "DJANGO_SETTINGS_MODULE" in texts else -1
    return texts[named + 1] if 0 <= named < len(texts) - 1 else ""
