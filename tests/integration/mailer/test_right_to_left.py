"""Mails in Arabic as Chromium shows them, with the words in `arabic` for some templates of the catalog."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.catalog import (
    CommentAdded,
    EmailChanged,
    Invitation,
    PasswordReset,
    Receipt,
    StatusChanged,
    VerificationCode,
)
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.compose import compose
from tests.chromium import Chromium, Page, chromium

pytestmark = pytest.mark.integration
URL = "https://app.example.com/reset/4cBq/?a=1&b=2/"
BRAND = Brand.model_validate(
    {
        "name": "Example Inc.",
        "website": "https://example.com/",
        "support": "help@example.com",
        "postal_address": "12 Main St. (Suite 4)\nSpringfield",
        "links": [{"label": "Terms & more!", "url": "https://example.com/terms"}],
        "templates": Path(__file__).parent / "arabic",
    }
)
# Each with what must be read from left to right.
MAILS: list[tuple[EmailTemplate, tuple[str, ...]]] = [
    (
        VerificationCode.model_validate({"code": "12-AB-7"}),
        ("12-AB-7", "Example Inc.", "12 Main St. (Suite 4)", "more!"),
    ),
    (
        PasswordReset.model_validate({"name": "Ada (she/her)", "reset_url": URL}),
        ("Ada (she/her)", URL, "help@example.com"),
    ),
    (
        Receipt.model_validate({**Receipt.sample, "number": "2026-0042/A"}),
        ("2026-0042/A", "39.00", "65.21", "Card \u2022\u2022\u2022\u2022 4242", "https://app.example.com/billing"),
    ),
    (
        Invitation.model_validate({**Invitation.sample, "inviter": "Grace H. (Navy)", "group": "Team C++"}),
        ("Grace H. (Navy)", "Team C++"),
    ),
    (EmailChanged.model_validate(EmailChanged.sample), ("ada@example.com", "ada@example.org")),
    (
        CommentAdded.model_validate({**CommentAdded.sample, "title": "Release 2.0!"}),
        ("Release 2.0!", "I like the second part."),
    ),
    (StatusChanged.model_validate(StatusChanged.sample), ("EXMPL", "The price has passed the target.")),
]
PLACES = """(text) => {
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const left = (node, index) => {
    const range = document.createRange();
    range.setStart(node, index);
    range.setEnd(node, index + 1);
    return range.getBoundingClientRect().left;
  };
  const found = [];
  while (nodes.nextNode()) {
    const at = nodes.currentNode.data.indexOf(text);
    const isShown = nodes.currentNode.parentElement.checkVisibility();
    if (at >= 0 && isShown) found.push([...text].map((_, index) => left(nodes.currentNode, at + index)));
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


def shown(browser: Chromium, folder: Path, mail: EmailTemplate) -> Page:
    message = compose(mail.localized("ar"), BRAND, to="reader@example.org", sender="no-reply@example.com")
    (folder / "mail.html").write_text(message.html, encoding="utf-8")
    return browser.page((folder / "mail.html").as_uri())


@pytest.fixture(params=MAILS, ids=lambda mail: type(mail[0]).__name__)
def mail(request: pytest.FixtureRequest) -> tuple[EmailTemplate, tuple[str, ...]]:
    return request.param


def places(page: Page, text: str) -> list[list[float]]:
    """From the left, where each character of a text is, as often as the text is shown."""
    return page.evaluate(f"({PLACES})({json.dumps(text)})")


def test_latin_values_are_read_from_left_to_right(
    browser: Chromium, tmp_path: Path, mail: tuple[EmailTemplate, tuple[str, ...]]
):
    page = shown(browser, tmp_path, mail[0])
    page.window(1200, 800)
    for text in mail[1]:
        found = places(page, text)
        assert found, text
        assert [lefts for lefts in found if lefts != sorted(lefts)] == [], text


def test_page_fits_and_begins_at_the_right(
    browser: Chromium, tmp_path: Path, mail: tuple[EmailTemplate, tuple[str, ...]]
):
    page = shown(browser, tmp_path, mail[0])
    assert page.evaluate("[document.documentElement.dir, document.documentElement.lang]") == ["rtl", "ar"]
    for width in (320, 1200):
        page.window(width, 800)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        right = page.evaluate("document.querySelector('h1').getBoundingClientRect().right")
        text = page.evaluate(
            """[...document.querySelectorAll('h1, .button a')].map((one) => {
              const range = document.createRange(); range.selectNodeContents(one);
              return one.tagName === 'A' ? one.getBoundingClientRect().right : range.getBoundingClientRect().right;
            })"""
        )
        assert [edge for edge in text if abs(edge - right) > 2] == [], width  # the button has a border of a pixel


def test_arrow_points_from_the_old_to_the_new(browser: Chromium, tmp_path: Path):
    page = shown(browser, tmp_path, StatusChanged.model_validate(StatusChanged.sample))
    page.window(1200, 800)
    old, arrow, new = (places(page, text)[0][0] for text in ("BUY", "\u2190", "SELL"))
    assert old > arrow > new


def test_border_of_a_quotation_is_at_the_right(browser: Chromium, tmp_path: Path):
    page = shown(browser, tmp_path, CommentAdded.model_validate(CommentAdded.sample))
    style = "getComputedStyle(document.querySelector('blockquote'))"
    assert page.evaluate(f"[{style}.borderRightWidth, {style}.borderLeftWidth]") == ["3px", "0px"]
