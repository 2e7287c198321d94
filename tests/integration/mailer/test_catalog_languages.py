"""The catalog in each language, in two, and from right to left, as Chromium shows it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import write_po
from bs4 import BeautifulSoup
from bs4.element import NavigableString

from mailer.catalog import FOLDERS, TEMPLATES, BounceDigest, Invitation, Receipt, StatusChanged, VerificationCode
from mailer.locales.catalogues import placeholders
from mailer.quality import content
from mailer.quality.page import read as read_page
from mailer.quality.score import hosts
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.compose import compose
from mailer.templates.extract import own_messages, read
from mailer.templates.isolation import direction_of
from tests.chromium import Chromium, Page, chromium

pytestmark = pytest.mark.integration
FULL = {"name": "Example", "website": "https://example.com/", "support": "help@example.com"}
# One of each kind of content: facts, lines with amounts, a code, links, a table, a quotation.
VARIED = (VerificationCode, Receipt, Invitation, StatusChanged, BounceDigest)
LANGUAGES = (("en", ""), ("es", ""), ("ne", ""), ("ne", "en"))
PHONE, WIDE = 320, 1200


def compose_sample(kind: type[EmailTemplate], brand: Brand, locale: str, second: str = ""):
    mail = kind.model_validate(kind.sample).localized(locale, second=second)
    return compose(mail, brand, to="reader@example.org", sender="no-reply@example.com")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def hebrew(tmp_path_factory: pytest.TempPathFactory) -> Brand:
    """A brand with every word of the catalog in Hebrew letters: the words mean nothing, the direction does."""
    folder = tmp_path_factory.mktemp("own")
    catalogue = read("he", [*FOLDERS, *own_messages()])
    for message in catalogue:
        texts = message.id if isinstance(message.id, tuple | list) else [message.id]
        words = ["שלום " + " ".join(f"%({name})s" for name in sorted(placeholders(text))) for text in texts]
        if message.id:
            message.string = tuple(words[-1] for _ in range(catalogue.num_plurals)) if len(words) > 1 else words[0]
    (folder / "locales").mkdir()
    with (folder / "locales" / "he.po").open("wb") as file:
        write_po(file, catalogue)
    return Brand.model_validate({**FULL, "templates": folder})


@pytest.mark.parametrize(("locale", "second"), LANGUAGES)
def test_checks_of_content_pass_in_every_language(locale: str, second: str):
    brand = Brand.model_validate(FULL)
    for kind in TEMPLATES:
        message = compose_sample(kind, brand, locale, second)
        found = content.checks(message, read_page(message.html), hosts(brand))
        assert [one for one in found if one.state == "fail"] == [], kind.__name__


def shown(browser: Chromium, folder: Path, html: str) -> Page:
    (folder / "mail.html").write_text(html, encoding="utf-8")
    return browser.page((folder / "mail.html").as_uri())


@pytest.mark.parametrize("kind", TEMPLATES, ids=lambda kind: kind.__name__)
def test_no_language_needs_a_scrollbar(browser: Chromium, tmp_path: Path, hebrew: Brand, kind: type[EmailTemplate]):
    for locale, second in (("es", ""), ("ne", "en"), ("he", "en")):
        page = shown(browser, tmp_path, compose_sample(kind, hebrew, locale, second).html)
        for width in (PHONE, WIDE):
            page.window(width, 800)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (locale, second)


@pytest.mark.parametrize("kind", VARIED, ids=lambda kind: kind.__name__)
def test_right_to_left_page_begins_at_the_right(
    browser: Chromium, tmp_path: Path, hebrew: Brand, kind: type[EmailTemplate]
):
    page = shown(browser, tmp_path, compose_sample(kind, hebrew, "he", "en").html)
    page.window(WIDE, 800)
    assert page.evaluate("document.documentElement.dir") == "rtl"
    sides = page.evaluate(
        """[...document.querySelectorAll('h1')].map((one) => {
          const text = document.createRange(); text.selectNodeContents(one);
          const [inner, outer] = [text.getBoundingClientRect(), one.getBoundingClientRect()];
          return inner.left - outer.left < outer.right - inner.right ? 'left' : 'right';
        })"""
    )
    assert sides == ["right", "left"]
    assert not re.search(r"align=\"left\"[^>]*>\s*<div[^>]*>שלום", page.evaluate("document.body.innerHTML"))


@pytest.mark.parametrize("kind", TEMPLATES, ids=lambda kind: kind.__name__)
def test_latin_text_in_hebrew_is_isolated_everywhere(hebrew: Brand, kind: type[EmailTemplate]):
    (body,) = BeautifulSoup(compose_sample(kind, hebrew, "he").html, "html.parser").select("body")
    words = [text for text in body.find_all(string=re.compile("[A-Za-z]")) if type(text) is NavigableString]
    assert [text for text in words if direction_of(text) == "ltr" and text.find_parent(dir="ltr") is None] == []
    assert any(text.find_parent(dir="ltr") for text in words)
