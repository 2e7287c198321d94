"""MJML's elements, their attributes and what may be inside them, as MJML's own packages publish them.

`tools/mjml/tables.py` writes the table. Not for reading templates; see `mailer.templates.mjml_check`.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE = Path(__file__).with_name("mjml_elements.json")
# Of every component, beside its own: mjml-validator's rule validAttributes.
_EVERYWHERE = {"mj-class": "string", "css-class": "string"}
_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
# `unit(px,%){1,4}`: mjml-core's types/unit.js.
_UNIT = re.compile(r"unit(?P<signed>WithNegative)?\((?P<units>[^)]*)\)(?:\{1,(?P<most>\d)\})?\Z")
SIMPLE = {
    "boolean": r"true|false",
    "integer": r"\d+",
    "color": r"#[0-9a-f]{3}|#[0-9a-f]{6}|rgba?\([^()]*\)",
}


@dataclass(frozen=True, slots=True)
class Element:
    """What one element may have.

    Attributes:
        attributes: Its attributes, each with MJML's name of its type. None: any, as `mj-all` has.
        children: The elements that may be inside it; None where MJML publishes none.
        raw: Whether HTML or text is inside it, and no elements of MJML.
    """

    attributes: "Mapping[str, str] | None"
    children: frozenset[str] | None
    raw: bool


@cache
def _published() -> "dict[str, Any]":
    return json.loads(_TABLE.read_text(encoding="utf-8"))


@cache
def elements() -> "Mapping[str, Element]":
    """Every element by its name."""
    table: dict[str, dict[str, Any]] = _published()["elements"]
    every = {name: type_ for one in table.values() for name, type_ in one["attributes"].items()}
    return {name: _element(name, one, every) for name, one in table.items()}


def _element(name: str, given: "dict[str, Any]", every: dict[str, str]) -> Element:
    own: dict[str, str] = {**given["attributes"], **_EVERYWHERE}
    # A class and the defaults of all elements may set what any element has.
    attributes = {**every, **own} if name in {"mj-class", "mj-all"} else own
    children = None if given["children"] is None else frozenset(given["children"])
    return Element(attributes, children, raw=bool(given["raw"]))


@cache
def pattern(type_: str) -> re.Pattern[str] | None:
    """What a value of a type looks like; None where it may be anything.

    Example:
        >>> bool(pattern("unit(px,%){1,4}").fullmatch("8px 40px")), bool(pattern("unit(px)").fullmatch("8"))
        (True, False)
    """
    if type_ in SIMPLE:
        names = f"|{'|'.join(_published()['colors'])}" if type_ == "color" else ""
        return re.compile(SIMPLE[type_] + names, re.IGNORECASE)
    if type_.startswith("enum("):
        return re.compile("|".join(map(re.escape, type_[len("enum(") : -1].split(","))))
    unit = _UNIT.match(type_)
    return _units(unit) if unit else None


def _units(unit: re.Match[str]) -> re.Pattern[str]:
    units = unit["units"].split(",")
    sign = "-?" if unit["signed"] else ""
    numbers = [rf"{sign}{_NUMBER}{re.escape(one)}" for one in units if one != "auto"]
    one = "|".join(["0", *numbers, *(["auto"] if "auto" in units else [])])
    most = int(unit["most"] or 1) - 1
    return re.compile(rf"(?:{one})(?:\s+(?:{one})){{0,{most}}}")
