"""Lambda zips: a handler and the part of `mailer` that it imports, byte for byte the same for the same sources.

Not for deploying them. Of third-party code a function has boto3, which the runtime brings along, and `BUNDLED`.
"""

import ast
import base64
import functools
import hashlib
import os
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import mailer

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parents[1]
# Beside the project's Pulumi.yaml: what is installed is not ours to write to.
FOLDER = ".build"
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html: the Python runtimes include the SDK.
RUNTIME_MODULES = frozenset({"boto3", "botocore"})
# Pure Python, copied into the zip as it is installed: the same version gives the same bytes. Without `idna` the
# feedback function would not find the suppression of an address whose domain a server reports in Unicode.
BUNDLED = frozenset({"idna"})
# The rest of a syntax tree, most of it, is expressions.
_HOLD_IMPORTS = (ast.stmt, ast.ExceptHandler, ast.match_case)
_OLDEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _READABLE_FILE = 3, 0o100644


class PackagingError(Exception):
    """A function imports what its zip cannot hold, or its sources are not there."""


@dataclass(frozen=True)
class Package:
    """A zip on disk.

    Attributes:
        path: Where it is.
        sha256_base64: Lambda's `CodeSha256` of it, which is what `source_code_hash` wants.
    """

    path: Path
    sha256_base64: str


@dataclass(frozen=True)
class Sources:
    """Where the code is that goes into zips.

    Attributes:
        functions: Holds a folder for each function, with its `handler.py`.
        library: Holds `mailer`.
    """

    functions: Path
    library: Path

    @classmethod
    def installed(cls) -> "Sources":
        """What the wheel brings along; where this is the repository, what stands beside it."""
        shipped = HERE / "lambdas"
        return cls(
            functions=shipped if shipped.is_dir() else HERE.parents[1] / "lambdas",
            library=Path(str(mailer.__file__)).resolve().parents[1],
        )

    @functools.cache  # noqa: B019 - equal ones share it, and a program has one or two
    def root(self, package: str) -> Path:
        """The folder that holds a package which goes into the zips."""
        if package not in BUNDLED:
            return self.library
        return _installed(package)

    def place(self, file: Path) -> Path:
        """A file as it is called in messages and among modules."""
        package = next((name for name in BUNDLED if file.is_relative_to(self.root(name) / name)), "mailer")
        root = self.root(package)
        return file.relative_to(root if file.is_relative_to(root) else self.functions.parent)


@functools.cache  # asked for each file that a function reaches
def _installed(package: str) -> Path:
    """The folder that an installed package is in."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise PackagingError(f"{package} is not installed, and the functions need it: pip install {package}")
    return Path(found.origin).resolve().parents[1]


def build(function: str, folder: Path, sources: Sources | None = None) -> Package:
    """Write `<function>.zip`: the function's `handler.py` and the modules of `mailer` and `BUNDLED` that it reaches.

    Args:
        function: A folder's name under `lambdas/`.
        folder: Where the zip goes; made if it is not there.
        sources: What it is made of; the installed packages by default.

    Raises:
        PackagingError: There is no such function, or it reaches an import other than of the standard library, boto3,
            `mailer` and `BUNDLED`.
    """
    sources = sources or Sources.installed()
    handler = sources.functions / function / "handler.py"
    if not handler.is_file():
        raise PackagingError(f"There is no function {function!r}: {handler} does not exist.")
    reached = {sources.place(file).as_posix(): file for file in closure(handler, sources)}
    files = {"handler.py": handler} | reached
    target = folder / f"{function}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and moved: another process sees the old zip or the new one, never half of one.
    unfinished = target.with_suffix(f".{os.getpid()}.part")
    _write(unfinished, files)
    digest = hashlib.sha256(unfinished.read_bytes()).digest()
    unfinished.replace(target)
    return Package(target, base64.b64encode(digest).decode("ascii"))


def closure(start: Path, sources: Sources) -> list[Path]:
    """The files of `mailer` and `BUNDLED` that a file reaches by importing, in order of their paths.

    Imports inside functions count, for they run in the Lambda; those under `if TYPE_CHECKING` do not.

    Raises:
        PackagingError: One of them imports what the Lambda will not have.
    """
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        place = sources.place(file)
        for line, module in _imported(file.read_text(encoding="utf-8"), place):
            new = set(_files(module, sources, f"{place}:{line}")) - found
            found |= new
            waiting += new
    return sorted(found)


@functools.cache  # the functions of a stack reach much the same files
def _imported(source: str, place: Path) -> tuple[tuple[int, str], ...]:
    """Every module that a file names in an import that runs; `from a import b` gives both `a` and `a.b`."""
    found: list[tuple[int, str]] = []
    waiting: list[ast.AST] = [ast.parse(source, filename=str(place))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting += node.orelse
            continue
        waiting += (child for child in ast.iter_child_nodes(node) if isinstance(child, _HOLD_IMPORTS))
        if isinstance(node, ast.Import):
            found += ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, place)
            found.append((node.lineno, module))
            found += ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
    return tuple(found)


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def _absolute(node: ast.ImportFrom, place: Path) -> str:
    package = place.parts[: -node.level] if node.level else ()
    return ".".join((*package, *(node.module or "").split("."))).rstrip(".")


def _files(module: str, sources: Sources, where: str) -> "Iterator[Path]":
    """The files that importing the module runs and the zip must hold: its packages' `__init__.py` and its own."""
    top, *rest = module.split(".")
    if top in sys.stdlib_module_names or top in RUNTIME_MODULES:
        return
    if top not in {"mailer", *BUNDLED}:
        raise PackagingError(
            f"{where} imports {module}, which the Lambda will not have: it has the standard library, "
            f"{', '.join(sorted(RUNTIME_MODULES))}, mailer and {', '.join(sorted(BUNDLED))}."
        )
    folder = sources.root(top) / top
    yield folder / "__init__.py"
    for part in rest:
        if (folder / f"{part}.py").is_file():
            yield folder / f"{part}.py"
            return
        folder /= part
        if not (folder / "__init__.py").is_file():
            return  # not a module but a name inside one
        yield folder / "__init__.py"


def _write(target: Path, files: dict[str, Path]) -> None:
    # Stored, not deflated: the bytes of the latter depend on which zlib Python was built with.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _OLDEST_ZIP_TIME)
            entry.create_system, entry.external_attr = _UNIX, _READABLE_FILE << 16
            archive.writestr(entry, files[name].read_bytes())
