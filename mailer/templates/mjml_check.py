"""Checks MJML before it is compiled: elements, attributes, values and where each may be. Says file, line and element.

The compiler accepts misspelt attributes silently, and names no line of an error. Not for compiling.
"""

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.errors import TemplateError
from mailer.templates.html_lint import Finding, findings
from mailer.templates.jinja_marks import JINJA, is_blank, is_masked, masked
from mailer.templates.jinja_syntax import misunderstood
from mailer.templates.markup import VOID, Tag, tags
from mailer.templates.mjml_elements import elements, pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from mailer.templates.mjml_source import Source

_MOST = 10
_SHOWN = 40
_ROOT = "mjml"
# Where the compiler takes mj-raw, and so a block of Jinja2 between elements.
_TAKE_BLOCKS = frozenset({"mj-head", "mj-body", "mj-section", "mj-column", "mj-wrapper", "mj-hero", "mj-group"})
_MANY = "mj-attributes"
# What has no effect: comments, and blocks that are filled in already.
_IDLE = re.compile(r"\{#|\{%-?\s*(?:end)?block\b")
# One without an end takes the rest, so that the text is read once.
_COMMENT = re.compile(r"<!--(?:.*?-->|.*)", re.DOTALL)


@dataclass(slots=True)
class CheckedMjml:
    """What a check found.

    Attributes:
        wraps: The parts of the text that are Jinja2 between elements, which the compiler takes inside `mj-raw`.
        drops: The parts that are comments or the ends of blocks of Jinja2, where the compiler takes nothing.
        root: Where `<mjml>` begins and ends.
    """

    findings: list[Finding] = field(default_factory=list[Finding])
    wraps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    drops: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    root: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class _Check:
    text: str
    hidden: str
    result: CheckedMjml
    stack: list[Tag] = field(default_factory=list[Tag])
    html: list[Tag] = field(default_factory=list[Tag])

    def report(self, offset: int, words: str) -> None:
        self.result.findings.append(Finding(offset, words))


def check(source: "Source") -> CheckedMjml:
    """Check a template's whole text.

    Raises:
        TemplateError: Something is wrong; the first ten problems are named, each with file, line and element.
    """
    text = source.text
    run = _Check(text, masked(text), CheckedMjml())
    _walk(run)
    found = sorted({*run.result.findings, *findings(text), *_of_jinja(text)})
    if found:
        raise problem(source, found)
    return run.result


def _of_jinja(text: str) -> "Iterator[Finding]":
    if wrong := misunderstood(text):
        yield Finding(wrong.offset, f"Jinja2 says: {wrong.words.rstrip('.')}")


def problem(source: "Source", found: "Sequence[Finding]") -> TemplateError:
    """The error that names everything that was found."""
    lines = [f"{source.place(one.offset)}: {one.words}" for one in found[:_MOST]]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    head = f"{source.pieces[0].path.name if source.pieces else 'The template'} cannot be compiled"
    return TemplateError(
        f"{head}:\n  " + "\n  ".join([*lines, *more]) + "\n", hint="MJML's elements: https://documentation.mjml.io/"
    )


def _walk(run: _Check) -> None:
    """Go through the elements of MJML, and the HTML inside of them."""
    end, holder = 0, ""
    for tag in tags(run.hidden):
        if tag.broken:
            return  # `findings` reports it
        if holder and not (tag.closes and tag.name == holder):
            _html(run, tag)
            continue
        if holder:
            _unclosed(run, run.html)
            run.html.clear()
        else:
            _text_between(run, end, tag.start)
        holder, end = "", tag.end
        if tag.closes:
            _close(run, tag)
        else:
            holder = _open(run, tag)
    _unclosed(run, run.stack[-1:])
    if not run.stack and run.result.root == (0, 0):
        run.report(0, "there is no <mjml>")


def _html(run: _Check, tag: Tag) -> None:
    """See that HTML closes what it opens: the compiler reads it as XML."""
    name = tag.name.lower()
    if tag.empty or name in VOID:
        return
    if not tag.closes:
        run.html.append(tag)
    elif run.html and run.html[-1].name.lower() == name:
        run.html.pop()
    else:
        inside = f"<{run.html[-1].name}> is open" if run.html else "it is not open"
        run.report(tag.start, f"</{tag.name}> closes nothing: {inside}")
        if any(one.name.lower() == name for one in run.html):
            while run.html.pop().name.lower() != name:
                pass


def _unclosed(run: _Check, left: "Iterable[Tag]") -> None:
    for tag in left:
        run.report(tag.start, f"<{tag.name}> is never closed")


def _open(run: _Check, tag: Tag) -> str:
    """Check an element where it begins; its name if HTML is inside it."""
    element = elements().get(tag.name)
    parent = run.stack[-1].name if run.stack else ""
    if element is None:
        run.report(tag.start, _unknown(tag.name, parent))
    else:
        _check_parent(run, tag, parent)
        for words in _wrong_attributes(tag, parent):
            run.report(tag.start, words)
    if tag.empty:
        return ""
    run.stack.append(tag)
    return tag.name if element and element.raw and parent != _MANY else ""


def _close(run: _Check, tag: Tag) -> None:
    if not run.stack or run.stack[-1].name != tag.name:
        inside = f"<{run.stack[-1].name}> is open" if run.stack else "no element is open"
        run.report(tag.start, f"</{tag.name}> closes nothing: {inside}")
        if not any(one.name == tag.name for one in run.stack):
            return
        while run.stack[-1].name != tag.name:
            run.stack.pop()
    first = run.stack.pop()
    if not run.stack:
        run.result.root = (first.start, tag.end)


def _check_parent(run: _Check, tag: Tag, parent: str) -> None:
    if not parent:
        if tag.name != _ROOT:
            run.report(tag.start, f"<{tag.name}> is outside of <mjml>")
        return
    outer = elements().get(parent)
    if parent == _MANY or outer is None or outer.children is None or tag.name in outer.children:
        return
    where = sorted(name for name, one in elements().items() if one.children and tag.name in one.children)
    allowed = f"it may be in {', '.join(where)}" if where else f"it is the outermost element: {_ROOT}"
    run.report(tag.start, f"<{tag.name}> may not be in <{parent}>: {allowed}")


def _blank(comment: re.Match[str]) -> str:
    return " " * len(comment[0]) if comment[0].endswith("-->") else comment[0]


def _text_between(run: _Check, start: int, end: int) -> None:
    """Text between elements: blocks of Jinja2 are wrapped; anything else would be lost."""
    part = _COMMENT.sub(_blank, run.hidden[start:end])
    if not (stripped := part.strip()):
        return
    begin = start + part.index(stripped)
    span = (begin, begin + len(stripped))
    shown = _short(run.text[slice(*span)])
    if not run.stack:
        if not is_blank(part):
            run.report(begin, f"text is outside of <mjml>: {shown}")
        return
    parent = run.stack[-1].name
    if is_blank(part) and parent in _TAKE_BLOCKS:
        run.result.wraps.append(span)
    elif is_blank(part) and all(map(_IDLE.match, _marks(run.text, span))):
        run.result.drops.append(span)
    elif is_blank(part):
        run.report(begin, f"<{parent}> cannot hold {shown}: put it around the whole <{parent}>")
    elif (element := elements().get(parent)) and not element.raw:
        run.report(begin, f"<{parent}> cannot hold text: put {shown} into <mj-text>")


def _marks(text: str, span: tuple[int, int]) -> "Iterator[str]":
    return (mark[0] for mark in JINJA.finditer(text, *span))


def _unknown(name: str, parent: str) -> str:
    if not name.startswith("mj"):
        return f"<{name}> is HTML and may not be in <{parent or 'nothing'}>: put it into <mj-text> or <mj-raw>"
    return f"<{name}> is not MJML{_suggestion(name, elements())}"


def _wrong_attributes(tag: Tag, parent: str) -> "Iterator[str]":
    element = elements()[tag.name]
    known = dict(element.attributes or {})
    seen: set[str] = set()
    for one in tag.attributes:
        if is_masked(one.name):
            yield f"<{tag.name}> has a block of Jinja2 between its attributes: put it inside a value"
            continue
        if one.name in seen:
            yield f"<{tag.name}> has {one.name} twice"
        seen.add(one.name)
        if one.name not in known:
            yield f"<{tag.name}> has no attribute {one.name}{_suggestion(one.name, known)}"
        elif one.value is None:
            yield f'<{tag.name}> has {one.name} without a value: write {one.name}="..."'
        elif words := _wrong_value(one.value, known[one.name]):
            yield f"<{tag.name}> has {one.name}={_short(one.value)}, which is not {words}"
    if tag.name == "mj-class" and "name" not in seen and parent == _MANY:
        yield "<mj-class> has no name"


def _wrong_value(value: str, type_: str) -> str:
    """What a value should be; empty where it is that, or holds Jinja2."""
    allowed = pattern(type_)
    if is_masked(value) or allowed is None or allowed.fullmatch(value.strip()):
        return ""
    kind, _, rest = type_.partition("(")
    inside = rest.partition(")")[0]
    if kind == "enum":
        return " or ".join(filter(None, inside.split(",")))
    if kind.startswith("unit"):
        most = type_.partition("{1,")[2].rstrip("}")
        return (
            f"a number with {' or '.join(filter(None, inside.split(',')))}{f', up to {most} of them' if most else ''}"
        )
    return {"boolean": "true or false", "integer": "a whole number", "color": "a colour"}[kind]


def _suggestion(name: str, known: "Collection[str]") -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _SHOWN else f"{one_line[: _SHOWN - 1]}…"
