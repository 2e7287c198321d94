"""MJML to HTML, ahead of time, with every Jinja2 expression passed through untouched.

Needs `mrml`, of the extra `mjml`. Not for rendering: what comes out is a Jinja2 template.
"""

import re
from pathlib import Path

from mailer.errors import TemplateError
from mailer.install import install_command

# Fragments that every folder may include: <mj-include path="mailstack/head.mjml" />
LAYOUT = Path(__file__).parent / "layout"
LAYOUT_PREFIX = "mailstack/"

# Up to the end or to the next beginning, so that one without an end costs no more than its own length.
_JINJA = re.compile(
    r"\{\{(?:[^{}]|\{(?!\{)|\}(?!\}))*\}\}|\{%(?:[^{%]|\{(?!%)|%(?!\}))*%\}|\{#(?:[^{#]|\{(?!#)|#(?!\}))*#\}"
)
_TOKEN = re.compile(r"jinja(\d+)end")
_INCLUDE = re.compile(r'<mj-include\s+path="([^"]+)"\s*/>')
_MAX_DEPTH = 5
# Defaults for elements that a page need not have, so nothing is missed when they are dropped.
_DEFAULTS = re.compile(r"<mj-attributes>(?:[^<]|<(?!/?mj-attributes>))*</mj-attributes>")
# What a mail program fetches by itself: images, backgrounds, style sheets and fonts; links are not among them.
_LOADED = re.compile(
    r"""(?:\b(?:src|srcset|background|poster)=["']?|url\(["']?|@import\s["']|<link\s[^<>]*?\bhref=["']?)"""
    r"""((?:https?:)?//[^"'()\s<>]+)""",
    re.IGNORECASE,
)
_LEFT_OVER = re.compile(r"</?mj-[a-z-]+")


def compile_mjml(source: Path) -> str:
    """Compile one file to a Jinja2 template of HTML.

    MJML parses its input as XML, in which `{% if a < b %}` and `href="{{ links["home"] }}"` cannot stand. So every
    expression travels as a plain word and is put back afterwards; one that MJML dropped on the way is an error.

    Args:
        source: A `.mjml` file. It may include files of its folder by name, and those of `LAYOUT`.

    Raises:
        TemplateError: `mrml` is not installed, the file is not MJML, or an expression would be lost.
    """
    try:
        import mrml
    except ImportError as error:
        raise TemplateError(
            f"{source.name} is MJML and has not been compiled, and mrml is not installed.",
            hint=f"Install it ({install_command('mjml')}), or compile ahead: mailer templates compile FOLDER.",
        ) from error
    kept: list[str] = []

    def shelter(expression: re.Match[str]) -> str:
        kept.append(expression[0])
        return f"jinja{len(kept) - 1}end"

    text = _JINJA.sub(shelter, _included(source))
    try:
        # Without fonts: mrml knows some by name, and has every reader's mail program ask Google for them.
        html = mrml.to_html(text, None, mrml.RenderOptions(fonts={})).content
    except OSError as error:
        raise TemplateError(f"{source.name} is not MJML: {error}.", hint="https://documentation.mjml.io/") from error
    lost = sorted(set(_TOKEN.findall(_DEFAULTS.sub("", text))) - set(_TOKEN.findall(html)), key=int)
    _check(source, html, [kept[int(number)] for number in lost])
    _check_loads(source, text, html)
    return _TOKEN.sub(lambda token: kept[int(token[1])], html).rstrip() + "\n"


def _included(source: Path, depth: int = 0) -> str:
    """A file's text with its includes in place; mrml's own do not hand the page's width on to what they include."""

    def include(found: re.Match[str]) -> str:
        name = found[1]
        path = LAYOUT / name.removeprefix(LAYOUT_PREFIX) if name.startswith(LAYOUT_PREFIX) else source.parent / name
        if not path.is_file() or depth == _MAX_DEPTH:
            raise TemplateError(
                f"{source.name} includes {name}, which {'includes itself' if path.is_file() else 'is not there'}.",
                hint=f"Give a path from its own folder, or one of the layout's: {LAYOUT_PREFIX}head.mjml.",
            )
        return _included(path, depth + 1)

    return _INCLUDE.sub(include, source.read_text(encoding="utf-8"))


def _check(source: Path, html: str, lost: list[str]) -> None:
    if lost:
        raise TemplateError(
            f"MJML drops {', '.join(lost)} from {source.name}.",
            hint="Text is allowed in mj-text, mj-button and the like; elsewhere write <mj-raw>{% ... %}</mj-raw>.",
        )
    unknown = sorted(set(_LEFT_OVER.findall(html)))
    if unknown:
        raise TemplateError(
            f"{source.name} holds tags that are not MJML: {', '.join(tag.strip('</') for tag in unknown)}.",
            hint="https://documentation.mjml.io/ lists them.",
        )


def _check_loads(source: Path, text: str, html: str) -> None:
    """Readers' mail programs must not ask anybody whom the author did not name: for an icon of MJML's own, say."""
    strange = sorted({url for url in _LOADED.findall(html) if url not in text})
    if strange:
        raise TemplateError(
            f"{source.name} would load {', '.join(strange)}, which it does not name.",
            hint="Give the element's image of your own: src for mj-social-element, icon-wrapped-url and "
            "icon-unwrapped-url for mj-accordion, left-icon and right-icon for mj-carousel.",
        )


def compile_folder(folder: Path, *, check: bool = False) -> list[Path]:
    """Compile every template of a folder to the `.html` beside it.

    A file without an `<mjml>` of its own is a fragment to be included, and is left alone.

    Args:
        folder: Where the `.mjml` files are.
        check: Write nothing.

    Returns:
        The `.html` files that were not up to date, and now are unless `check` is given.

    Raises:
        TemplateError: One of the files cannot be compiled.
    """
    stale: list[Path] = []
    for source in sorted(folder.glob("*.mjml")):
        if "<mjml" not in source.read_text(encoding="utf-8"):
            continue
        target, html = source.with_suffix(".html"), compile_mjml(source)
        if not target.exists() or target.read_text(encoding="utf-8") != html:
            stale.append(target)
            if not check:
                target.write_text(html, encoding="utf-8")
    return stale
