"""What Chromium and SpamAssassin see: mistakes are found, and every template passes, whatever the brand."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailer.catalog import TEMPLATES
from mailer.message import Message
from mailer.quality import chromium, content, rendering, spam
from mailer.quality.chromium import Browser
from mailer.quality.page import read
from mailer.quality.score import score
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand, DarkColours
from mailer.templates.compose import compose
from tests.system import require_tool

HEAD = '<!doctype html><html lang="en"><head><title>Note</title>{}</head><body>{}</body></html>'
FULL: dict[str, Any] = {
    "name": "Example",
    "website": "https://example.com/",
    "support": "help@example.com",
    "postal_address": "1 Example Street\nSampleton",
    "footer": "Registered in Exampleland",
    "links": [{"label": "Terms", "url": "https://example.com/terms"}],
    "social": [{"label": "Mastodon", "url": "https://social.example.com/@x"}],
}
BRANDS: dict[str, Brand] = {
    "yellow": Brand(**FULL, accent="#ffd400"),
    "black": Brand(**FULL, accent="#000000"),
    "white": Brand(**FULL, accent="#ffffff", text="#eeeeee", muted="#eeeeee"),
    "grey everywhere": Brand(**FULL, accent="#808080", card="#808080", background="#808080"),
    "always dark": Brand(**FULL, card="#101010", background="#000000", dark=DarkColours(accent="#333333")),
    "long name": Brand(**FULL).model_copy(update={"name": "W" * 64}),
    "with logos": Brand(**FULL, logo="https://example.com/a.png", logo_dark="https://example.com/b.png"),
    "name alone": Brand(name="Example"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = require_tool("chromium")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        chromium.running(path, Path(profile)) as it,
    ):
        yield it


def mail(kind: type[EmailTemplate], brand: Brand, locale: str = "") -> Message:
    made = kind.model_validate(kind.sample).localized(locale)
    return compose(made, brand, to="reader@example.org", sender="no-reply@example.com")


def message(*, text: str) -> Message:
    return Message(subject="Your note", text=text, to="a@example.org", sender="b@example.com")


def failed(browser: Browser, html: str) -> list[str]:
    found = rendering.checks_in(browser, html)
    return [f"{one.name}: {one.summary} {one.details}" for one in found if one.state != "pass"]


@pytest.mark.parametrize("kind", TEMPLATES, ids=lambda kind: kind.__name__)
def test_every_template_passes_in_chromium(browser: Browser, kind: type[EmailTemplate]):
    assert failed(browser, mail(kind, BRANDS["yellow"]).html) == []


@pytest.mark.parametrize("locale", ["es", "ne"])
def test_every_template_fits_in_each_language(browser: Browser, locale: str):
    problems: list[str] = []
    for kind in TEMPLATES:
        made = mail(kind, BRANDS["long name"], locale)
        checks = [*content.checks(made, read(made.html), frozenset()), rendering.widths(browser, made.html)]
        problems += [f"{kind.__name__}: {one.name}: {one.summary}" for one in checks if one.state == "fail"]
    assert problems == []


@pytest.mark.parametrize("brand", BRANDS)
def test_awkward_brands_pass_in_chromium(browser: Browser, brand: str):
    assert failed(browser, mail(TEMPLATES[-1], BRANDS[brand]).html) == []


WIDE, PALE, NAMELESS = (
    '<div style="width:700px">wide</div>',
    '<p style="color:#ccc">pale words</p>',
    '<a href="https://x.test"></a>',
)
DARK = "<style>@media (prefers-color-scheme: dark) { body { background: #000 } }</style>"
STYLED = "<style>p { background: #000 }</style>"


@pytest.mark.parametrize(
    ("head", "body", "check", "said"),
    [
        ("", PALE, "accessibility, light mode", "color-contrast"),
        ("", '<img src="https://example.com/a.png">', "accessibility, light mode", "image-alt"),
        ("", "<h4>second</h4>", "accessibility, light mode", "heading-order"),
        ("", NAMELESS, "accessibility, light mode", "link-name"),
        (DARK, '<p style="color:#333">dark words</p>', "accessibility, dark mode", "color-contrast"),
        ("", WIDE, "widths", "at 320 px the page is"),
        (STYLED, '<p style="color:#ddd">light words</p>', "without styles", "color-contrast"),
    ],
)
def test_chromium_finds_what_is_wrong(browser: Browser, head: str, body: str, check: str, said: str):
    found = {one.name: one for one in rendering.checks_in(browser, HEAD.format(head, f"<h1>First</h1>{body}"))}
    assert found[check].state != "pass"
    assert said in " ".join((found[check].summary, *found[check].details))


def test_browser_asks_no_server(browser: Browser):
    browser.show(HEAD.format("", '<h1>a</h1><img id="i" alt="" src="http://localhost:1/a.png">'))
    again = "image.onload = () => done('loaded'); image.onerror = () => done('failed'); image.src += '?2'"
    wait = f"new Promise(done => {{ const image = document.getElementById('i'); {again} }})"
    assert browser.evaluate(wait) == "failed"


def test_spamassassin_gives_every_template_few_points():
    require_tool("spamassassin")
    checks = spam.checks([mail(kind, BRANDS["yellow"]) for kind in TEMPLATES])
    above = [(kind.__name__, one) for kind, one in zip(TEMPLATES, checks, strict=True) if one.state != "pass"]
    assert above == []


def test_spamassassin_names_the_rules_of_spam():
    require_tool("spamassassin")
    words = "Dear friend, CLICK HERE!!! 100% free viagra, lowest price. You won $1,000,000,000 in the lottery. Act now!"
    html = f'<html><body><font size="7">{words.upper()}</font><img src="http://192.0.2.1/x.gif"></body></html>'
    note = Message(
        subject="FREE VIAGRA $$$ MAKE MONEY FAST", text=words, html=html, to="a@example.org", sender="b@example.com"
    )
    good, check = spam.checks([message(text="From here on\nFrom there"), note])
    assert (good.state, check.state) == ("pass", "fail")
    assert any("DRUGS" in line or "HTML_" in line for line in check.details)


def test_score_has_every_check():
    require_tool("chromium")
    require_tool("spamassassin")
    found = score(mail(TEMPLATES[-1], BRANDS["yellow"]), BRANDS["yellow"])
    assert [check.state for check in found.checks] == ["pass"] * 15


def test_the_browser_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with tempfile.TemporaryDirectory() as short:
        monkeypatch.setenv("TMPDIR", short)
        with chromium.running(require_tool("chromium"), tmp_path) as another:
            assert another.evaluate("1 + 1") == 2
        assert list(Path(short).iterdir()) == []
