"""A test's name says the behaviour in the words of the field, and fits on a line of pytest's output."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 60
# A clause or a pronoun as subject, and words that have a term in the field.
REPLACED = re.compile(
    r"^test_(what|whatever|which|whichever|who|whoever|whose|of|it)_"
    r"|_(told|tells?|anew|mends?|amiss|stands?|stood|heeds?|hears?|heard|said|lets?|nobodys?|somebodys?|elses|whatever|whoever)(?=_|$)"
)


def names() -> Iterator[tuple[str, str]]:
    for suite in ("tests", "localcloud/tests"):
        for path in sorted((ROOT / suite).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    yield str(path.relative_to(ROOT)), node.name


def test_test_names_are_short():
    found = list(names())
    assert len(found) > 1000
    assert [(path, name) for path, name in found if len(name) > LONGEST] == []


def test_test_names_use_the_terms_of_the_field():
    assert [(path, name) for path, name in names() if REPLACED.search(name)] == []
