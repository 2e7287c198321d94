"""The plain text of a template that has only HTML: derived once, with its Jinja2 in place. Not for mails one by one."""

import re
from typing import TYPE_CHECKING

from mailer.errors import TemplateError
from mailer.install import install_command
from mailer.templates.jinja_marks import Shelter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bs4 import BeautifulSoup
    from bs4.element import NavigableString

# Of the layout: what its footer.txt says, and the name above the card.
_LAYOUT_PARTS = ".brand-header, .brand-footer"
_FOOTER = '{% include "mailstack/footer.txt" %}'
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]*)\)")
_ONLY_WORDS = re.compile(r"\A\s*(?:jinja\d+end\s*)+\Z")
_BLOCKS = ["div", "p", "h1", "h2", "h3", "ul", "ol", "table"]
_SCHEME = re.compile(r"(?:mailto|tel):")
_STATEMENT = re.compile(r"\{%[^{}]*%\}\Z")


def derive(html: str) -> str:
    """A `.txt` template from a compiled page, which may hold Jinja2.

    Links keep their address, images their alt text; tables that only arrange a page become lines.

    Raises:
        TemplateError: inscriptis is not installed.
    """
    try:
        from bs4 import BeautifulSoup
        from inscriptis import get_text  # pyright: ignore[reportUnknownVariableType]
        from inscriptis.css_profiles import CSS_PROFILES
        from inscriptis.model.config import ParserConfig
    except ImportError as error:
        raise TemplateError(
            "The template has no .txt, and inscriptis is not installed, which derives plain text from HTML.",
            hint=f"Write the .txt, or install it ({install_command('mjml')}) and run: mailer templates compile --text.",
        ) from error
    shelter = Shelter()
    page = BeautifulSoup(shelter.take(html), "html.parser")
    footer = _unfold(page, shelter)
    config = ParserConfig(css=CSS_PROFILES["strict"], display_links=True, display_images=True)
    text = str(get_text(str(page), config))
    lines = (shelter.give_back(_plain(" ".join(line.split()), shelter)) for line in text.splitlines())
    body = "\n".join(_spaced(lines)).strip()
    return f"{body}\n\n{_FOOTER}\n" if footer else f"{body}\n"


def _unfold(page: "BeautifulSoup", shelter: Shelter) -> bool:
    """Make lines of what only arranges the page, and remove the layout's own; whether its footer was there."""
    footer = page.select_one(".brand-footer") is not None
    for part in page.select(_LAYOUT_PARTS):
        part.decompose()
    for table in page.select('table[role="presentation"]'):
        table.name = "div"
    for cell in page.select("tbody, tr, td"):
        if not cell.find_parent("table"):
            cell.name = "p" if cell.name == "td" else "div"
    for text in page.find_all(string=_ONLY_WORDS):
        if text.parent and text.parent.find(_BLOCKS, recursive=False):
            _put_on_lines(page, text, shelter)
    return footer


def _put_on_lines(page: "BeautifulSoup", text: "NavigableString", shelter: Shelter) -> None:
    """Give each statement between blocks a line of its own, which Jinja2 removes when it renders the text."""
    for word in text.split():
        if shelter.give_back(word).startswith("{{"):
            return
    for word in text.split():
        line = page.new_tag("div")
        line.string = word
        text.insert_before(line)
    text.extract()


def _plain(line: str, shelter: Shelter) -> str:
    """`[text](address)` as people write it in a mail."""

    def plain(link: re.Match[str]) -> str:
        words, address = link[1].strip(), link[2]
        shown = _SCHEME.sub("", address)
        if not words or shelter.give_back(words) == shelter.give_back(shown):
            return shown
        return f"{words}:\n{address}" if link.start() == 0 else f"{words} ({shown})"

    return _LINK.sub(plain, line)


def _spaced(lines: "Iterable[str]") -> "Iterator[str]":
    """The lines with one blank line between paragraphs.

    It precedes the statements that are there: so it is one line whether they show something or not.
    """
    last = ""
    blank = False
    for line in lines:
        if not line:
            blank = True
            continue
        if last and not _STATEMENT.match(last) and (blank or _STATEMENT.match(line)):
            yield ""
        yield line
        last, blank = line, False
