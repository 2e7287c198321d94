"""Finds in HTML what must not be in a mail: links that run a script, values without quotes, variables in styles."""

import re
from typing import TYPE_CHECKING, NamedTuple

from mailer.templates.jinja_marks import JINJA, is_masked, masked
from mailer.templates.markup import tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.templates.markup import Attribute, Tag

# Attributes that hold a URL.
URLS = frozenset({"href", "src", "action", "formaction", "background", "background-url", "poster", "srcset"})
_SCRIPT = re.compile(r"[\s\x00-\x20]*(?:(?:javascript|vbscript)\s*(?::|&)|data:text/html)", re.IGNORECASE)
_STYLES = frozenset({"style", "mj-style"})
# In a style sheet only the brand's values, which are checked: another could end the rule and write its own.
_OF_BRAND = re.compile(r"\{\{-?\s*brand(?:\.\w+)+\s*-?\}\}|\{#|\{%-?\s*(?:if|elif|else|endif)\b[^{}]*%\}")


class Finding(NamedTuple):
    """What is wrong, and where in the text."""

    offset: int
    words: str


def findings(text: str, start: int = 0, end: int | None = None) -> "Iterator[Finding]":
    """Everything wrong with a part of a text, which may hold Jinja2."""
    hidden = masked(text)
    for tag in tags(hidden, start, end):
        if tag.broken:
            shown = text[tag.start : tag.start + 20].partition("\n")[0]
            yield Finding(tag.start, f"{shown} is not a tag: a > or a quote is missing; a sign is written &lt;")
        yield from _of_attributes(tag, text)
        if tag.name in _STYLES and not tag.closes and not tag.empty:
            yield from _of_style(tag, text, hidden)


def _of_attributes(tag: "Tag", text: str) -> "Iterator[Finding]":
    for one in tag.attributes:
        if one.value is None or is_masked(one.name):
            continue
        if not one.quoted:
            yield Finding(one.start, f'<{tag.name}> has {one.name} without quotes: write {one.name}="..."')
        if one.name.lower() in URLS and _SCRIPT.match(_written(one, text)):
            yield Finding(one.start, f"<{tag.name}> has a script as {one.name}: mail programs block it")


def _written(attribute: "Attribute", text: str) -> str:
    """An attribute's value as it is in the text, with what is masked in the other."""
    start = text.index("=", attribute.start) + 1
    return text[start : start + len(attribute.value or "") + 2].strip().strip("\"'")


def _of_style(tag: "Tag", text: str, hidden: str) -> "Iterator[Finding]":
    end = hidden.find(f"</{tag.name}", tag.end)
    for mark in JINJA.finditer(text, tag.end, len(text) if end < 0 else end):
        if not _OF_BRAND.match(mark[0]):
            words = f"<{tag.name}> has {mark[0]}: in a style sheet only values of brand are allowed"
            yield Finding(mark.start(), words)
