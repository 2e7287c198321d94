"""Checks of a mail in a real browser: accessibility by axe-core, light and dark, and widths without a scrollbar."""

import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailer.quality import chromium
from mailer.quality.report import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.quality.chromium import Browser

_AXE = Path(__file__).with_name("axe.min.js")
# From the narrowest phone in use to a desktop's reading pane.
WIDTHS = (320, 375, 480, 600, 768, 1024, 1200)
_PHONE, _DESKTOP = 375, 800
# Of pages of a web site: a mail has no landmarks, and is shown inside of a page that has.
_NOT_FOR_MAIL = ("region", "landmark-one-main", "bypass")
_OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "rules": {rule: {"enabled": False} for rule in _NOT_FOR_MAIL},
    "resultTypes": ["violations"],
}
_RUN = f"""axe.run(document, {json.dumps(_OPTIONS)}).then(found => found.violations.map(one => ({{
    id: one.id, help: one.help, nodes: one.nodes.map(node => ({{
        html: node.html, why: node.any.concat(node.all, node.none).map(check => check.message)[0] || '' }})) }})))"""
_OVERFLOW = "document.scrollingElement.scrollWidth - window.innerWidth"
_STYLES = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)
_SHOWN = 100


def checks(html: str) -> "Iterator[Check]":
    """Every check; one that is skipped where there is no Chromium.

    Raises:
        TemplateError: Chromium does not work.
    """
    path = chromium.find()
    if not path:
        words = f"there is no Chromium on the PATH ({', '.join(chromium.PROGRAMS)})"
        yield Check("browser", "skip", words)
        return
    profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with profile, chromium.running(path, Path(profile.name)) as browser:
        yield from checks_in(browser, html)


def checks_in(browser: "Browser", html: str) -> "Iterator[Check]":
    """Every check, in a browser that runs already."""
    yield accessibility(browser, html, dark=False)
    yield accessibility(browser, html, dark=True)
    yield widths(browser, html)
    yield without_styles(browser, html)


def accessibility(browser: "Browser", html: str, *, dark: bool) -> Check:
    """What axe-core finds: contrast, headings, alt texts, names of links, language."""
    mode = "dark" if dark else "light"
    browser.show(html)
    browser.window(_DESKTOP, dark=dark)
    problems = list(_axe(browser))
    return Check.of(f"accessibility, {mode} mode", problems, "axe-core finds nothing")


def _axe(browser: "Browser") -> "Iterator[str]":
    browser.evaluate(_script())
    found: list[dict[str, Any]] = browser.evaluate(_RUN)
    for one in found:
        for node in one["nodes"]:
            yield f"{one['id']}: {one['help']}: {_short(node['html'])} {node['why']}".strip()


@cache
def _script() -> str:
    return f"{_AXE.read_text(encoding='utf-8')}\n;0"


def widths(browser: "Browser", html: str) -> Check:
    """Whether it fits windows from a narrow phone to a desktop."""
    browser.show(html)
    problems = list(_too_wide(browser, WIDTHS))
    return Check.of("widths", problems, f"no scrollbar from {WIDTHS[0]} to {WIDTHS[-1]} px")


def _too_wide(browser: "Browser", sizes: tuple[int, ...]) -> "Iterator[str]":
    for width in sizes:
        browser.window(width)
        if (over := int(browser.evaluate(_OVERFLOW))) > 0:
            yield f"at {width} px the page is {over} px too wide"


def without_styles(browser: "Browser", html: str) -> Check:
    """Whether it can be read where `<style>` is removed, as Gmail's app does for accounts of others."""
    browser.show(_STYLES.sub("", html))
    browser.window(_PHONE)
    problems = [problem for problem in _axe(browser) if problem.startswith("color-contrast")]
    problems += _too_wide(browser, (_PHONE,))
    return Check.of("without styles", problems, f"contrast holds, and no scrollbar at {_PHONE} px", state="warn")


def _short(html: str) -> str:
    one_line = " ".join(html.split())
    return one_line if len(one_line) <= _SHOWN else f"{one_line[: _SHOWN - 1]}…"
