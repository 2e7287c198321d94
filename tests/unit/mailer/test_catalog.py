"""The templates that ship: compiled, complete, accessible, and not to be abused."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import mailer.catalog
from mailer.catalog import TEMPLATES, PasswordReset, VerificationCode, Welcome
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.engine import render
from mailer.templates.mjml import compile_folder

BRAND: Any = Brand.model_validate(
    {
        "name": "Example",
        "website": "https://example.com",
        "logo": "https://example.com/logo.png",
        "support": "help@example.com",
        "postal_address": "1 Example Street",
    }
)
URL = "https://app.example.com/start?user=1&next=2"
MAILS: list[EmailTemplate] = [
    Welcome.model_validate({"name": "Ada", "dashboard_url": URL}),
    VerificationCode(code="424242"),
    PasswordReset.model_validate({"name": "Ada", "reset_url": URL}),
]
every_mail = pytest.mark.parametrize("mail", MAILS, ids=lambda mail: type(mail).__name__)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_compiled_html_is_up_to_date():
    assert compile_folder(Path(mailer.catalog.__file__).parent, check=True) == []


def test_every_template_of_the_catalog_is_tested_here():
    assert {type(mail) for mail in MAILS} == set(TEMPLATES)


@every_mail
def test_html_and_text_say_the_same_and_leave_nothing_unfilled(mail: EmailTemplate):
    made = render(mail, BRAND)
    for value in (getattr(mail, name) for name in type(mail).model_fields):
        assert str(value) in made.text
        assert str(value).replace("&", "&amp;") in made.html
    for part in ("Example", "1 Example Street", "help@example.com"):
        assert part in made.text
        assert part in made.html
    assert not any(mark in made.text + made.html + made.subject for mark in ("{{", "{%", "jinja"))
    assert max(map(len, made.text.splitlines())) <= 100


@every_mail
def test_a_screen_reader_and_a_dark_screen_are_thought_of(mail: EmailTemplate):
    page = Page(render(mail, BRAND).html)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert page.all("title")
    assert all(table.get("role") == "presentation" for table in page.all("table"))
    assert all(image.get("alt") for image in page.all("img"))
    assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")


@every_mail
def test_the_preheader_stands_hidden_at_the_top(mail: EmailTemplate):
    html = render(mail, BRAND).html
    assert html.index("display:none") < html.index("<h1")


@every_mail
def test_it_is_far_smaller_than_what_gmail_cuts_off(mail: EmailTemplate):
    assert len(render(mail, BRAND).html.encode()) < 30_000  # Gmail clips at 102 kB


@every_mail
def test_without_a_brand_nothing_breaks_and_nothing_dangles(mail: EmailTemplate):
    made = render(mail, Brand(name="example.test"))
    assert "mailto:" not in made.html
    assert "<img" not in made.html
    assert made.text.rstrip().endswith("example.test")


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 65, "http://evil.example/", "www.evil.example", "Ada\nBcc: eve@example.org", "<script>"]
)
def test_a_name_cannot_carry_somebody_elses_message(name: str):
    with pytest.raises(ValidationError):
        Welcome.model_validate({"name": name, "dashboard_url": URL})


def test_the_code_stands_first_in_the_subject_and_minutes_are_counted_right():
    made = render(VerificationCode(code="424242", expires_in_minutes=1), BRAND)
    assert made.subject == "424242 is your Example code"
    assert "valid for 1 minute." in made.text
    assert "valid for 1 minute." in made.html
