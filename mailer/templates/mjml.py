"""MJML to HTML, ahead of time, with every Jinja2 expression passed through untouched.

Needs `mrml`, of the extra `mjml`. Not for rendering: what comes out is a Jinja2 template.
"""

import re
from typing import TYPE_CHECKING

from mailer.errors import TemplateError
from mailer.install import install_command
from mailer.templates import html_attributes
from mailer.templates.derived_text import derive
from mailer.templates.html_lint import Finding
from mailer.templates.jinja_marks import Shelter
from mailer.templates.mjml_check import check, problem
from mailer.templates.mjml_source import Source, is_page, load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mailer.templates.mjml_check import CheckedMjml

# Defaults for elements that a page need not have, so nothing is missed when they are dropped.
_DEFAULTS = re.compile(r"<mj-attributes>(?:[^<]|<(?!/?mj-attributes>))*</mj-attributes>")
# What a mail program fetches by itself: images, backgrounds, style sheets and fonts; links are not among them.
_LOADED = re.compile(
    r"""(?:\b(?:src|srcset|background|poster)=["']?|url\(["']?|@import\s["']|<link\s[^<>]*?\bhref=["']?)"""
    r"""((?:https?:)?//[^"'()\s<>]+)""",
    re.IGNORECASE,
)


def compile_mjml(path: "Path", folders: "Sequence[Path]" = ()) -> str:
    """Compile one file to a Jinja2 template of HTML.

    MJML parses its input as XML, in which `{% if a < b %}` and `href="{{ links["home"] }}"` cannot stand. So every
    expression travels as a plain word and is put back afterwards; one that MJML dropped on the way is an error.

    Args:
        path: A `.mjml` file. It may include files of its folder by name, those of `folders`, and the layout's.
        folders: Where included files are looked for, too.

    Raises:
        TemplateError: `mrml` is not installed, the file is not MJML, or an expression would be lost.
    """
    source = load(path, folders)
    checked = check(source)
    start, end = checked.root
    before, after = source.text[:start].strip(), source.text[end:].strip()
    text, rules, shelter = prepared(source, checked)
    html = compiled(path, text)
    if lost := shelter.lost(_DEFAULTS.sub("", text), html):
        raise problem(source, [Finding(source.text.index(one), f"MJML drops {one} here") for one in lost])
    _check_loads(path, text, html)
    html = shelter.give_back(html)
    return before + (html_attributes.applied(html, rules) if rules else html).rstrip() + after + "\n"


def prepared(source: Source, checked: "CheckedMjml") -> tuple[str, list[html_attributes.Rule], Shelter]:
    """The MJML that the compiler gets: words for its Jinja2, `mj-raw` around blocks, no `mj-html-attributes`."""
    text, rules = html_attributes.taken(_wrapped(source, checked))
    shelter = Shelter()
    return shelter.take(text), rules, shelter


def _wrapped(source: Source, checked: "CheckedMjml") -> str:
    """The text between `<mjml>` and `</mjml>`, with blocks of Jinja2 between elements as the compiler takes them."""
    end, stop = checked.root
    parts: list[str] = []
    changes = [(*span, ("<mj-raw>", "</mj-raw>")) for span in checked.wraps] + [(*span, None) for span in checked.drops]
    for first, last, around in sorted(changes):
        wrapped = f"{around[0]}{source.text[first:last]}{around[1]}" if around else ""
        parts += [source.text[end:first], wrapped]
        end = last
    return "".join([*parts, source.text[end:stop]])


def compiled(path: "Path", text: str) -> str:
    """The compiler's HTML of a text without Jinja2.

    Raises:
        TemplateError: `mrml` is not installed, or does not understand the text.
    """
    try:
        import mrml
    except ImportError as error:
        raise TemplateError(
            f"{path.name} is MJML and has not been compiled, and mrml is not installed.",
            hint=f"Install it ({install_command('mjml')}), or compile ahead: mailer templates compile FOLDER.",
        ) from error
    try:
        # Without fonts: mrml knows some by name, and has every reader's mail program ask Google for them.
        return mrml.to_html(text, None, mrml.RenderOptions(fonts={})).content
    except OSError as error:
        raise TemplateError(f"{path.name} is not MJML: {error}.", hint="https://documentation.mjml.io/") from error


def _check_loads(path: "Path", text: str, html: str) -> None:
    """Readers' mail programs must not ask anybody whom the author did not name: for an icon of MJML's own, say."""
    strange = sorted({url for url in _LOADED.findall(html) if url not in text})
    if strange:
        raise TemplateError(
            f"{path.name} would load {', '.join(strange)}, which it does not name.",
            hint="Give the element's image of your own: src for mj-social-element, icon-wrapped-url and "
            "icon-unwrapped-url for mj-accordion, left-icon and right-icon for mj-carousel.",
        )


def compile_folder(folder: "Path", *, check: bool = False, text: bool = False) -> "list[Path]":
    """Compile every template of a folder to the `.html` beside it.

    A file without an `<mjml>` of its own and without `{% extends %}` is a fragment to be included, and is left alone.

    Args:
        folder: Where the `.mjml` files are.
        check: Write nothing.
        text: Also derive the `.txt` of each page that has none.

    Returns:
        The files that were not up to date, and now are unless `check` is given.

    Raises:
        TemplateError: One of the files cannot be compiled.
    """
    stale: list[Path] = []
    for source in sorted(folder.glob("*.mjml")):
        if not is_page(source):
            continue
        html = compile_mjml(source)
        wanted = {source.with_suffix(".html"): html}
        if text and not source.with_suffix(".txt").exists():
            wanted[source.with_suffix(".txt")] = derive(html)
        for path in [path for path, content in wanted.items() if not _has(path, content)]:
            stale.append(path)
            if not check:
                path.write_text(wanted[path], encoding="utf-8")
    return stale


def _has(path: "Path", content: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == content
