"""Lambda zips: a handler and the part of `mailer` that it imports, byte for byte the same for the same sources.

Not for deploying them. A function can use boto3, which the runtime includes, and `BUNDLED`, but no other packages.
"""

import ast
import base64
import functools
import hashlib
import os
import struct
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zlib import crc32

from zopfli import zlib as zopfli

import mailer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parents[1]
# Next to the project's Pulumi.yaml: an installed package may be read-only.
FOLDER = ".build"
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html: the Python runtimes include the SDK.
RUNTIME_MODULES = frozenset({"boto3", "botocore"})
# Pure Python, copied into the zip as installed: the same version gives the same bytes. Without `idna` the feedback
# function would not find the suppression of an address whose domain a server reports in Unicode.
BUNDLED = frozenset({"idna"})
# Expressions, which are most of a syntax tree, contain no imports.
_HOLD_IMPORTS = (ast.stmt, ast.ExceptHandler, ast.match_case)
# The parts of a zip file: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7, 4.3.12, 4.3.16.
_LOCAL, _ENTRY, _END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_COMMON, _LOCAL_END, _MADE_BY = struct.Struct("<5H3L"), struct.Struct("<2H"), struct.Struct("<2B")
_ENTRY_END, _END_REST = struct.Struct("<5H2L"), struct.Struct("<4H2LH")
# RFC 1950 §2.2: what surrounds the compressed data.
_ZLIB_HEADER, _ZLIB_CHECKSUM = 2, 4
_VERSION, _DEFLATED, _UNIX, _READABLE_FILE = 20, 8, 3, 0o100644
# 1980-01-01 00:00, the oldest there is.
_OLDEST_DATE = 0x21


class PackagingError(Exception):
    """A function imports a package that its zip cannot include, or its sources are missing."""


@dataclass(frozen=True)
class Package:
    """A zip on disk.

    Attributes:
        path: Its path.
        sha256_base64: Lambda's `CodeSha256`, for `source_code_hash`.
    """

    path: Path
    sha256_base64: str


@dataclass(frozen=True)
class Sources:
    """The folders of the code for zips.

    Attributes:
        functions: The folder with a folder for each function, with its `handler.py`.
        library: The folder that contains `mailer`.
    """

    functions: Path
    library: Path

    @classmethod
    def installed(cls) -> "Sources":
        """The sources in the wheel, or those of the repository."""
        shipped = HERE / "lambdas"
        return cls(
            functions=shipped if shipped.is_dir() else HERE.parents[1] / "lambdas",
            library=Path(str(mailer.__file__)).resolve().parents[1],
        )

    @functools.cache  # noqa: B019 - equal ones share it, and a program has one or two
    def root(self, package: str) -> Path:
        """The folder that contains a package for the zips."""
        if package not in BUNDLED:
            return self.library
        return _installed(package)

    def place(self, file: Path) -> Path:
        """A file's path in messages and in the zip."""
        package = next((name for name in BUNDLED if file.is_relative_to(self.root(name) / name)), "mailer")
        root = self.root(package)
        return file.relative_to(root if file.is_relative_to(root) else self.functions.parent)


@functools.cache  # called for each file that a function imports
def _installed(package: str) -> Path:
    """The folder that contains an installed package."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise PackagingError(f"The functions need {package}, which is not installed: pip install {package}")
    return Path(found.origin).resolve().parents[1]


def build(function: str, folder: Path, sources: Sources | None = None) -> Package:
    """Write `<function>.zip`: the function's `handler.py` and the modules of `mailer` and `BUNDLED` that it imports.

    Args:
        function: A folder's name under `lambdas/`.
        folder: The folder of the zip; created if missing.
        sources: The sources; the installed packages by default.

    Raises:
        PackagingError: The function does not exist, or imports something else than the standard library, boto3,
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
    # Write to another name and rename, so that other processes never read a half-written zip.
    unfinished = target.with_suffix(f".{os.getpid()}.part")
    _write(unfinished, files)
    digest = hashlib.sha256(unfinished.read_bytes()).digest()
    unfinished.replace(target)
    return Package(target, base64.b64encode(digest).decode("ascii"))


def closure(start: Path, sources: Sources) -> list[Path]:
    """The files of `mailer` and `BUNDLED` that a file imports, directly or indirectly, sorted by path.

    Imports inside functions count, because they run in the Lambda; those under `if TYPE_CHECKING` do not.

    Raises:
        PackagingError: One of them imports a package that the Lambda does not have.
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


@functools.cache  # the functions of a stack import mostly the same files
def _imported(source: str, place: Path) -> tuple[tuple[int, str], ...]:
    """Every module in the imports of a file that run; `from a import b` gives both `a` and `a.b`."""
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
    """The files of a module for the zip: its own and the `__init__.py` of its packages."""
    top, *rest = module.split(".")
    if top in sys.stdlib_module_names or top in RUNTIME_MODULES:
        return
    if top not in {"mailer", *BUNDLED}:
        raise PackagingError(
            f"{where} imports {module}, which is not available in the Lambda. It has the standard library, "
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
    """Write a zip file. Not by `zipfile`, which compresses with the zlib of Python."""
    with target.open("wb") as archive:
        directory = b""
        for name in sorted(files):
            offset, path, data = archive.tell(), name.encode("ascii"), files[name].read_bytes()
            compressed = _deflated(data)
            common = _COMMON.pack(_VERSION, 0, _DEFLATED, 0, _OLDEST_DATE, crc32(data), len(compressed), len(data))
            archive.write(_LOCAL + common + _LOCAL_END.pack(len(path), 0) + path + compressed)
            made_by, attributes = _MADE_BY.pack(_VERSION, _UNIX), _READABLE_FILE << 16
            directory += _ENTRY + made_by + common + _ENTRY_END.pack(len(path), 0, 0, 0, 0, attributes, offset) + path
        count, start = len(files), archive.tell()
        archive.write(directory + _END + _END_REST.pack(0, 0, count, count, len(directory), start, 0))


@functools.cache  # functions share most of their files
def _deflated(data: bytes) -> bytes:
    """The data compressed (RFC 1951), by a compressor that brings its own code.

    The bytes of zlib differ between builds of Python (zlib-ng, hardware), so that another machine would deploy the
    functions again.
    """
    compress = cast("Callable[..., bytes]", zopfli.compress)
    return compress(data, numiterations=1)[_ZLIB_HEADER:-_ZLIB_CHECKSUM]
