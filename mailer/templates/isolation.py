"""Isolates a value whose text runs in another direction than the mail: in Hebrew, `Example Inc.` is not `.Example Inc`.

Without isolation, a value is reordered with the words around it (https://unicode.org/reports/tr9/, isolates): `12-AB`
becomes `AB-12`. In HTML, a value in such a place gets `<span dir="ltr">`, which leaves no mark in what people copy. In
plain text, it stands between isolating characters, unless it is one word: people copy codes and addresses.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal
from unicodedata import bidirectional

from jinja2 import nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

if TYPE_CHECKING:
    from mailer.locales.language import Language

FILTER = "isolated"
Direction = Literal["ltr", "rtl"]
Isolate = Callable[[object], object]

_STRONG: dict[str, Direction] = {"L": "ltr", "R": "rtl", "AL": "rtl"}
# Digits keep their order in every text. With other signs around them, they do not: a date, a telephone number.
_NUMBER = re.compile(r"[\d.,\u066b\u066c]*")  # with the separators of Arabic
_BEFORE, _AFTER = {"ltr": "\u2066", "rtl": "\u2067"}, "\u2069"
_TRANSLATE = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext"})

_TAG, _COMMENT = ">", "-->"
# Where a value in HTML is no text, by what ends it: a tag, an attribute, a comment, an element without text. The key of
# text itself is empty. The expression finds where something else begins.
_NEXT = {
    "": re.compile(r"<!--|<(style|title|script)\b|</?[a-z]", re.IGNORECASE),
    _TAG: re.compile(r"[\"'>]"),
    _COMMENT: re.compile("-->"),
    '"': re.compile('"'),
    "'": re.compile("'"),
    "style": re.compile("</style", re.IGNORECASE),
    "title": re.compile("</title", re.IGNORECASE),
    "script": re.compile("</script", re.IGNORECASE),
}


def direction_of(text: str) -> Direction | None:
    """The direction that a text runs in by itself: that of its first letter. None for one that looks the same in both.

    Example:
        >>> direction_of("Ada"), direction_of("+1 (555) 0100"), direction_of("1,200.5"), direction_of("→")
        ('ltr', 'ltr', None, None)
    """
    for character in text:
        if strong := _STRONG.get(bidirectional(character)):
            return strong
    return "ltr" if not _NUMBER.fullmatch(text) and any(map(str.isdecimal, text)) else None


def isolate(language: "Language", *, html: bool) -> Isolate:
    """The filter of a language's templates."""

    def isolated(value: object) -> object:
        if hasattr(value, "__html__"):
            return value
        text = value if isinstance(value, str) else str(value)
        if language.dir == "ltr" and text.isascii():
            return value
        direction = direction_of(text)
        if direction is None or direction == language.dir:
            return value
        if html:
            return Markup('<span dir="{}">{}</span>').format(direction, text)
        return f"{_BEFORE[direction]}{text}{_AFTER}" if " " in text and "\n" not in text else value

    return isolated


def with_isolation(tree: nodes.Template, isolated: Isolate, *, html: bool) -> nodes.Template:
    """The tree with the filter on each value that is shown as text.

    Args:
        tree: A parsed template; it is changed.
        isolated: The filter, for values that are known.
        html: Whether the template is HTML, where a value may be in a tag.
    """
    return _Isolation(isolated, html=html).visit(tree)


class _Isolation(NodeTransformer):
    def __init__(self, isolated: Isolate, *, html: bool) -> None:
        self._isolated, self._html = isolated, html
        self._inside = ""

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 - Jinja2 looks visitors up by this name
        node.nodes = [self._shown(one) for one in node.nodes]
        return node

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:  # noqa: N802 - see above
        """The block stays: its text may be used in an attribute."""
        return node

    def _shown(self, node: nodes.Expr) -> nodes.Expr:
        if isinstance(node, nodes.TemplateData):
            self._inside = _inside(self._inside, node.data) if self._html else ""
            return node
        if self._inside:
            return node
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in _TRANSLATE:
            for one in node.kwargs:
                one.value = self._shown(one.value)
            return node
        if isinstance(node, nodes.Const):
            return nodes.Const(self._isolated(node.value), lineno=node.lineno)
        return nodes.Filter(node, FILTER, [], [], None, None, lineno=node.lineno)


def _inside(inside: str, html: str) -> str:
    """What a place in HTML is inside of, as a key of `_NEXT`.

    Example:
        >>> _inside("", '<a href="'), _inside('"', '">'), _inside("", "<style>a"), _inside("", "<!-- > -->")
        ('"', '', 'style', '')
    """
    at = 0
    while found := _NEXT[inside].search(html, at):
        at = found.end()
        if not inside:
            inside = _COMMENT if found[0] == "<!--" else (found[1] or _TAG).lower()
        elif inside == _TAG:
            inside = "" if found[0] == _TAG else found[0]
        else:
            inside = "" if inside == _COMMENT else _TAG
    return inside
