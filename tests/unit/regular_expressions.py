"""Finds every regular expression of the shipped code, and attacks one: for `test_regular_expressions.py`."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from re import _constants as op  # pyright: ignore[reportAttributeAccessIssue] - the only way to read a pattern
from re import _parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import Any

ROOT = Path(__file__).parents[2]
# Folders, and what their modules are called by.
ROOMS = {
    "mailer": "mailer",
    "infra/mailstack_infra": "mailstack_infra",
    "localcloud/src/mailstack_localcloud": "mailstack_localcloud",
    "lambdas": "",
}
# Where the arguments of `re`'s functions have the flags.
FLAGS = {
    "compile": 1,
    "match": 2,
    "search": 2,
    "fullmatch": 2,
    "findall": 2,
    "finditer": 2,
    "split": 3,
    "sub": 4,
    "subn": 4,
}
ANCHORED = {"match", "fullmatch"}
METHODS = FLAGS.keys() - {"compile"}
# pydantic's, with a `pattern` to search a text for. Its own engine is linear; readers of its JSON schemas have others.
CONSTRAINTS = {"Field", "StringConstraints", "constr"}


@dataclass(frozen=True)
class Found:
    """A regular expression: where it stands, how it is used, and itself, unless only the running code knows it."""

    place: str
    expression: str
    methods: frozenset[str]
    pattern: re.Pattern[Any] | None


@cache
def shipped() -> tuple[Found, ...]:
    """Every call of `re`, and every `pattern` of a field, in the shipped code."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in _files()}
    uses = [use for tree in trees.values() for use in _uses(tree)]
    return tuple(found for file, tree in trees.items() for found in _in_file(file, tree, uses))


def _files() -> Iterator[Path]:
    for folder in ROOMS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _uses(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that a method of a pattern is called on, with the method; `re` itself is none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            name = getattr(node.value, "id", getattr(node.value, "attr", ""))
            if name and name != "re":
                yield name, node.attr


def _in_file(file: Path, tree: ast.AST, uses: list[tuple[str, str]]) -> Iterator[Found]:
    names = {
        id(node.value): target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    own = list(_uses(tree))
    for call, function, expression in _calls(tree):
        name = names.get(id(call))
        methods = (
            {function} - {"compile"}
            or {method for user, method in own if user == name}
            or {method for user, method in uses if user == name}
            # One in a table: what is called on names that are no pattern's of this file.
            or {method for user, method in own if user not in names.values() and not user.isupper()}
            or {"search"}
        )
        place = f"{file.relative_to(ROOT)}:{call.lineno}"
        yield Found(place, ast.unparse(expression), frozenset(methods), _compiled(file, call, function, expression))


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, ast.expr]]:
    """Each call that is given a regular expression, the function of `re` that it is or amounts to, the expression."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name in FLAGS and getattr(getattr(call.func, "value", None), "id", "") == "re":
            yield call, name, call.args[0]
        elif name in CONSTRAINTS:
            yield from ((call, "search", word.value) for word in call.keywords if word.arg == "pattern")


def _compiled(file: Path, call: ast.Call, function: str, expression: ast.expr) -> re.Pattern[Any] | None:
    """The pattern, where its module's names say what it is."""
    flags = next((word.value for word in call.keywords if word.arg == "flags"), None)
    flags = flags or (call.args[FLAGS[function]] if len(call.args) > FLAGS[function] else None)
    try:
        values = [eval(ast.unparse(node), dict(_names(file))) for node in (expression, flags) if node]  # noqa: S307 - ours
    except (NameError, AttributeError):
        return None
    return re.compile(*values)


def _names(file: Path) -> dict[str, Any]:
    folder = next(folder for folder in ROOMS if (ROOT / folder) in file.parents)
    if not ROOMS[folder] or file.stem == "__main__":
        return {"re": re}
    parts = file.relative_to(ROOT / folder).with_suffix("").parts
    return vars(import_module(".".join((ROOMS[folder], *parts)).removesuffix(".__init__")))


def attacks(pattern: re.Pattern[Any]) -> Iterator[Callable[[int], Any]]:
    """Texts of any length on which a pattern that is not linear is slow: parts of a match, many times, and no match."""
    binary = isinstance(pattern.pattern, bytes)
    tree = _parser.parse(pattern.pattern, pattern.flags & ~(re.UNICODE if binary else 0))
    pumps = list(islice(dict.fromkeys(text for text in _parts(tree) if text), 24))
    leads = list(islice(dict.fromkeys(["", *_leads(tree)]), 4))

    def attack(lead: str, pump: str, tail: str, length: int) -> Any:
        text = lead + pump * (length // len(pump)) + tail
        return text.encode("latin-1", "replace") if binary else text

    return (partial(attack, lead, pump, tail) for pump in pumps for lead in leads for tail in ("", "\n\x00"))


def _leads(items: Iterable[Any]) -> Iterator[str]:
    """The beginnings of a match: before each part, and inside each repetition."""
    begun = ""
    for kind, value in items:
        yield begun
        for inner in _inside(kind, value):
            yield from (begun + text for text in _leads(inner))
        begun += _shortest(kind, value)
    yield begun


def _parts(items: Iterable[Any]) -> Iterator[str]:
    """Everything that may be repeated: each part, each run of parts, and what is inside."""
    items = list(items)
    texts = [_shortest(kind, value) for kind, value in items]
    for start in range(len(items)):
        yield from ("".join(texts[start:end]) for end in range(start + 1, min(len(items), start + 4) + 1))
    yield "".join(texts)
    for kind, value in items:
        yield from _characters(kind, value)
        for inner in _inside(kind, value):
            yield from _parts(inner)


def _inside(kind: Any, value: Any) -> list[Any]:
    if kind in {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}:
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.BRANCH:
        return list(value[1])
    if kind in {op.ASSERT, op.ASSERT_NOT}:
        return [value[1]]
    return [value] if kind is op.ATOMIC_GROUP else []


def _shortest(kind: Any, value: Any) -> str:
    """A short text that a part matches; repetitions have one round."""
    if kind in {op.ASSERT, op.ASSERT_NOT}:
        return ""
    if kind is op.BRANCH:
        return "".join(_shortest(*item) for item in value[1][0])
    inside = _inside(kind, value)
    if inside:
        return "".join(_shortest(*item) for item in inside[0]) * max(
            1, min(value[0], 50) if kind is op.MAX_REPEAT else 1
        )
    return next(_characters(kind, value), "")


_PROBES = [*map(chr, range(32, 127)), "\t", "\n", "ä", "\u3002", "\u2028", "\ud800", "\u200e", "\x00", "\x80"]


def _characters(kind: Any, value: Any) -> Iterator[str]:
    """Characters that a part of one character matches."""
    if kind is op.LITERAL:
        yield chr(value)
    elif kind in {op.NOT_LITERAL, op.ANY, op.IN}:
        one = _parser.SubPattern(_parser.State(), [(kind, value)])
        matches = re._compiler.compile(one).match  # pyright: ignore[reportAttributeAccessIssue]
        yield from islice((probe for probe in ("a", *_PROBES) if matches(probe)), 3)
