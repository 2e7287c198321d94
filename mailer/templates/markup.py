"""Reads markup in which Jinja2's marks were masked: tags with their attributes and positions. Not for their meaning."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEXT = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<![^<>]*>|<\?.*?\?>"
    r"|</(?P<close>[A-Za-z][\w:.-]*)\s*>"
    r"""|<(?P<open>[A-Za-z][\w:.-]*)(?P<attributes>(?:\s(?:"[^"]*"|'[^']*'|[^"'<>])*?)?)(?P<empty>/?)>"""
    r"|(?P<broken><)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s=/>"']+)(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'=<>`]+)))?"""
)


# Elements that have no end: https://html.spec.whatwg.org/multipage/syntax.html#void-elements
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a tag: its value, None where it has none, and whether quotation marks are around it."""

    name: str
    value: str | None
    quoted: bool
    start: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, or the beginning of one that is never closed (`broken`); `name` is empty in the latter."""

    name: str
    closes: bool
    empty: bool
    broken: bool
    attributes: tuple[Attribute, ...]
    start: int
    end: int


def tags(text: str, start: int = 0, end: int | None = None) -> "Iterator[Tag]":
    """Each tag of a part of a text; comments are passed over."""
    for found in _NEXT.finditer(text, start, len(text) if end is None else end):
        name = found["open"] or found["close"] or ""
        if name or found["broken"]:
            attributes = tuple(_attributes(text, found.start("attributes"), found.end("attributes")))
            closes, broken = bool(found["close"]), bool(found["broken"])
            yield Tag(name, closes, bool(found["empty"]), broken, attributes, found.start(), found.end())


def _attributes(text: str, start: int, end: int) -> "Iterator[Attribute]":
    if start < 0:
        return
    for found in _ATTRIBUTE.finditer(text, start, end):
        values = (found["double"], found["single"], found["bare"])
        value = next((one for one in values if one is not None), None)
        yield Attribute(found["name"], value, found["bare"] is None, found.start())
