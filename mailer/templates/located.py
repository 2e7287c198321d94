"""Says where in a template's files an error of rendering is: file, line and element. Only for errors that happened."""

import re
from typing import TYPE_CHECKING

from mailer.errors import TemplateError
from mailer.templates.jinja_marks import JINJA, masked
from mailer.templates.jinja_syntax import misunderstood
from mailer.templates.markup import VOID, tags
from mailer.templates.mjml_source import Source, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.templates.files import TemplateFiles

_QUOTED = re.compile(r"'(\w+)'")


def located(words: str, files: "TemplateFiles") -> str:
    """Where the files have what an error's words name, such as `order.mjml:12, in <mj-text>`; empty if nowhere.

    Args:
        words: The error's words. Jinja2 puts names in quotes.
        files: The template's files.
    """
    names = _QUOTED.findall(words)
    for source in _sources(files):
        offset = _syntax(source, words)
        if offset is None:
            offset = next((found for name in names if (found := _use(source, name)) is not None), None)
        if offset is not None:
            element = _element(source.text, offset)
            return f"{source.place(offset)}{f', in <{element}>' if element else ''}"
    return ""


def _sources(files: "TemplateFiles") -> "Iterator[Source]":
    """Each file that was rendered; the MJML that is beside compiled HTML, for people write that."""
    page = files.page
    paths = [files.text, page.with_suffix(".mjml") if page and page.with_suffix(".mjml").is_file() else page]
    for path in filter(None, paths):
        try:
            yield load(path, files.folders) if path.suffix == ".mjml" else Source.of(path)
        except TemplateError:  # it has changed since it was compiled
            continue


def _syntax(source: Source, words: str) -> int | None:
    """Where Jinja2 does not understand the text, if it says the same of it."""
    wrong = misunderstood(source.text)
    return wrong.offset if wrong and wrong.words in words else None


def _use(source: Source, name: str) -> int | None:
    """The first expression or statement with that name."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    return next((mark.start() for mark in JINJA.finditer(source.text) if word.search(mark[0])), None)


def _element(text: str, offset: int) -> str:
    """The element that a place is in."""
    opened: list[str] = []
    for tag in tags(masked(text), 0, len(text)):
        if tag.start <= offset < tag.end:
            return tag.name
        if tag.start > offset:
            break
        if tag.closes and tag.name in opened:
            while opened.pop() != tag.name:
                pass
        elif not (tag.closes or tag.empty or tag.broken or tag.name.lower() in VOID):
            opened.append(tag.name)
    return opened[-1] if opened else ""
