"""The part of Handlebars that SES's templates use, compiled once and rendered often. Pure; knows nothing of state.

Variables with paths (`{{contact.name}}`, `{{../name}}`, `{{@index}}`), `#if`, `#unless`, `#each`, `#with`, sections,
`{{else}}`, inline partials, `lookup`, comments and `~`. As in SES nothing is escaped for HTML, and a variable that the
data lacks is an error. Whitespace is kept; custom helpers do not exist.

https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast


class TemplateError(Exception):
    """The template itself is wrong, whatever the data."""


class RenderingError(Exception):
    """The template and the data do not fit; the text is what a Rendering Failure event says."""


@dataclass(slots=True)
class _Scope:
    """The scope in which a name is looked up: `value` is `this`, `local` holds `@index` and its like."""

    value: object
    local: Mapping[str, object]
    parent: "_Scope | None" = None

    def inside(self, value: object, **local: object) -> "_Scope":
        return _Scope(value, {**self.local, **local}, self)


_Node = Callable[[_Scope], str]
_Get = Callable[[_Scope], object]
_Block = Callable[[_Get, _Node, _Node], _Node]
_TAG = re.compile(
    # A comment without an end extends to the end of the text: searching for it at each `{{!` would be quadratic.
    r"\{\{(?P<left>~?)(?:(?P<open>!--(?:[^-]|-(?!-~?\}\}))*\Z)|"
    r"(?:!--(?:[^-]|-(?!-~?\}\}))*--|!(?!--)[^{}]*|\{(?P<raw>[^{}]*)\}|(?P<tag>[^{}!~][^{}]*?))(?P<right>~?)\}\})",
    re.DOTALL,
)
_INLINE = re.compile(r"#\*\s*inline\s")
_WORD = re.compile(r""""[^"]*"|'[^']*'|(?:\[[^\[\]]*\]|[^\s"'\[])+""")
_SEGMENT = re.compile(r"\[([^\[\]]*)\]|([^./\[\]]+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LITERALS: dict[str, object] = {"true": True, "false": False, "null": None, "undefined": None}
_MISSING = object()


@functools.lru_cache(maxsize=128)
def compiled(source: str) -> "Template":
    """A template, compiled once for as long as it is in use.

    Raises:
        TemplateError: It is not well formed.
    """
    return Template(source)


class Template:
    """One compiled template.

    Raises:
        TemplateError: It is not well formed.
    """

    def __init__(self, source: str) -> None:
        self._partials: dict[str, _Node] = {}
        self._tokens = _tokens(source)
        self._root, stop = self._sequence()
        if stop:
            raise TemplateError(f"{{{{{stop}}}}} closes nothing.")

    def render(self, data: Mapping[str, object]) -> str:
        """The text for some data.

        Raises:
            RenderingError: The data lacks a variable.

        Example:
            >>> Template("{{#each who}}{{@index}}:{{name}} {{/each}}").render({"who": [{"name": "Ada"}]})
            '0:Ada '
        """
        try:
            return self._root(_Scope(data, {"root": data}))
        except RecursionError as error:
            raise RenderingError("The template refers to itself without end.") from error

    def _sequence(self) -> tuple[_Node, str]:
        """Everything up to an `else` or the end of a block, and that tag."""
        parts = list[_Node]()
        for is_tag, text in self._tokens:
            if is_tag and (text.startswith("/") or text == "^" or _first(text) == "else"):
                return _joined(parts), text
            if is_tag or text:
                parts.append(self._tag(text) if is_tag else _text(text))
        return _joined(parts), ""

    def _tag(self, text: str) -> _Node:
        if text.startswith(("#", "^")):
            return self._section(text)
        if text.startswith(">"):
            return self._partial(text[1:].split())
        words = _WORD.findall(text.removeprefix("&"))
        if words and words[0] == "lookup":
            return _printed(_lookup(_arguments(words[1:], 2)), text)
        if len(words) != 1:
            raise TemplateError(f"Helper in {{{{{text}}}}} is not known.")
        return _printed(_expression(words[0]), words[0])

    def _section(self, text: str) -> _Node:
        words = _WORD.findall(text[1:])
        if _INLINE.match(text):
            body, stop = self._sequence()
            _expect_close(stop, "inline")
            self._partials[words[-1].strip("\"'")] = body
            return _text("")
        if not words:
            raise TemplateError(f"{{{{{text}}}}} names nothing.")
        return self._block(words, words[0], inverted=text.startswith("^"))

    def _block(self, words: list[str], closing: str, *, inverted: bool) -> _Node:
        body, stop = self._sequence()
        inverse = _text("")
        if stop == "^" or _first(stop) == "else":
            chained = _WORD.findall(stop.removeprefix("else")) if stop != "^" else []
            if chained:
                inverse = self._block(chained, closing, inverted=False)
            else:
                inverse, stop = self._sequence()
                _expect_close(stop, closing)
        else:
            _expect_close(stop, closing)
        if inverted:
            body, inverse = inverse, body
        helper = _BLOCKS.get(words[0])
        if helper is None and len(words) > 1:
            raise TemplateError(f"Helper {words[0]} is not known.")
        subject = _arguments(words[1:], 1)[0] if helper else _expression(words[0])
        return (helper or _section)(subject, body, inverse)

    def _partial(self, words: list[str]) -> _Node:
        name = words[0].strip("\"'") if words else ""
        subject = _arguments(words[1:], 1)[0] if words[1:] else None

        def node(scope: _Scope) -> str:
            partial = self._partials.get(name)
            if partial is None:
                raise RenderingError(f"The partial {name} could not be found.")
            return partial(scope.inside(subject(scope)) if subject else scope)

        return node


def _tokens(source: str) -> Iterator[tuple[bool, str]]:
    """(whether it is a tag, its text), without comments, `~` applied."""
    position, strip = 0, False
    for match in _TAG.finditer(source):
        if match["open"]:
            raise TemplateError(f"A tag is not closed: {match[0][:40]}")
        yield False, _plain(source[position : match.start()], before=bool(match["left"]), after=strip)
        position, strip = match.end(), bool(match["right"])
        tag = match["tag"] if match["raw"] is None else match["raw"]
        if tag is not None:
            yield True, tag.strip()
    yield False, _plain(source[position:], before=False, after=strip)


def _plain(text: str, *, before: bool, after: bool) -> str:
    if "{{" in text:
        raise TemplateError(f"A tag is not closed: {text[text.index('{{') :][:40]}")
    text = text.lstrip() if after else text
    return text.rstrip() if before else text


def _first(text: str) -> str:
    return text.split(maxsplit=1)[0] if text else ""


def _expect_close(stop: str, name: str) -> None:
    if not stop:
        raise TemplateError(f"{{{{#{name}}}}} is not closed.")
    if not stop.startswith("/") or stop[1:].strip() != name:
        raise TemplateError(f"{{{{#{name}}}}} is closed by {{{{{stop}}}}}.")


# Nodes


def _text(text: str) -> _Node:
    return lambda _: text


def _joined(parts: list[_Node]) -> _Node:
    if len(parts) == 1:
        return parts[0]
    return lambda scope: "".join([part(scope) for part in parts])


def _printed(get: _Get, name: str) -> _Node:
    def node(scope: _Scope) -> str:
        value = get(scope)
        if value is _MISSING:
            # The text is SES's own, as its example of the event has it.
            raise RenderingError(f"Attribute '{name}' is not present in the rendering data.")
        return value if isinstance(value, str) else _shown(value)

    return node


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(_shown(item) for item in cast("list[object]", value))
    return "[object Object]" if isinstance(value, dict) else str(value)


def _truth(value: object) -> bool:
    """Handlebars's idea of it: an empty object is true, an empty list is not."""
    return value is not _MISSING and (isinstance(value, dict) or bool(value))


def _if(get: _Get, body: _Node, inverse: _Node) -> _Node:
    return lambda scope: body(scope) if _truth(get(scope)) else inverse(scope)


def _unless(get: _Get, body: _Node, inverse: _Node) -> _Node:
    return _if(get, inverse, body)


def _with(get: _Get, body: _Node, inverse: _Node) -> _Node:
    def node(scope: _Scope) -> str:
        value = get(scope)
        return body(scope.inside(value)) if _truth(value) else inverse(scope)

    return node


def _each(get: _Get, body: _Node, inverse: _Node) -> _Node:
    def node(scope: _Scope) -> str:
        value = get(scope)
        if isinstance(value, dict):
            entries = list(cast("dict[str, object]", value).items())
        else:
            items = cast("list[object]", value) if isinstance(value, list) else []
            entries = list[tuple[object, object]](enumerate(items))
        last = len(entries) - 1
        inside = (
            scope.inside(item, index=i, key=key, first=i == 0, last=i == last) for i, (key, item) in enumerate(entries)
        )
        return "".join(body(each) for each in inside) if entries else inverse(scope)

    return node


def _section(get: _Get, body: _Node, inverse: _Node) -> _Node:
    """`{{#name}}`: each of a list, with an object, or the same data for anything else that is true."""
    each, with_ = _each(get, body, inverse), _with(get, body, inverse)

    def node(scope: _Scope) -> str:
        value = get(scope)
        if isinstance(value, list):
            return each(scope)
        if value is True:
            return body(scope)
        return with_(scope)

    return node


_BLOCKS: dict[str, _Block] = {"if": _if, "unless": _unless, "each": _each, "with": _with}


# Expressions


def _arguments(words: list[str], count: int) -> list[_Get]:
    if len(words) != count:
        raise TemplateError(f"A helper takes {count} argument{'s' * (count > 1)}, not {' '.join(words) or 'none'}.")
    return [_expression(word) for word in words]


def _expression(word: str) -> _Get:
    literal: object = _LITERALS.get(word, _MISSING)
    if word[0] in "\"'":
        literal = word[1:-1]
    elif _NUMBER.fullmatch(word):
        literal = float(word) if "." in word else int(word)
    return _path(word) if literal is _MISSING else lambda _: literal


def _path(word: str) -> _Get:
    up = 0
    while word.startswith("../"):
        up, word = up + 1, word[3:]
    local, word = word.startswith("@"), word.removeprefix("@")
    found = [a or b for a, b in _SEGMENT.findall(word.removeprefix("./"))] if word not in {".", ".."} else []
    up += word == ".."
    names = found[1:] if found[:1] == ["this"] and not local else found
    if not local and not up and len(names) == 1:
        return functools.partial(_own, names[0])
    return functools.partial(_follow, names, up, local)


def _own(name: str, scope: _Scope) -> object:
    """The commonest path: a name of the data at hand."""
    value = scope.value
    return cast("dict[str, object]", value).get(name, _MISSING) if isinstance(value, dict) else _MISSING


def _follow(names: list[str], up: int, local: bool, scope: _Scope) -> object:
    for _ in range(up):
        scope = scope.parent or scope
    value: object = scope.local if local else scope.value
    for name in names:
        value = _member(value, name)
    return value


def _member(value: object, name: str) -> object:
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get(name, _MISSING)
    if isinstance(value, list):
        items = cast("list[object]", value)
        if name == "length":
            return len(items)
        return items[int(name)] if name.isdigit() and int(name) < len(items) else _MISSING
    return _MISSING


def _lookup(arguments: list[_Get]) -> _Get:
    of, name = arguments
    return lambda scope: _member(of(scope), _shown(name(scope)))
