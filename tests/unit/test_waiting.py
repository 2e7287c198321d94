"""No test depends on the speed of a machine: its timeouts are named ones (`tests.waiting`)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(file for suite in ("tests", "localcloud/tests") for file in Path(ROOT, suite).rglob("*.py"))
# What takes a number of seconds, by the name of an argument, or of a method whose first argument it is.
ARGUMENTS = {"timeout", "connect_timeout", "read_timeout"}
METHODS = {"settimeout", "wait", "join", "communicate", "result"}


def timeouts(source: str) -> list[str]:
    """The calls of a file that are given a plain number of seconds to end in."""
    found: list[str] = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        given = [word.value for word in call.keywords if word.arg in ARGUMENTS]
        if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
            given += call.args[:1]
        if isinstance(call.func, ast.Attribute) and call.func.attr == "wait_for":
            given += call.args[1:2]
        found += [ast.unparse(call) for value in given if _is_number(value)]
    return found


def _is_number(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Constant) and isinstance(value.value, int | float) and not isinstance(value.value, bool)
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_timeouts_are_named(file: Path):
    assert timeouts(file.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("process.wait(10)", True),
        ("run([], timeout=5)", True),
        ("Config(read_timeout=0.5)", True),
        ("await asyncio.wait_for(event.wait(), 3)", True),
        ("process.wait(PATIENCE)", False),
        ("run([], timeout=BRIEF)", False),
        ("', '.join(parts)", False),
        ("{'timeout': 30}", False),
    ],
)
def test_a_plain_number_is_found(source: str, *, found: bool):
    assert bool(timeouts(source)) is found
