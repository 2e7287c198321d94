"""A test's name says the behaviour in the words of the field, and fits on a line of pytest's output."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 60


def names() -> Iterator[tuple[str, str]]:
    for suite in ("tests", "localcloud/tests"):
        for path in sorted((ROOT / suite).rglob("test_*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    yield str(path.relative_to(ROOT)), node.name


def test_test_names_are_short():
    found = list(names())
    assert len(found) > 1000
    assert [(path, name) for path, name in found if len(name) > LONGEST] == []
