"""The names in ministack that the backend reaches into: they exist, and its README lists them."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

import mailstack_localcloud.backend

BACKEND = Path(mailstack_localcloud.backend.__file__).parent
_ROW = re.compile(r"\| (\w+\.py) \| ([\w., ]+) \| ([^|]+) \| [^|]+ \|")


def _table() -> dict[str, tuple[list[str], set[str]]]:
    rows = _ROW.findall((BACKEND / "README.md").read_text())
    return {file: (modules.split(", "), set(re.findall(r"`(\w+)`", names))) for file, modules, names in rows}


def _private_names(file: Path) -> set[str]:
    """The private attributes of others that a file uses."""
    attributes = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute))
    foreign = (node.attr for node in attributes if not (isinstance(node.value, ast.Name) and node.value.id == "self"))
    return {name for name in foreign if re.match(r"_[^_]", name)}


def _source(module: str) -> str:
    """A module's source; it is not imported, since ministack changes the process that imports it."""
    spec = importlib.util.find_spec("ministack")
    assert spec
    assert spec.origin
    path = Path(spec.origin).parent.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()


def test_readme_lists_every_private_name():
    used = {file.name: names for file in BACKEND.glob("*.py") if (names := _private_names(file))}
    assert {file: names for file, (_, names) in _table().items()} == used


@pytest.mark.parametrize("file", sorted(_table()))
def test_private_names_exist_in_the_pinned_version(file: str):
    modules, names = _table()[file]
    source = "\n".join(map(_source, modules))
    defined = set(re.findall(r"^(?:(?:async )?def |class |\s+self\.)?(\w+)\b", source, re.MULTILINE))
    assert names - defined == set()
