"""What docs/development/provider-facts.md says of the official provider: every argument passed, as in its plugin."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_origin

import pytest

from mailstack_localcloud.pulumi import schema, wire
from mailstack_localcloud.pulumi.provider.resource import Arg
from mailstack_localcloud.pulumi.provider.resources import RESOURCES
from tests.unit.infra.options import everywhere
from tests.unit.infra.program import ROOT, run

COLUMNS = 7
LITERAL = re.compile(r"`(true|false|-?\d+)`")


@dataclass(frozen=True)
class Fact:
    """One row, of one type and one argument."""

    type: str
    """Such as `sesv2/EmailIdentity`, or `all`."""
    argument: str
    """A path, or `all`."""
    default: str
    change: str


def facts() -> list[Fact]:
    """The rows of every table with all the columns; an empty first cell means the type above."""
    found: list[Fact] = []
    types: list[str] = []
    for line in (ROOT / "docs" / "development" / "provider-facts.md").read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if len(cells) != COLUMNS or set(cells[0]) == {"-"} or cells[0] == "type":
            continue
        of, arguments, _, _, default, change, _ = cells
        if of:
            module, *names = of.split(" ", 1)
            types = [f"{module}/{name}" for name in re.findall(r"`(\w+)`", " ".join(names))] or [module]
        paths = re.findall(r"`([\w.]+)`", arguments) or [arguments]
        found += [Fact(each, path, default, change) for each in types for path in paths]
    return found


FACTS = facts()


def short(token: str) -> str:
    """`sesv2/EmailIdentity` of `aws:sesv2/emailIdentity:EmailIdentity`."""
    _, module, name = token.split(":")
    return f"{module.split('/')[0]}/{name}"


def paths(token: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """The arguments that are given, down to values, lists of values and maps."""
    for name, value in inputs.items():
        is_map = get_origin(schema.inputs_of(token)[name].type) is Mapping
        yield from [name] if is_map else _inside(name, value)


def _inside(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        for member in cast("list[Any]", value):
            yield from _inside(path, member)
    elif isinstance(value, dict) and value and wire.signature(value) is None:
        for name, member in cast("dict[str, Any]", value).items():
            yield from _inside(f"{path}.{name}", member)
    else:
        yield path


def is_told(kind: str, path: str) -> bool:
    """By its own row, by one of what it stands in, or by one for every type or argument."""
    around = {".".join(path.split(".")[: n + 1]) for n in range(path.count(".") + 1)} | {"all"}
    return any(fact.type in (kind, "all") and fact.argument in around for fact in FACTS)


@everywhere
def test_every_argument_that_the_program_passes_was_looked_up(stack: str, changed: dict[str, Any]):
    passed = {
        (short(resource.token), path)
        for resource in run(stack, **changed).aws
        for path in paths(resource.token, resource.inputs)
    }
    lacking = sorted(f"{kind} {path}" for kind, path in passed if not is_told(kind, path))
    assert not lacking, "docs/development/provider-facts.md has no row for " + ", ".join(lacking)


SERVED = {short(token): resource for token, resource in RESOURCES.items()}
ROWS = [
    (fact, arg)
    for fact in FACTS
    if fact.type in SERVED
    for name, arg in SERVED[fact.type].args.items()
    if name == fact.argument.split(".")[0] or fact.argument == "all"
]
top = pytest.mark.parametrize(("fact", "arg"), ROWS, ids=[f"{f.type}-{f.argument}" for f, _ in ROWS])


@top
def test_the_plugin_replaces_what_the_page_says_is_replaced(fact: Fact, arg: Arg):
    assert ("replace" in fact.change) is bool(arg.replaces), fact.change


@pytest.mark.parametrize(
    ("fact", "arg"),
    [(fact, arg) for fact, arg in ROWS if "." not in fact.argument],
    ids=[f"{fact.type}-{fact.argument}" for fact, _ in ROWS if "." not in fact.argument],
)
def test_the_plugin_has_the_default_that_the_page_names(fact: Fact, arg: Arg):
    if arg.default not in (None, [], {}):
        assert (arg.default if isinstance(arg.default, str) else json.dumps(arg.default)) in fact.default
    named = LITERAL.fullmatch(fact.default)
    assert named is None or json.loads(named[1]) == arg.default


def test_no_row_is_about_what_the_plugin_does_not_know():
    types = {fact.type for fact in FACTS} - {"all"}
    assert {kind for kind in types if "/get" not in kind} <= set(SERVED)
