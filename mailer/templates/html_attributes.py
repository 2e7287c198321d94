"""MJML's `mj-html-attributes`: sets attributes on elements of the compiled page, which the compiler does not do.

Attributes are inserted where the elements' tags are; the page is not rewritten, so Outlook's comments stay.
"""

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from mailer.errors import TemplateError
from mailer.install import install_command
from mailer.templates.markup import tags

if TYPE_CHECKING:
    from collections.abc import Iterable

_ELEMENT = re.compile(r"<mj-html-attributes\s*>(.*?)</mj-html-attributes\s*>|<mj-html-attributes\s*/>", re.DOTALL)
_SELECTOR = re.compile(r"<mj-selector\s[^<>]*?path=(?:\"([^\"]*)\"|'([^']*)')[^<>]*>(.*?)</mj-selector\s*>", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"<mj-html-attribute\s[^<>]*?name=(?:\"([^\"]*)\"|'([^']*)')[^<>]*>(.*?)</mj-html-attribute\s*>", re.DOTALL
)


class Rule(NamedTuple):
    """One attribute for each element that a CSS selector finds."""

    selector: str
    name: str
    value: str


def taken(text: str) -> tuple[str, list[Rule]]:
    """The MJML without its `mj-html-attributes`, and what they say."""
    rules = [
        Rule(double or single, name or other, value.strip())
        for element in _ELEMENT.findall(text)
        for double, single, inner in _SELECTOR.findall(element)
        for name, other, value in _ATTRIBUTE.findall(inner)
    ]
    return _ELEMENT.sub("", text), rules


def applied(html: str, rules: "Iterable[Rule]") -> str:
    """The page with the attributes; one that an element has already is replaced.

    Raises:
        TemplateError: Beautiful Soup is not installed, or a selector is not CSS.
    """
    try:
        from bs4 import BeautifulSoup
        from soupsieve import SelectorSyntaxError
    except ImportError as error:
        raise TemplateError(
            "mj-html-attributes needs Beautiful Soup, which is not installed.",
            hint=f"Install it ({install_command('mjml')}), or compile ahead: mailer templates compile FOLDER.",
        ) from error
    lines = [0, *(found.end() for found in re.finditer("\n", html))]
    page = BeautifulSoup(html, "html.parser")
    wanted: dict[int, dict[str, str]] = {}
    for rule in rules:
        try:
            elements = page.select(rule.selector)
        except SelectorSyntaxError as error:
            words = str(error).partition("\n")[0].rstrip(".")
            raise TemplateError(
                f"mj-selector has path={rule.selector!r}, which is not a CSS selector: {words}."
            ) from error
        for element in elements:
            if element.sourceline is not None and element.sourcepos is not None:
                start = lines[element.sourceline - 1] + element.sourcepos
                wanted.setdefault(start, {})[rule.name] = rule.value
    return _inserted(html, wanted)


def _inserted(html: str, wanted: dict[int, dict[str, str]]) -> str:
    parts: list[str] = []
    end = 0
    for start in sorted(wanted):
        tag = next(tags(html, start))
        after_name = start + 1 + len(tag.name)
        kept = re.sub(named(wanted[start]), "", html[after_name : tag.end], flags=re.IGNORECASE)
        added = "".join(f' {name}="{escape(value)}"' for name, value in wanted[start].items())
        parts += [html[end:after_name], added, kept]
        end = tag.end
    return "".join([*parts, html[end:]])


def named(names: "Iterable[str]") -> str:
    """Matches attributes of these names with their values."""
    any_of = "|".join(map(re.escape, names))
    return rf"\s(?:{any_of})=(?:\"[^\"]*\"|'[^']*')"
