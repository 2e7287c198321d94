"""A rendered page as a list of its elements, for checks. What Outlook alone sees is left out: it is in comments."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SILENT = frozenset({"style", "script", "title"})


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag in lower case, its attributes, and the line that it begins in."""

    tag: str
    attributes: "Mapping[str, str]"
    line: int


@dataclass(slots=True)
class Page:
    """What a page has.

    Attributes:
        elements: Its elements, in order.
        styles: The content of its `<style>` elements.
        words: Its text, without styles and title.
        comments: Its comments.
        doctype: Its doctype, in lower case; empty if it has none.
    """

    elements: list[Element] = field(default_factory=list[Element])
    styles: list[str] = field(default_factory=list[str])
    words: list[str] = field(default_factory=list[str])
    comments: list[str] = field(default_factory=list[str])
    doctype: str = ""

    def all(self, *tags: str) -> "Iterator[Element]":
        """The elements with one of these tags."""
        return (element for element in self.elements if element.tag in tags)

    @property
    def text(self) -> str:
        """The text in one line."""
        return " ".join(" ".join(self.words).split())


def read(html: str) -> Page:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, {name: value or "" for name, value in attrs}, self.getpos()[0]))
        self._inside = tag if tag in _SILENT else self._inside

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._inside = ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.page.styles.append(data)
        elif not self._inside and data.strip():
            self.page.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.page.comments.append(data)

    def handle_decl(self, decl: str) -> None:
        self.page.doctype = decl.lower()
